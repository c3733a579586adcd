// Cron schedules against a second opinion: the C library converts each minute
// to local time, and each local minute is compared with the sets of values from
// which the expression was made.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "jobs/cron_fixture.h"
#include "support/environment.h"
#include "support/scoped_tz.h"

namespace levelkeep {
namespace {

using Random = std::mt19937;
using std::chrono::minutes;

int Below(Random* random, int limit) {
  return std::uniform_int_distribution<int>(0, limit - 1)(*random);
}

struct MadeField {
  std::string text;
  uint64_t values = 0;

  void Add(const std::string& part, int first, int last, int step) {
    text += (text.empty() ? "" : ",") + part;
    for (int n = first; n <= last; n += step) values |= uint64_t{1} << n;
  }
};

MadeField MakeField(Random* random, int first, int last, int chance_of_star) {
  MadeField field;
  if (Below(random, 100) < chance_of_star) {
    field.Add("*", first, last, 1);
    return field;
  }
  for (int parts = 1 + Below(random, 3); parts > 0; --parts) {
    const int a = first + Below(random, last - first + 1);
    const int b = a + Below(random, last - a + 1);
    const int step = 1 + Below(random, last - first + 1);
    const std::string range = std::to_string(a) + "-" + std::to_string(b);
    const std::string by = "/" + std::to_string(step);
    switch (Below(random, 4)) {
      case 0:
        field.Add(std::to_string(a), a, a, 1);
        break;
      case 1:
        field.Add(range, a, b, 1);
        break;
      case 2:
        field.Add(range + by, a, b, step);
        break;
      default:
        field.Add("*" + by, first, last, step);
    }
  }
  return field;
}

// Minute, hour, day of month, month, day of week.
struct MadeExpression {
  std::array<MadeField, 5> fields;
  bool fixed = false;

  std::string Text() const {
    std::string text = fields[0].text;
    for (size_t n = 1; n < 5; ++n) text += " " + fields[n].text;
    return text;
  }
  bool Has(size_t field, int value) const {
    return ((fields[field].values >> value) & 1) != 0;
  }
  bool Matches(const std::tm& local) const {
    if (!Has(0, local.tm_min) || !Has(1, local.tm_hour) ||
        !Has(3, local.tm_mon + 1)) {
      return false;
    }
    const bool day = Has(2, local.tm_mday), weekday = Has(4, local.tm_wday);
    const bool both = fields[2].text[0] == '*' || fields[4].text[0] == '*';
    return both ? day && weekday : day || weekday;
  }
};

MadeExpression MakeExpression(Random* random) {
  MadeExpression made{.fields = {
                          MakeField(random, 0, 59, 20),
                          MakeField(random, 0, 23, 20),
                          MakeField(random, 1, 31, 60),
                          MakeField(random, 1, 12, 80),
                          MakeField(random, 0, 7, 60),
                      }};
  made.fields[4].values |= made.fields[4].values >> 7;
  const std::string clock = made.fields[0].text + made.fields[1].text;
  made.fixed = clock.find_first_of("*/") == clock.npos;
  return made;
}

// Six days of a zone, minute by minute.
struct Week {
  static constexpr int kMinutes = 6 * 24 * 60;

  Week(const char* zone_name, const char* begin_text)
      : zone(zone_name), begin(test::AtMinute(begin_text)) {
    const test::ScopedTz tz(zone_name);
    // One minute more in front, for the first step of the clock.
    for (int n = -1; n < kMinutes; ++n) {
      const time_t second =
          std::chrono::system_clock::to_time_t(begin + minutes(n));
      std::tm tm;
      localtime_r(&second, &tm);
      local.push_back(tm);
    }
  }

