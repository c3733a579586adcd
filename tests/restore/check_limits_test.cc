// Memory and processor time that the check of a database may use.

#include <gtest/gtest.h>

#include "check/limits.h"

namespace levelkeep::check {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kGiB = uint64_t{1} << 30;

TEST(CheckLimitsTest, MemoryGoesBySizeWhereNobodyKnowsTheLargestRecord) {
  EXPECT_EQ(MemoryFor(0, {}), 192 * kMiB);
  EXPECT_EQ(MemoryFor(10 * kMiB, {}), (192 + 80) * kMiB);
  EXPECT_EQ(MemoryFor(kGiB, {}), kGiB);
  EXPECT_EQ(MemoryFor(UINT64_MAX, {}), kGiB);
}

TEST(CheckLimitsTest, MemoryFollowsTheLargestRecord) {
  EXPECT_EQ(MemoryFor(500 * kMiB, {.largest_record = 400 * kMiB}),
            (192 + 8 * 400) * kMiB);
  EXPECT_EQ(MemoryFor(kGiB, {.largest_record = 4096}), kGiB)
      << "never less than for the size";
}

// A manifest may state any size.
TEST(CheckLimitsTest, NoRecordIsLargerThanItsDatabaseCanHold) {
  EXPECT_EQ(MemoryFor(4096, {.largest_record = UINT64_MAX}),
            192 * kMiB + 8 * 22 * uint64_t{4096});
  EXPECT_EQ(MemoryFor(UINT64_MAX, {.largest_record = UINT64_MAX}),
            192 * kMiB + 8 * kGiB);
}

TEST(CheckLimitsTest, TheSecondRunHasTwiceTheMemory) {
  EXPECT_EQ(MemoryFor(0, {.again = true}), 384 * kMiB);
  EXPECT_EQ(MemoryFor(UINT64_MAX, {.again = true}), 2 * kGiB);
}

TEST(CheckLimitsTest, ProcessorTimeGoesBySize) {
  EXPECT_EQ(ProcessorSecondsFor(0, {}), 60u);
  EXPECT_EQ(ProcessorSecondsFor(50'000'000, {}), 70u);
  EXPECT_EQ(ProcessorSecondsFor(0, {.processor_seconds = 1}), 1u);
}

}  // namespace
}  // namespace levelkeep::check
