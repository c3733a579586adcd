// Which texts are cron expressions, and what they mean.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "jobs/cron_fixture.h"

namespace levelkeep {
namespace {

// Both expressions give the same 60 runs; so do upper-case and lower-case
// letters.
void ExpectSame(const std::string& a, const std::string& b) {
  const Time start = test::AtMinute("2026-11-30T15:07Z");
  EXPECT_EQ(test::Runs(test::Cron(a), start, 60),
            test::Runs(test::Cron(b), start, 60))
      << a << " is not " << b;
}

TEST(CronParseTest, EqualExpressions) {
  const std::pair<const char*, const char*> kRows[] = {
      {"0 0 1 JAN *", "0 0 1 1 *"},
      {"0 0 1 feb,Apr-juN,DEC *", "0 0 1 2,4,5,6,12 *"},
      {"0 0 * * mon-FRI", "0 0 * * 1-5"},
      {"0 0 * * SUN", "0 0 * * 0"},
      {"0 0 * * 7", "0 0 * * 0"},
      {"0 0 * * 5-7", "0 0 * * 0,5,6"},
      {"0 0 * * 0-7", "0 0 * * *"},
      {"0 0 * * */2", "0 0 * * 0,2,4,6"},
      {"0 0 * * */7", "0 0 * * 0"},
      {"0 0 * * 1-7/3", "0 0 * * 1,4,7"},
      {"*/15 * * * *", "0,15,30,45 * * * *"},
      {"*/60 */24 * * *", "0 0 * * *"},
      {"10-30/10 0 * * *", "10,20,30 0 * * *"},
      {"5-5 0 * * *", "5 0 * * *"},
      {"0-23/2,5 0 * * *", "0,2,4,5,6,8,10,12,14,16,18,20,22 0 * * *"},
      {"5,5,4-6 0 * * *", "4-6 0 * * *"},
      {"*,5 0 * * *", "* 0 * * *"},
      {"0 8-18/1 * * *", "0 8-18 * * *"},
      {"00 002 * * *", "0 2 * * *"},
      {" \t0\t2  * *\t* ", "0 2 * * *"},
      {"@yearly", "0 0 1 1 *"},
      {"@Annually", "0 0 1 1 *"},
      {"@monthly", "0 0 1 * *"},
      {"@weekly", "0 0 * * 0"},
      {"@DAILY", "0 0 * * *"},
      {"@midnight", "0 0 * * *"},
      {" @hourly ", "0 * * * *"},
  };
  for (const auto& [a, b] : kRows) ExpectSame(a, b);
}

std::string ErrorOf(std::string_view expression) {
  const auto fields = CronFields::Parse(expression);
  if (fields.ok()) return "accepted";
  EXPECT_EQ(fields.status().code(), StatusCode::kInvalidArgument);
  const std::string& message = fields.status().message();
  const std::string context =
      "cron expression \"" + std::string(expression) + "\": ";
  EXPECT_TRUE(message.starts_with(context)) << message;
  return message.substr(std::min(context.size(), message.size()));
}

TEST(CronParseTest, MessagesNameFieldAndText) {
  const std::pair<const char*, const char*> kRows[] = {
      {"", "it is empty"},
      {"  ", "it is empty"},
      {"*", "it has 1 field"},
      {"0 2 * *", "it has 4 fields"},
      {"0 0 2 * * *", "it has 6 fields"},
      {"0 0 2 * * * 2026", "it has 7 fields"},
      {"@reboot", R"("@reboot" is not known)"},
      {"@every 5m", R"("@every 5m" is not known)"},
      {"@daily 1", R"("@daily 1" is not known)"},
      {"@", R"("@" is not known)"},
      {"60 * * * *", R"(minute "60": "60" is out of range)"},
      {"0 24 * * *", R"(hour "24": "24" is out of range)"},
      {"0 0 0 * *", R"(day of month "0": "0" is out of range)"},
      {"0 0 32 * *", R"(day of month "32": "32" is out of range)"},
      {"0 0 1 0 *", R"(month "0": "0" is out of range)"},
      {"0 0 1 13 *", R"(month "13": "13" is out of range)"},
      {"0 0 * * 8", R"(day of week "8": "8" is out of range)"},
      {"1,3,99999999999999999999 0 * * *",
       R"(minute "99999999999999999999": "99999999999999999999" is out of )"
       "range"},
      {"0-60 * * * *", R"(minute "0-60": "60" is out of range)"},
      {"5-1 * * * *", R"(minute "5-1": the range ends before it begins)"},
      {"0 0 * * FRI-SUN",
       R"(day of week "FRI-SUN": the range ends before it begins)"},
      {"*/0 * * * *",
       R"(minute "*/0": the step "0" is not a number from 1 to 60)"},
      {"*/61 * * * *",
       R"(minute "*/61": the step "61" is not a number from 1 to 60)"},
      {"0 */25 * * *",
       R"(hour "*/25": the step "25" is not a number from 1 to 24)"},
      {"0 0 1-5/32 * *",
       R"(day of month "1-5/32": the step "32" is not a number from 1 to 31)"},
      {"*/ * * * *",
       R"(minute "*/": the step "" is not a number from 1 to 60)"},
      {"*/2/3 * * * *",
       R"(minute "*/2/3": the step "2/3" is not a number from 1 to 60)"},
      {"*/-2 * * * *",
       R"(minute "*/-2": the step "-2" is not a number from 1 to 60)"},
      {"5/10 * * * *", R"(minute "5/10": a step needs a range or * before it)"},
      {"0 0 * JAN/2 *",
       R"(month "JAN/2": a step needs a range or * before it)"},
      {"/5 * * * *", R"(minute "/5": a value is missing)"},
      {"-5 * * * *", R"(minute "-5": a value is missing)"},
      {"5- * * * *", R"(minute "5-": a value is missing)"},
      {"1-2-3 * * * *", R"(minute "1-2-3": "2-3" is not a value)"},
      {"1,,2 * * * *", R"(minute "1,,2": a value is missing in the list)"},
      {",1 * * * *", R"(minute ",1": a value is missing in the list)"},
      {"0 1, * * *", R"(hour "1,": a value is missing in the list)"},
      {"** * * * *", R"(minute "**": "**" is not a value)"},
      {"*-5 * * * *", R"(minute "*-5": "*" is not a value)"},
      {"+5 * * * *", R"(minute "+5": "+5" is not a value)"},
      {"0x5 * * * *", R"(minute "0x5": "0x5" is not a value)"},
      {"JAN * * * *", R"(minute "JAN": "JAN" is not a value)"},
      {"0 0 * MON *", R"(month "MON": "MON" is not a value)"},
      {"0 0 * anf *", R"(month "anf": "anf" is not a value)"},
      {"0 0 * january *", R"(month "january": "january" is not a value)"},
      {"0 0 * * MO", R"(day of week "MO": "MO" is not a value)"},
      {"0 0 ? * *", R"(day of month "?": "?" is not a value)"},
      {"0 0 L * *", R"(day of month "L": "L" is not a value)"},
      {"0 0 15W * *", R"(day of month "15W": "15W" is not a value)"},
      {"0 0 * * 5#2", R"(day of week "5#2": "5#2" is not a value)"},
      {"0~5 * * * *", R"(minute "0~5": "0~5" is not a value)"},
      {"0 0 31 4 *", "it never happens: no month of it has such a day"},
      {"0 0 30,31 2 *", "it never happens: no month of it has such a day"},
      {"0 0 31 2,4,6,9,11 *",
       "it never happens: no month of it has such a day"},
      {"0 0 30 2 */2", "it never happens: no month of it has such a day"},
      // Either day is enough here, and there are Mondays.
      {"0 0 30 2 1", "accepted"},
      {"0 0 29 2 *", "accepted"},
      {"0 0 30,31 2,3 *", "accepted"},
  };
  for (const auto& [expression, message] : kRows) {
    EXPECT_EQ(ErrorOf(expression), message) << expression;
  }
}

TEST(CronParseTest, HintsSayWhatIsAllowed) {
  const std::string five =
      "five fields are needed: minute, hour, day of month, month, day of week; "
      "\"0 2 * * *\" is each day at 2:00";
  const std::string syntax =
      ", ranges (1-5), lists (1,3,5), *, and steps (*/2, 1-5/2)";
  const std::pair<const char*, std::string> kRows[] = {
      {"", five},
      {"0 0 0 2 * *", five + "; there are no fields for seconds and years"},
      {"@reboot",
       "known are @yearly, @annually, @monthly, @weekly, @daily, @midnight "
       "and @hourly"},
      {"x * * * *", "allowed are 0-59" + syntax},
      {"0 x * * *", "allowed are 0-23" + syntax},
      {"0 0 x * *", "allowed are 1-31" + syntax},
      {"0 0 * x *", "allowed are 1-12 or JAN-DEC" + syntax},
      {"0 0 * * x", "allowed are 0-7 (0 and 7 are Sunday) or SUN-SAT" + syntax},
      {"0 0 31 2 *", "the day of month must exist in one of the months"},
  };
  for (const auto& [expression, hint] : kRows) {
    EXPECT_EQ(CronFields::Parse(expression).status().hint(), hint);
  }
}

TEST(CronParseTest, AMessageShowsNoControlCharacters) {
  using namespace std::string_literals;
  EXPECT_EQ(CronFields::Parse("\x1b[m\n 1\0 * * *"s).status().message(),
            R"(cron expression "\x1b[m\x0a 1\x00 * * *": minute "\x1b[m\x0a": )"
            R"("\x1b[m\x0a" is not a value)");
}

TEST(CronParseTest, WhatIsFixed) {
  for (const char* text : {"0 2 * * *", "0,30 2,14 * * *", "0-59 0-23 * * *",
                           "@daily", "0 0 */2 */2 */2"}) {
    EXPECT_TRUE(CronFields::Parse(text)->fixed()) << text;
  }
  for (const char* text : {"* 2 * * *", "0 * * * *", "0-30/10 2 * * *",
                           "0 5,8-12/2 * * *", "@hourly", "5,* 2 * * *"}) {
    EXPECT_FALSE(CronFields::Parse(text)->fixed()) << text;
  }
}

}  // namespace
}  // namespace levelkeep
