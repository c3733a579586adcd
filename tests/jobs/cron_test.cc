// When the runs of a cron schedule are, in UTC, to the minute.

#include "jobs/cron.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "jobs/cron_fixture.h"

namespace levelkeep {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using test::AtMinute;
using test::Cron;
using test::Runs;

struct CronCase {
  const char* expression;
  const char* zone;
  const char* after;
  const char* runs;
};

void ExpectRuns(const CronCase& row) {
  const std::string runs = row.runs;
  const int count =
      1 + static_cast<int>(std::count(runs.begin(), runs.end(), ' '));
  EXPECT_EQ(Runs(Cron(row.expression, row.zone), AtMinute(row.after), count),
            runs)
      << row.expression << " " << row.zone;
}

TEST(CronTest, DaysAndMonths) {
  const CronCase kRows[] = {
      {"0 2 * * *", "UTC", "2026-11-30T02:00Z",
       "2026-12-01T02:00Z 2026-12-02T02:00Z"},
      {"* * * * *", "UTC", "2026-12-31T23:58Z",
       "2026-12-31T23:59Z 2027-01-01T00:00Z"},
      {"59 23 31 12 *", "UTC", "2026-12-31T23:58Z",
       "2026-12-31T23:59Z 2027-12-31T23:59Z"},
      {"0 0 31 * *", "UTC", "2026-01-31T00:00Z",
       "2026-03-31T00:00Z 2026-05-31T00:00Z 2026-07-31T00:00Z"},
      {"20-40/20 8-10/2 * * MON-FRI", "UTC", "2026-11-27T10:20Z",
       "2026-11-27T10:40Z 2026-11-30T08:20Z 2026-11-30T08:40Z "
       "2026-11-30T10:20Z"},
      {"@weekly", "UTC", "2026-11-30T00:00Z",
       "2026-12-06T00:00Z 2026-12-13T00:00Z"},
      // Leap years, also over 2100.
      {"0 0 29 2 *", "UTC", "2092-03-01T00:00Z",
       "2096-02-29T00:00Z 2104-02-29T00:00Z 2108-02-29T00:00Z"},
      {"0 0 29 2 */7", "UTC", "2061-01-01T00:00Z",
       "2088-02-29T00:00Z 2128-02-29T00:00Z"},
      // Neither day field begins with *: either one is enough.
      {"0 0 13 * FRI", "UTC", "2026-11-10T00:00Z",
       "2026-11-13T00:00Z 2026-11-20T00:00Z 2026-11-27T00:00Z "
       "2026-12-04T00:00Z 2026-12-11T00:00Z 2026-12-13T00:00Z"},
      {"0 0 30 2 1", "UTC", "2027-01-01T00:00Z",
       "2027-02-01T00:00Z 2027-02-08T00:00Z"},
      {"0 0 31,* 12 1", "UTC", "2026-11-30T00:00Z",
       "2026-12-01T00:00Z 2026-12-02T00:00Z 2026-12-03T00:00Z"},
      // One of them begins with *: both must match.
      {"0 0 */2 * 1", "UTC", "2026-11-30T00:00Z",
       "2026-12-07T00:00Z 2026-12-21T00:00Z 2027-01-11T00:00Z"},
      {"0 0 13 * */5", "UTC", "2026-11-10T00:00Z",
       "2026-11-13T00:00Z 2026-12-13T00:00Z 2027-06-13T00:00Z"},
      {"0 0 */10,2 * 3", "UTC", "2026-11-30T00:00Z",
       "2026-12-02T00:00Z 2027-03-31T00:00Z"},
  };
  for (const CronCase& row : kRows) ExpectRuns(row);
}

TEST(CronTest, ZonesWithoutAChange) {
  const CronCase kRows[] = {
      {"0 2 * * *", "Europe/Berlin", "2026-07-01T00:00Z",
       "2026-07-02T00:00Z 2026-07-03T00:00Z"},
      {"0 2 1 1 *", "Pacific/Kiritimati", "2026-12-30T00:00Z",
       "2026-12-31T12:00Z 2027-12-31T12:00Z"},
      {"0 23 31 12 *", "Pacific/Honolulu", "2026-12-30T00:00Z",
       "2027-01-01T09:00Z 2028-01-01T09:00Z"},
      {"0 * * * *", "Asia/Kathmandu", "2026-12-30T00:00Z",
       "2026-12-30T00:15Z 2026-12-30T01:15Z"},
  };
  for (const CronCase& row : kRows) ExpectRuns(row);
}

TEST(CronTest, FixedTimesWhenClocksChange) {
  const CronCase kRows[] = {
      // Skipped: once, at the instant of the change.
      {"30 2 * * *", "Europe/Berlin", "2026-03-28T00:00Z",
       "2026-03-28T01:30Z 2026-03-29T01:00Z 2026-03-30T00:30Z"},
      {"0,30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z",
       "2026-03-29T01:00Z 2026-03-30T00:00Z 2026-03-30T00:30Z"},
      {"30 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00Z",
       "2026-03-29T01:00Z 2026-03-29T01:30Z 2026-03-30T00:30Z"},
      {"0 3 * * *", "Europe/Berlin", "2026-03-28T12:00Z",
       "2026-03-29T01:00Z 2026-03-30T01:00Z"},
      {"30 2 * 3 SUN", "America/New_York", "2026-03-07T00:00Z",
       "2026-03-08T07:00Z 2026-03-15T06:30Z"},
      // Twice: the first one.
      {"30 2 * * *", "Europe/Berlin", "2026-10-24T00:00Z",
       "2026-10-24T00:30Z 2026-10-25T00:30Z 2026-10-26T01:30Z"},
      {"30 2 * * *", "Europe/Berlin", "2026-10-25T01:10Z", "2026-10-26T01:30Z"},
      {"59 2 * * *", "Europe/Berlin", "2026-10-25T00:58Z",
       "2026-10-25T00:59Z 2026-10-26T01:59Z"},
      {"0 3 * * *", "Europe/Berlin", "2026-10-24T12:00Z",
       "2026-10-25T02:00Z 2026-10-26T02:00Z"},
      {"30 1 * * *", "America/New_York", "2026-11-01T00:00Z",
       "2026-11-01T05:30Z 2026-11-02T06:30Z"},
      // Half an hour.
      {"15 2 * * *", "Australia/Lord_Howe", "2026-10-02T16:00Z",
       "2026-10-03T15:30Z 2026-10-04T15:15Z"},
      {"45 1 * * *", "Australia/Lord_Howe", "2026-04-03T16:00Z",
       "2026-04-04T14:45Z 2026-04-05T15:15Z"},
      {"15 1 * * *", "Australia/Lord_Howe", "2026-04-03T16:00Z",
       "2026-04-04T14:15Z 2026-04-05T14:45Z"},
      // At midnight: 0:00 does not exist, or 23:30 comes twice.
      {"0 0 * * *", "America/Sao_Paulo", "2018-11-02T12:00Z",
       "2018-11-03T03:00Z 2018-11-04T03:00Z 2018-11-05T02:00Z"},
      {"30 23 * * *", "America/Sao_Paulo", "2018-02-16T12:00Z",
       "2018-02-17T01:30Z 2018-02-18T01:30Z 2018-02-19T02:30Z"},
      {"@daily", "Asia/Beirut", "2026-03-27T12:00Z",
       "2026-03-27T22:00Z 2026-03-28T22:00Z 2026-03-29T21:00Z"},
      {"30 23 * * *", "Asia/Beirut", "2026-10-23T12:00Z",
       "2026-10-23T20:30Z 2026-10-24T20:30Z 2026-10-25T21:30Z"},
      // A day that does not exist, 30 December 2011.
      {"0 12 * * *", "Pacific/Apia", "2011-12-28T23:00Z",
       "2011-12-29T22:00Z 2011-12-30T10:00Z 2011-12-30T22:00Z"},
      {"0 12 30 12 *", "Pacific/Apia", "2010-12-31T00:00Z",
       "2011-12-30T10:00Z 2012-12-29T22:00Z"},
      {"0 12 31 12 *", "Pacific/Apia", "2010-12-31T23:00Z",
       "2011-12-30T22:00Z 2012-12-30T22:00Z"},
  };
  for (const CronCase& row : kRows) ExpectRuns(row);
}

TEST(CronTest, PaceWhenClocksChange) {
  const CronCase kRows[] = {
      {"0 * * * *", "Europe/Berlin", "2026-10-24T23:30Z",
       "2026-10-25T00:00Z 2026-10-25T01:00Z 2026-10-25T02:00Z"},
      {"*/30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z",
       "2026-10-25T00:00Z 2026-10-25T00:30Z 2026-10-25T01:00Z "
       "2026-10-25T01:30Z 2026-10-26T01:00Z"},
      {"*/30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z",
       "2026-03-30T00:00Z 2026-03-30T00:30Z"},
      {"0 */2 * * *", "Europe/Berlin", "2026-03-28T22:00Z",
       "2026-03-28T23:00Z 2026-03-29T02:00Z 2026-03-29T04:00Z"},
      {"*/15 1-2 * * *", "Australia/Lord_Howe", "2026-04-04T14:20Z",
       "2026-04-04T14:30Z 2026-04-04T14:45Z 2026-04-04T15:00Z "
       "2026-04-04T15:15Z 2026-04-04T15:30Z"},
      {"*/15 2 * * *", "Australia/Lord_Howe", "2026-10-03T13:00Z",
       "2026-10-03T15:30Z 2026-10-03T15:45Z 2026-10-04T15:00Z"},
      {"0 */12 * * *", "America/Sao_Paulo", "2018-11-03T12:00Z",
       "2018-11-03T15:00Z 2018-11-04T14:00Z 2018-11-05T02:00Z"},
      {"0 */12 * * *", "Pacific/Apia", "2011-12-29T11:00Z",
       "2011-12-29T22:00Z 2011-12-30T10:00Z 2011-12-30T22:00Z"},
      {"0 */12 30 12 *", "Pacific/Apia", "2010-12-31T11:00Z",
       "2012-12-29T10:00Z 2012-12-29T22:00Z"},
  };
  for (const CronCase& row : kRows) ExpectRuns(row);
}

int RunsBetween(const CronSchedule& schedule, Time begin, Time end) {
  int runs = 0;
  Time run = schedule.NextAfter(begin - milliseconds(1));
  for (; run < end; run = schedule.NextAfter(run)) ++runs;
  return runs;
}

TEST(CronTest, LongAndShortDays) {
  const CronSchedule quarters = Cron("*/15 * * * *", "Europe/Berlin");
  EXPECT_EQ(100, RunsBetween(quarters, AtMinute("2026-10-24T22:00Z"),
                             AtMinute("2026-10-25T23:00Z")));
  EXPECT_EQ(92, RunsBetween(quarters, AtMinute("2026-03-28T23:00Z"),
                            AtMinute("2026-03-29T22:00Z")));
}

TEST(CronTest, FractionsOfASecond) {
  const CronSchedule schedule = Cron("0 2 * * *");
  const Time run = AtMinute("2026-11-30T02:00Z");
  EXPECT_EQ(schedule.NextAfter(run - Time::duration(1)), run);
  EXPECT_EQ(schedule.NextAfter(run - milliseconds(1500)), run);
  for (const Time time :
       {run, run + Time::duration(1), run + milliseconds(1)}) {
    EXPECT_EQ(schedule.NextAfter(time), run + hours(24));
  }
  // Just before a change that skips the time.
  const CronSchedule skipped = Cron("30 2 * * *", "Europe/Berlin");
  const Time change = AtMinute("2026-03-29T01:00Z");
  EXPECT_EQ(skipped.NextAfter(change - Time::duration(1)), change);
  EXPECT_EQ(skipped.NextAfter(change), change + hours(23) + minutes(30));
}

TEST(CronTest, LongAgoAndFarAway) {
  const CronCase kRows[] = {
      {"0 0 29 2 *", "UTC", "1899-01-01T00:00Z",
       "1904-02-29T00:00Z 1908-02-29T00:00Z"},
      {"59 23 31 12 *", "UTC", "1969-12-31T23:58Z",
       "1969-12-31T23:59Z 1970-12-31T23:59Z"},
      {"0 2 1 7 *", "Europe/Berlin", "2260-01-01T00:00Z",
       "2260-07-01T00:00Z 2261-07-01T00:00Z"},
  };
  for (const CronCase& row : kRows) ExpectRuns(row);
  // The clocks of Berlin were 53 minutes and 28 seconds ahead of UTC.
  EXPECT_EQ(Cron("0 0 * * *", "Europe/Berlin").NextAfter(Time::min()),
            Time(std::chrono::sys_days(std::chrono::year(1677) / 9 / 21) +
                 hours(23) + minutes(6) + std::chrono::seconds(32)));
  EXPECT_GT(Cron("0 0 29 2 */7").NextAfter(Time::min()), Time::min());
}

TEST(CronTest, TheEndOfTime) {
  // New York's clocks always skip this hour of the second Sunday in March.
  const CronSchedule never = Cron("*/15 2 8-14 3 */7", "America/New_York");
  EXPECT_EQ(never.NextAfter(AtMinute("2026-11-30T15:00Z")), kLatestTime);
  for (const char* text : {"* * * * *", "0 0 1 1 *"}) {
    const CronSchedule schedule = Cron(text, "Pacific/Honolulu");
    EXPECT_EQ(schedule.NextAfter(kLatestTime - milliseconds(1)), kLatestTime);
    EXPECT_EQ(schedule.NextAfter(kLatestTime), Time::max());
    EXPECT_EQ(schedule.NextAfter(Time::max()), Time::max());
  }
  EXPECT_GT(never.DelayAfter(AtMinute("2026-11-30T15:00Z")),
            hours(24 * 365 * 200));
}

TEST(CronTest, ARunThatWasMissedBeginsAtOnce) {
  const CronSchedule schedule = Cron("30 2 * * *", "Europe/Berlin");
  EXPECT_EQ(schedule.zone().name(), "Europe/Berlin");
  const Time now = AtMinute("2026-03-29T01:00Z");
  EXPECT_EQ(schedule.DelayAtStart(AtMinute("2026-03-28T01:30Z"), false, now),
            milliseconds(0));
  EXPECT_EQ(schedule.DelayAtStart(now, false, now), hours(23) + minutes(30));
}

}  // namespace
}  // namespace levelkeep
