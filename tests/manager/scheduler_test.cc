#include "manager/scheduler.h"

#include <gtest/gtest.h>

namespace levelkeep {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const Scheduler::SteadyTime kNow{hours(1000)};

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
    EXPECT_EQ(kNow + row.expected, scheduler.next()) << row.what;
  }
}

TEST(SchedulerTest, SuccessWaitsOneIntervalHoweverLateItWas) {
  Scheduler scheduler(hours(1), hours(50), true, kNow);
  scheduler.Succeeded(kNow + hours(7));
  EXPECT_EQ(kNow + hours(8), scheduler.next());
}

TEST(SchedulerTest, FailureIsTriedTwiceMoreThenWaits) {
  Scheduler scheduler(hours(1), {}, true, kNow);
  scheduler.Failed(kNow);
  EXPECT_EQ(kNow + seconds(30), scheduler.next());
  scheduler.Failed(kNow);
  EXPECT_EQ(kNow + seconds(30), scheduler.next());
  scheduler.Failed(kNow);
  EXPECT_EQ(kNow + hours(1), scheduler.next());
  scheduler.Failed(kNow);  // the tries are whole again
  EXPECT_EQ(kNow + seconds(30), scheduler.next());
}

TEST(SchedulerTest, ShortIntervalsAreNotStretchedByDelays) {
  Scheduler scheduler(seconds(1), {}, true, kNow);
  scheduler.Failed(kNow);
  EXPECT_EQ(kNow + seconds(1), scheduler.next());
  scheduler.Postponed(kNow);
  EXPECT_EQ(kNow + seconds(1), scheduler.next());
}

TEST(SchedulerTest, BusyComesBackSoon) {
  Scheduler scheduler(hours(1), {}, true, kNow);
  scheduler.Postponed(kNow);
  EXPECT_EQ(kNow + seconds(5), scheduler.next());
}

}  // namespace
}  // namespace levelkeep
