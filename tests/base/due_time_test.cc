#include <gtest/gtest.h>

#include "base/clock.h"

namespace levelkeep {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const Moment kNow{std::chrono::steady_clock::time_point(hours(1000)),
                  Time(hours(500'000))};

Moment Later(milliseconds steady, milliseconds wall) {
  return {kNow.steady + steady, kNow.wall + wall};
}

TEST(DueTimeTest, ComesByBothClocksTogether) {
  const DueTime due(kNow, hours(1));
  EXPECT_FALSE(due.HasCome(kNow));
  EXPECT_EQ(due.LeftAt(kNow), hours(1));
  EXPECT_FALSE(due.HasCome(Later(minutes(59), minutes(59))));
  EXPECT_EQ(due.LeftAt(Later(minutes(59), minutes(59))), minutes(1));
  EXPECT_TRUE(due.HasCome(Later(hours(1), hours(1))));
  EXPECT_EQ(due.LeftAt(Later(hours(2), hours(2))), milliseconds(0));
}

TEST(DueTimeTest, TimeAsleepCounts) {
  const DueTime due(kNow, hours(1));
  EXPECT_EQ(due.LeftAt(Later(minutes(10), minutes(40))), minutes(20));
  EXPECT_TRUE(due.HasCome(Later(minutes(10), hours(8))));
}

TEST(DueTimeTest, AClockThatIsSetBackPutsNothingOff) {
  const DueTime due(kNow, hours(1));
  EXPECT_EQ(due.LeftAt(Later(minutes(30), -hours(24 * 3650))), minutes(30));
  EXPECT_TRUE(due.HasCome(Later(hours(1), -hours(24 * 3650))));
}

}  // namespace
}  // namespace levelkeep
