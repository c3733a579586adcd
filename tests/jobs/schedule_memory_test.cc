// What the next process knows of the schedules.

#include "jobs/schedule_memory.h"

#include <gtest/gtest.h>

#include "support/fake_clock.h"
#include "support/simulated_disk.h"

namespace levelkeep {
namespace {

using std::chrono::hours;
using Past = ScheduleMemory::Past;

class ScheduleMemoryTest : public ::testing::Test {
 protected:
  ScheduleMemoryTest() {
    EXPECT_TRUE(disk_.file_system()->CreateDirectory("/id").ok());
  }
  ScheduleMemory Open() { return {disk_.file_system(), "/id/schedules"}; }
  ScheduleMemory::Memory Resume(const std::string& plan) {
    return Open().Resume("backup", plan, clock_.Now());
  }

  test::SimulatedDisk disk_;
  test::FakeClock clock_;
};

TEST_F(ScheduleMemoryTest, ANewScheduleHasMissedNothing) {
  const Time start = clock_.Now();
  EXPECT_EQ(Resume("0 2 * * * UTC").past, Past::kUnknown);
  clock_.Advance(hours(30));
  const auto known = Resume("0 2 * * * UTC");
  EXPECT_EQ(known.past, Past::kSame);
  EXPECT_EQ(known.from, start) << "it exists since then";
}

TEST_F(ScheduleMemoryTest, TheLastRunIsKnown) {
  Resume("0 2 * * * UTC");
  clock_.Advance(hours(14));
  const Time due = clock_.Now();
  Open().Note("backup", due);
  clock_.Advance(hours(70));
  EXPECT_EQ(Resume("0 2 * * * UTC").from, due);
}

// Neither a change nor a pause of the schedule makes runs that were missed.
TEST_F(ScheduleMemoryTest, AnotherPlanAndAPauseBeginAnew) {
  Resume("0 2 * * * UTC");
  clock_.Advance(hours(70));
  EXPECT_EQ(Resume("0 3 * * * UTC").past, Past::kOther);
  EXPECT_EQ(Resume("0 3 * * * UTC").from, clock_.Now());
  EXPECT_EQ(Resume("").past, Past::kOther);
  clock_.Advance(hours(70));
  EXPECT_EQ(Resume("").past, Past::kOff);
  const auto on = Resume("0 3 * * * UTC");
  EXPECT_EQ(on.past, Past::kOff);
  EXPECT_EQ(on.from, clock_.Now());
  EXPECT_EQ(Resume("0 3 * * * UTC").past, Past::kSame);
}

TEST_F(ScheduleMemoryTest, ARunInTheFutureCountsAsNow) {
  Resume("0 2 * * * UTC");
  Open().Note("backup", clock_.Now() + hours(24 * 365));
  const Time now = clock_.Now();
  EXPECT_EQ(Resume("0 2 * * * UTC").from, now);
  // What is missed from now on is missed.
  clock_.Advance(hours(70));
  EXPECT_EQ(Resume("0 2 * * * UTC").from, now);
}

TEST_F(ScheduleMemoryTest, ItKnowsSinceWhenAPlanExists) {
  const Time begin = clock_.Now();
  EXPECT_EQ(Resume("0 2 * * * UTC").since, begin);
  clock_.Advance(hours(70));
  Open().Note("backup", clock_.Now());
  EXPECT_EQ(Resume("0 2 * * * UTC").since, begin);
  EXPECT_EQ(Resume("0 3 * * * UTC").since, clock_.Now());
}

TEST_F(ScheduleMemoryTest, OneScheduleDoesNotChangeAnother) {
  Resume("0 2 * * * UTC");
  const Time start = clock_.Now();
  clock_.Advance(hours(1));
  Open().Resume("rotate", "0 1 * * * UTC", clock_.Now());
  Open().Note("rotate", clock_.Now());
  EXPECT_EQ(Resume("0 2 * * * UTC").from, start);
}

TEST_F(ScheduleMemoryTest, ADamagedRecordIsNone) {
  Resume("0 2 * * * UTC");
  ASSERT_TRUE(
      WriteFileDurably(disk_.file_system(), "/id/schedules", "junk").ok());
  EXPECT_EQ(Resume("0 2 * * * UTC").past, Past::kUnknown);
  EXPECT_EQ(Resume("0 2 * * * UTC").past, Past::kSame);
}

}  // namespace
}  // namespace levelkeep
