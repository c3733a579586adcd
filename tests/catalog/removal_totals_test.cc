// Counters of removed backups.

#include "catalog/removal_totals.h"

#include <gtest/gtest.h>

#include "base/record.h"
#include "support/simulated_disk.h"

namespace levelkeep {
namespace {

class RemovalTotalsTest : public ::testing::Test {
 protected:
  RemovalTotalsTest() {
    EXPECT_TRUE(disk_.file_system()->CreateDirectory("/id").ok());
    disk_.SyncAll();
  }
  RemovalTotals Totals() { return {disk_.file_system(), "/id"}; }

  test::SimulatedDisk disk_;
};

TEST_F(RemovalTotalsTest, CountsBackupsAndBytesByAct) {
  EXPECT_EQ(Totals().Load()->front().backups, 0u);
  ASSERT_TRUE(Totals().Add("rotate", 10).ok());
  ASSERT_TRUE(Totals().Add("delete", 5).ok());
  ASSERT_TRUE(Totals().Add("rotate", 30).ok());
  const auto totals = Totals().Load();
  ASSERT_EQ(totals->size(), 2u);
  EXPECT_EQ((*totals)[0].act, "rotate");
  EXPECT_EQ((*totals)[0].backups, 2u);
  EXPECT_EQ((*totals)[0].bytes, 40u);
  EXPECT_EQ((*totals)[1].act, "delete");
  EXPECT_EQ((*totals)[1].backups, 1u);
  EXPECT_EQ((*totals)[1].bytes, 5u);
}

TEST_F(RemovalTotalsTest, ACrashLeavesTheOldNumbersOrTheNewOnes) {
  ASSERT_TRUE(Totals().Add("rotate", 10).ok());
  disk_.SyncAll();
  const test::SimulatedState first = disk_.Save();
  bool fired = true;
  for (uint64_t n = 1; fired; ++n) {
    ASSERT_LT(n, 50u);
    disk_.Restore(first);
    disk_.CrashAt(n);
    const Status added = Totals().Add("rotate", 30);
    fired = disk_.fired();
    disk_.Reboot(n);
    const auto totals = Totals().Load();
    ASSERT_TRUE(totals.ok()) << disk_.last_operation();
    const uint64_t backups = totals->front().backups;
    EXPECT_EQ(totals->front().bytes, backups == 1 ? 10u : 40u);
    EXPECT_TRUE(backups == 2 || (backups == 1 && !added.ok()));
  }
}

TEST_F(RemovalTotalsTest, ADamagedRecordBeginsAnew) {
  ASSERT_TRUE(
      StoreRecord(disk_.file_system(), "/id/removal-totals", "x", Record())
          .ok());
  EXPECT_EQ(Totals().Load()->front().backups, 0u);
  ASSERT_TRUE(Totals().Add("rotate", 10).ok());
  EXPECT_EQ(Totals().Load()->front().backups, 1u);
}

}  // namespace
}  // namespace levelkeep