  std::string zone;
  Time begin;
  std::vector<std::tm> local;
};

// Minutes of local time, as if it were UTC; for differences.
int64_t Reading(std::tm local) { return timegm(&local) / 60; }

bool AnyMatch(const MadeExpression& made, int64_t first, int64_t last) {
  for (int64_t reading = first; reading <= last; ++reading) {
    const time_t second = static_cast<time_t>(reading * 60);
    std::tm tm;
    gmtime_r(&second, &tm);
    if (made.Matches(tm)) return true;
  }
  return false;
}

// A pace runs whenever the clock shows a minute that matches. A fixed time runs
// when the clock reaches or passes it for the first time.
std::vector<Time> RunsByHand(const MadeExpression& made, const Week& week) {
  std::vector<Time> runs;
  int64_t reached = Reading(week.local[0]);
  for (int n = 0; n < Week::kMinutes; ++n) {
    const std::tm& local = week.local[static_cast<size_t>(n) + 1];
    const int64_t reading = Reading(local);
    const bool step = reading == reached + 1;
    const bool run = made.fixed && !step ? AnyMatch(made, reached + 1, reading)
                                         : made.Matches(local);
    reached = std::max(reached, reading);
    if (run) runs.push_back(week.begin + minutes(n));
  }
  return runs;
}

std::vector<Time> RunsOf(const CronSchedule& schedule, const Week& week) {
  const Time end = week.begin + minutes(Week::kMinutes);
  std::vector<Time> runs;
  Time run = schedule.NextAfter(week.begin - Time::duration(1));
  for (; run < end; run = schedule.NextAfter(run)) runs.push_back(run);
  return runs;
}

// From any time, the next run is the first one that is later.
void ExpectNextFromAnywhere(const CronSchedule& schedule, const Week& week,
                            const std::vector<Time>& runs, Random* random) {
  for (int n = 0; n < 20; ++n) {
    const Time time = week.begin + std::chrono::milliseconds(
                                       Below(random, Week::kMinutes * 60'000));
    const Time next = schedule.NextAfter(time);
    ASSERT_GT(next, time);
    const auto expected = std::upper_bound(runs.begin(), runs.end(), time);
    if (expected != runs.end()) {
      ASSERT_EQ(next, *expected) << FormatTime(time);
    } else {
      ASSERT_GE(next, week.begin + minutes(Week::kMinutes));
    }
  }
}

TEST(CronPropertyTest, NoRunIsMissedOrAdded) {
  const auto seed =
      static_cast<Random::result_type>(test::NumberFromEnvironment(
          "LEVELKEEP_CRON_SEED", std::random_device()()));
  SCOPED_TRACE("LEVELKEEP_CRON_SEED=" + std::to_string(seed));
  Random random(seed);
  const std::vector<Week> weeks = {
      {"UTC", "2024-02-26T00:00Z"},
      {"Europe/Berlin", "2026-03-26T12:00Z"},
      {"Europe/Berlin", "2026-10-22T12:00Z"},
      {"Australia/Lord_Howe", "2026-04-02T00:00Z"},
      {"Australia/Lord_Howe", "2026-10-01T00:00Z"},
      {"America/Sao_Paulo", "2018-02-15T00:00Z"},
      {"America/Sao_Paulo", "2018-11-01T00:00Z"},
      {"Pacific/Apia", "2011-12-27T00:00Z"},
      {"Asia/Beirut", "2050-03-24T00:00Z"},
  };
  size_t all = 0;
  for (int n = 0; n < 100; ++n) {
    const MadeExpression made = MakeExpression(&random);
    const auto fields = CronFields::Parse(made.Text());
    if (!fields.ok()) {
      ASSERT_NE(fields.status().message().find("it never happens"),
                std::string::npos)
          << fields.status().ToString();
    }
    for (const Week& week : weeks) {
      SCOPED_TRACE(made.Text() + " " + week.zone);
      const std::vector<Time> runs = RunsByHand(made, week);
      if (!fields.ok()) {
        ASSERT_TRUE(runs.empty());
        continue;
      }
      const CronSchedule schedule(*fields, TimeZone::Load(week.zone).value());
      ASSERT_EQ(RunsOf(schedule, week), runs);
      ExpectNextFromAnywhere(schedule, week, runs, &random);
      if (HasFatalFailure()) return;
      all += runs.size();
    }
  }
  EXPECT_GT(all, 1000u);
}

}  // namespace
}  // namespace levelkeep
