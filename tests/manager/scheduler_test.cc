#include "manager/scheduler.h"

#include <gtest/gtest.h>

namespace levelkeep {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const Moment kNow{std::chrono::steady_clock::time_point(hours(1000)),
                  Time(hours(500'000))};

Moment After(milliseconds time) {
  return {kNow.steady + time, kNow.wall + time};
}

TEST(SchedulerTest, FirstRun) {
  const struct {
    const char* what;
    std::optional<milliseconds> newest_age;
    bool has_data;
    milliseconds expected;
  } kRows[] = {
      {"empty database, no backup", {}, false, hours(1)},
      {"data without any backup", {}, true, milliseconds(0)},
      {"the rest of the interval", minutes(20), true, minutes(40)},
      {"overdue after downtime: one run at once", hours(50), true,
       milliseconds(0)},
      {"newest backup from the future", -hours(5), true, hours(1)},
  };
  for (const auto& row : kRows) {
    const Scheduler scheduler(hours(1), row.newest_age, row.has_data, kNow);
    EXPECT_EQ(row.expected, scheduler.next().LeftAt(kNow)) << row.what;
  }
}

TEST(SchedulerTest, SuccessWaitsOneIntervalHoweverLateItWas) {
  Scheduler scheduler(hours(1), hours(50), true, kNow);
  scheduler.Succeeded(After(hours(7)));
  EXPECT_EQ(hours(1), scheduler.next().LeftAt(After(hours(7))));
}

TEST(SchedulerTest, FailureIsTriedTwiceMoreThenWaits) {
  Scheduler scheduler(hours(1), {}, true, kNow);
  scheduler.Failed(kNow);
  EXPECT_EQ(seconds(30), scheduler.next().LeftAt(kNow));
  scheduler.Failed(kNow);
  EXPECT_EQ(seconds(30), scheduler.next().LeftAt(kNow));
  scheduler.Failed(kNow);
  EXPECT_EQ(hours(1), scheduler.next().LeftAt(kNow));
  scheduler.Failed(kNow);  // the tries are whole again
  EXPECT_EQ(seconds(30), scheduler.next().LeftAt(kNow));
}

TEST(SchedulerTest, ShortIntervalsAreNotStretchedByDelays) {
  Scheduler scheduler(seconds(1), {}, true, kNow);
  scheduler.Failed(kNow);
  EXPECT_EQ(seconds(1), scheduler.next().LeftAt(kNow));
  scheduler.Postponed(kNow);
  EXPECT_EQ(seconds(1), scheduler.next().LeftAt(kNow));
}

TEST(SchedulerTest, BusyComesBackSoon) {
  Scheduler scheduler(hours(1), {}, true, kNow);
  scheduler.Postponed(kNow);
  EXPECT_EQ(seconds(5), scheduler.next().LeftAt(kNow));
}

// A clock that is set to and fro, once a minute: a run for each leap forward
// that passes all earlier ones, none for those back.
TEST(SchedulerTest, AClockThatLeapsMakesNoStorm) {
  Scheduler scheduler(hours(1), minutes(0), true, kNow);
  int runs = 0;
  for (int minute = 1; minute <= 600; ++minute) {
    Moment now = After(minutes(minute));
    if (minute % 2 == 1) now.wall += hours(24 * 365);
    if (!scheduler.next().HasCome(now)) continue;
    ++runs;
    scheduler.Succeeded(now);
  }
  EXPECT_GE(runs, 10);
  EXPECT_LE(runs, 20);
}

}  // namespace
}  // namespace levelkeep
