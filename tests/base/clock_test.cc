#include "base/clock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "support/fake_clock.h"

namespace levelkeep {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(TimeTest, FormatsInUtcWithMilliseconds) {
  EXPECT_EQ(FormatTime(Time()), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatTime(Time(seconds(1735300800))), "2024-12-27T12:00:00.000Z");
  EXPECT_EQ(FormatTime(Time(milliseconds(951782399999))),
            "2000-02-28T23:59:59.999Z");
  // Rounded down, also before the epoch.
  EXPECT_EQ(FormatTime(Time(std::chrono::nanoseconds(1'999'999))),
            "1970-01-01T00:00:00.001Z");
  EXPECT_EQ(FormatTime(Time(milliseconds(-1))), "1969-12-31T23:59:59.999Z");
}

TEST(TimeTest, ParsesWhatItFormats) {
  const Time noon(seconds(1735300800));
  EXPECT_EQ(ParseTime("2024-12-27T12:00:00.000Z").value(), noon);
  EXPECT_EQ(ParseTime("2024-12-27T12:00:00Z").value(), noon);
  EXPECT_EQ(ParseTime("2024-12-27T12:00:00.5Z").value(),
            noon + milliseconds(500));
  EXPECT_EQ(ParseTime("2024-12-27T12:00:00.000000001Z").value(),
            noon + std::chrono::nanoseconds(1));
  for (const int64_t ms : {0ll, -1ll, 1735300800123ll, 4102444800000ll}) {
    const Time time{milliseconds(ms)};
    EXPECT_EQ(ParseTime(FormatTime(time)).value(), time);
  }
}

TEST(TimeTest, LatestIsTheLastOne) {
  EXPECT_EQ(FormatTime(kLatestTime), "2261-12-31T23:59:59.999Z");
  EXPECT_EQ(ParseTime(FormatTime(kLatestTime)).value(), kLatestTime);
  EXPECT_FALSE(ParseTime(FormatTime(kLatestTime + milliseconds(1))).ok());
}

TEST(TimeTest, RefusesWhatIsNoTime) {
  for (const char* bad :
       {"", "2024-12-27", "2024-12-27T12:00:00", "2024-12-27 12:00:00Z",
        "2024-13-01T00:00:00Z", "2024-02-30T00:00:00Z", "2023-02-29T00:00:00Z",
        "2024-12-27T24:00:00Z", "2024-12-27T12:60:00Z", "2024-12-27T12:00:60Z",
        "2024-12-27T12:00:00.Z", "2024-12-27T12:00:00.0000000001Z",
        "2024-12-27T12:00:00Zx", "2024-12-27T12:00:00+00:00",
        "-024-12-27T12:00:00Z", "0000-01-01T00:00:00Z", "9999-01-01T00:00:00Z",
        "2024-1-27T12:00:00Z", "2024-12-27T12:00:0 Z"}) {
    const auto time = ParseTime(bad);
    EXPECT_FALSE(time.ok()) << bad;
    EXPECT_EQ(time.status().code(), StatusCode::kInvalidArgument) << bad;
    EXPECT_NE(time.status().hint(), "") << bad;
  }
}

TEST(SystemClockTest, SleepsAtLeastThatLong) {
  Clock* clock = Clock::System();
  const auto start = clock->SteadyNow();
  EXPECT_TRUE(clock->SleepFor(milliseconds(20), {}));
  EXPECT_GE(clock->SteadyNow() - start, milliseconds(20));
  EXPECT_TRUE(clock->SleepFor(milliseconds(0), {}));
  EXPECT_TRUE(clock->SleepFor(milliseconds(-5), {}));
}

TEST(SystemClockTest, StopEndsTheLongestSleep) {
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_FALSE(
      Clock::System()->SleepFor(milliseconds::max(), stop.get_token()));
  // A stop that was requested before ends the sleep at once.
  EXPECT_FALSE(Clock::System()->SleepFor(hours(1), stop.get_token()));
}

TEST(FakeClockTest, StandsStillUntilAdvanced) {
  test::FakeClock clock;
  EXPECT_EQ(FormatTime(clock.Now()), "2024-12-27T12:00:00.000Z");
  const auto start = clock.SteadyNow();
  clock.Advance(hours(2));
  EXPECT_EQ(FormatTime(clock.Now()), "2024-12-27T14:00:00.000Z");
  EXPECT_EQ(clock.SteadyNow() - start, hours(2));
}

TEST(FakeClockTest, WakesSleepersWhenTheirTimeHasCome) {
  test::FakeClock clock;
  std::atomic<bool> woken = false;
  std::jthread sleeper([&] { woken = clock.SleepFor(hours(1), {}); });
  ASSERT_TRUE(clock.WaitForSleepers(1));
  clock.Advance(hours(1) - milliseconds(1));
  clock.SetWallClock(clock.Now() + hours(48));  // sleepers ignore it
  EXPECT_TRUE(clock.WaitForSleepers(1));
  EXPECT_FALSE(woken);
  clock.Advance(milliseconds(1));
  sleeper.join();
  EXPECT_TRUE(woken);
}

TEST(FakeClockTest, StopWakesSleepers) {
  test::FakeClock clock;
  std::stop_source stop;
  std::atomic<int> result = -1;
  std::jthread sleeper(
      [&] { result = clock.SleepFor(hours(1), stop.get_token()) ? 1 : 0; });
  ASSERT_TRUE(clock.WaitForSleepers(1));
  stop.request_stop();
  sleeper.join();
  EXPECT_EQ(result, 0);
  EXPECT_FALSE(clock.SleepFor(hours(1), stop.get_token()));
}

}  // namespace
}  // namespace levelkeep
