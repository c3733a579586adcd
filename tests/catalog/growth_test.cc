#include "catalog/growth.h"

#include <gtest/gtest.h>

#include "catalog/entries.h"

namespace levelkeep {
namespace {

using test::ToListing;

// A backup each day, of sizes `first`, `first` + `more`, ...
Listing Daily(int count, uint64_t first, uint64_t more = 0, int hours = 24) {
  std::vector<CatalogEntry> entries;
  for (int i = 0; i < count; ++i) {
    entries.push_back(test::Entry(i * hours));
    entries.back().size_bytes = first + static_cast<uint64_t>(i) * more;
  }
  return ToListing(entries);
}

RetentionPolicy Keep(int backups) {
  RetentionPolicy policy;
  policy.max_backups = backups;
  return policy;
}

// Four backups of 1000 bytes in three days, and 96 more to come.
TEST(GrowthTest, WhileTheNumberRisesItIsTheTotalPerDay) {
  const auto days = DaysUntilFull(Daily(4, 1000), Keep(100), 8000);
  ASSERT_TRUE(days);
  EXPECT_DOUBLE_EQ(*days, 8000.0 / (4000.0 / 3));
}

TEST(GrowthTest, WhatIsStillToComeMayFit) {
  EXPECT_EQ(DaysUntilFull(Daily(4, 1000), Keep(10), 6000), std::nullopt);
  EXPECT_TRUE(DaysUntilFull(Daily(4, 1000), Keep(10), 5999));
  // No rule is set: the default number acts.
  RetentionPolicy none;
  EXPECT_EQ(DaysUntilFull(Daily(4, 1000), none, 6000), std::nullopt);
  none.daily = 90;
  EXPECT_TRUE(DaysUntilFull(Daily(4, 1000), none, 6000));
}

TEST(GrowthTest, ACapBoundsTheGrowth) {
  RetentionPolicy policy = Keep(100);
  policy.max_bytes = 10'000;
  EXPECT_EQ(DaysUntilFull(Daily(4, 1000), policy, 6000), std::nullopt);
  policy.max_bytes = 20'000;
  EXPECT_TRUE(DaysUntilFull(Daily(4, 1000), policy, 6000));
}

// Backups of an age are as many as the days bring.
TEST(GrowthTest, AnAgeKeepsWhatItsDaysBring) {
  RetentionPolicy policy;
  policy.retention_days = 10;
  EXPECT_EQ(DaysUntilFull(Daily(5, 1000), policy, 5000), std::nullopt);
  EXPECT_TRUE(DaysUntilFull(Daily(5, 1000, 0, 12), policy, 5000));
}

// Ten backups stay, each 100 bytes larger than the last: 1000 bytes a day.
TEST(GrowthTest, OnceTheNumberStaysItIsTheGrowthOfTheSizes) {
  const auto days = DaysUntilFull(Daily(10, 1000, 100), Keep(10), 50'000);
  ASSERT_TRUE(days);
  EXPECT_NEAR(*days, 50, 0.01);
  EXPECT_EQ(DaysUntilFull(Daily(10, 1000), Keep(10), 50'000), std::nullopt)
      << "nothing grows";
}

TEST(GrowthTest, OldSizesDoNotCount) {
  std::vector<CatalogEntry> entries;
  for (int i = 0; i < 300; ++i) {
    entries.push_back(test::Entry(i * 24));
    entries.back().size_bytes = i < 200 ? 900 : 1000;
  }
  EXPECT_EQ(DaysUntilFull(ToListing(entries), Keep(300), 50'000), std::nullopt);
}

TEST(GrowthTest, TooLittleIsKnown) {
  const RetentionPolicy policy = Keep(1000);
  EXPECT_EQ(DaysUntilFull(ToListing({}), policy, 1), std::nullopt);
  EXPECT_EQ(DaysUntilFull(Daily(2, 1000), policy, 1), std::nullopt);
  EXPECT_EQ(DaysUntilFull(Daily(3, 1000, 0, 11), policy, 1), std::nullopt)
      << "of less than a day";
  EXPECT_TRUE(DaysUntilFull(Daily(3, 1000, 0, 12), policy, 1));
  EXPECT_EQ(DaysUntilFull(Daily(3, 1000, 0, 0), policy, 1), std::nullopt)
      << "all at one moment";
}

TEST(GrowthTest, BackupsOfOthersAndUnreadableOnesAreNoMeasure) {
  std::vector<CatalogEntry> entries;
  for (int i = 0; i < 3; ++i) {
    entries.push_back(test::Entry(i * 24));
    entries.back().size_bytes = 1000;
    entries.back().manifest->db_id = "another";
  }
  EXPECT_EQ(DaysUntilFull(ToListing(entries), Keep(100), 1), std::nullopt);
  for (CatalogEntry& entry : entries) entry.manifest.reset();
  EXPECT_EQ(DaysUntilFull(ToListing(entries), Keep(100), 1), std::nullopt);
}

TEST(GrowthTest, TheStatusesAddUpToTheCount) {
  const auto verified =
      test::WithRecord(test::Entry(1), true, VerifyDepth::kFull);
  const auto damaged =
      test::WithRecord(test::Entry(2), false, VerifyDepth::kFull);
  const Listing listing = ToListing({verified, damaged, test::Entry(3)});
  EXPECT_EQ(listing.by_status(),
            (std::map<BackupStatus, uint64_t>{{BackupStatus::kVerified, 1},
                                              {BackupStatus::kUnverified, 1},
                                              {BackupStatus::kDamaged, 1}}));
}

}  // namespace
}  // namespace levelkeep
