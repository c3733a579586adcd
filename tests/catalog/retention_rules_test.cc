// Age, count, minimum, size, dates in the future, and how rules go together.

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "catalog/retention.h"
#include "catalog/retention_items.h"

namespace levelkeep::test {
namespace {

using KeptNames = std::vector<std::string>;

const char* const kToday = "2025-01-15";
const Time kAtOne = TimeOf("2025-01-15T01:00");

TEST(RetentionRulesTest, MaxBackupsActsAloneWhileNoOtherRuleSelects) {
  const auto items = Midnights(kToday, 20);
  RetentionPolicy policy;
  EXPECT_EQ(Kept(items, policy, kAtOne).size(), 10u);
  policy.minimum = 3;
  policy.max_bytes = 1000;
  EXPECT_EQ(Kept(items, policy, kAtOne).size(), 10u)
      << "a floor and a limit select nothing";
  for (const auto rule :
       {&RetentionPolicy::retention_days, &RetentionPolicy::daily,
        &RetentionPolicy::weekly, &RetentionPolicy::monthly,
        &RetentionPolicy::yearly}) {
    RetentionPolicy one;
    one.*rule = 1;
    EXPECT_LE(Kept(items, one, kAtOne).size(), 2u);
    one.max_backups = 4;
    EXPECT_GE(Kept(items, one, kAtOne).size(), 4u);
    RetentionPolicy none;
    none.*rule = 0;
    EXPECT_EQ(Kept(items, none, kAtOne).size(), 10u) << "0 is not set";
  }
}

TEST(RetentionRulesTest, AgeKeepsWhatIsYounger) {
  const auto items = Midnights(kToday, 10);
  RetentionPolicy policy;
  policy.retention_days = 3;
  EXPECT_EQ(Kept(items, policy, kAtOne),
            (KeptNames{"2025-01-15", "2025-01-14", "2025-01-13"}));
  EXPECT_EQ(Kept(items, policy, TimeOf(kToday)),
            (KeptNames{"2025-01-15", "2025-01-14", "2025-01-13"}))
      << "three days old is not younger";
  EXPECT_EQ(Why(items, policy, kAtOne, "2025-01-13"),
            "keep; younger than BACKUP_RETENTION_DAYS=3");
  EXPECT_EQ(Why(items, policy, kAtOne, "2025-01-12"),
            "remove; older than BACKUP_RETENTION_DAYS=3");
  EXPECT_EQ(Kept(items, policy, TimeOf("2026-01-15")),
            (KeptNames{"2025-01-15"}))
      << "the newest one stays";
}

// A machine without a battery makes a backup before it knows the time.
TEST(RetentionRulesTest, ABackupOfAClockThatWasBehindIsNotOld) {
  RetentionItem behind = Made("1970-01-01T00:05");
  behind.order_time = TimeOf("2025-01-14");
  const std::vector<RetentionItem> items = {Made(kToday), behind,
                                            Made("2025-01-14")};
  RetentionPolicy policy;
  policy.retention_days = 2;
  EXPECT_EQ(Kept(items, policy, kAtOne).size(), 3u);
  EXPECT_EQ(Kept(items, policy, TimeOf("2025-01-16T12:00")),
            (KeptNames{kToday}));
}

bool HasReason(const RetentionDecision& decision, const std::string& reason) {
  return std::ranges::count(decision.reasons, reason) > 0;
}

// A database that nobody writes to has one backup, which must not grow old.
TEST(RetentionRulesTest, ABackupThatStillHasEveryWriteIsNotOld) {
  const std::string young = "younger than BACKUP_RETENTION_DAYS=7";
  std::vector<RetentionItem> items = {Made("2025-01-02"), Made("2025-01-01")};
  RetentionPolicy policy;
  policy.retention_days = 7;
  const Time now = TimeOf("2025-01-20");
  EXPECT_FALSE(HasReason(DecideRetention(items, policy, now)[0], young));
  items[0].covered_until = TimeOf("2025-01-19");
  const auto decisions = DecideRetention(items, policy, now);
  EXPECT_TRUE(HasReason(decisions[0], young));
  EXPECT_FALSE(decisions[1].keep);
}

TEST(RetentionRulesTest, ABackupStandsForTheLastDayThatItCovers) {
  std::vector<RetentionItem> items = {Made("2025-01-10"), Made("2025-01-06"),
                                      Made("2025-01-05")};
  RetentionPolicy policy;
  policy.weekly = 2;
  // Unchanged from Monday the 6th to Thursday the 9th.
  items[1].covered_until = TimeOf("2025-01-09");
  const Time now = TimeOf("2025-01-13");
  EXPECT_EQ(Kept(items, policy, now),
            (std::vector<std::string>{"2025-01-10", "2025-01-05"}));
  // The newest one covers Sunday the 12th, and then the week that follows.
  items[0].covered_until = TimeOf("2025-01-12T12:00");
  EXPECT_TRUE(HasReason(DecideRetention(items, policy, now)[0],
                        "weekly 1 of 2 (week of 2025-01-06)"));
  items[0].covered_until = TimeOf("2025-01-13");
  EXPECT_EQ(
      Kept(items, policy, now),
      (std::vector<std::string>{"2025-01-10", "2025-01-06", "2025-01-05"}));
}

TEST(RetentionRulesTest, AfterAClockThatWasAheadAgesAreRight) {
  const RetentionItem ahead = Made("2035-01-01");
  std::vector<RetentionItem> items = Midnights(kToday, 10);
  for (RetentionItem& item : items) item.order_time = ahead.created;
  items.push_back(ahead);
  RetentionPolicy policy;
  policy.retention_days = 3;
  EXPECT_EQ(
      Kept(items, policy, kAtOne),
      (KeptNames{"2025-01-15", "2025-01-14", "2025-01-13", "2035-01-01"}));
}

TEST(RetentionRulesTest, AllReasonsAreGiven) {
  auto items = Midnights(kToday, 20);
  items[1].in_use = true;
  items[1].epoch = "before";
  RetentionPolicy policy;
  policy.max_backups = 2;
  policy.retention_days = 5;
  policy.daily = 2;
  policy.monthly = 1;
  policy.minimum = 2;
  EXPECT_EQ(Why(items, policy, kAtOne, "2025-01-14"),
            "keep; within MAX_BACKUPS=2; younger than BACKUP_RETENTION_DAYS=5; "
            "daily 2 of 2 (2025-01-14); minimum 2 of 2; newest verified backup "
            "of its history, within BACKUP_HISTORY_DAYS=30; in use");
  EXPECT_EQ(Why(items, policy, kAtOne, "2025-01-01"),
            "keep; monthly 1 of 1 (2025-01)");
  EXPECT_EQ(Why(items, policy, kAtOne, "2025-01-02"),
            "remove; beyond MAX_BACKUPS=2; older than BACKUP_RETENTION_DAYS=5; "
            "beyond BACKUP_DAILY_RETENTION=2; another backup stays for "
            "2025-01");
}

// As long as the restore can be undone, no rule and no cap removes it.
TEST(RetentionRulesTest, WhatWasRestoredStays) {
  auto items = Midnights(kToday, 6);
  items[4].restored = true;
  RetentionPolicy policy;
  policy.max_backups = 2;
  policy.max_bytes = 1;
  EXPECT_EQ(Kept(items, policy, kAtOne),
            (KeptNames{"2025-01-15", "2025-01-11"}));
  EXPECT_EQ(Why(items, policy, kAtOne, "2025-01-11"),
            "keep; was restored, and the restore can be undone");
  items[4].whose = RetentionItem::Whose::kOther;
  EXPECT_EQ(Why(items, policy, kAtOne, "2025-01-11"),
            "keep; of another database");
}

TEST(RetentionRulesTest, TellsByHowMuchTheCapIsExceeded) {
  auto items = Midnights(kToday, 5);
  RetentionPolicy policy;
  const auto beyond = [&] {
    return BytesBeyondCap(items, DecideRetention(items, policy, kAtOne),
                          policy);
  };
  EXPECT_EQ(beyond(), 0u) << "no cap";
  policy.max_bytes = 20;
  EXPECT_EQ(beyond(), 0u);
  policy.minimum = 3;
  EXPECT_EQ(beyond(), 10u);
  items[4].pinned = true;
  EXPECT_EQ(beyond(), 20u) << "pinned ones count";
  items[3].whose = RetentionItem::Whose::kOther;
  items[3].size_bytes = 1000;
  EXPECT_EQ(beyond(), 20u) << "those of others do not";
}

TEST(RetentionRulesTest, MinimumIsAFloor) {
  RetentionPolicy policy;
  policy.retention_days = 2;
  policy.minimum = 4;
  const Time later = TimeOf("2025-03-01");
  const auto items = Midnights(kToday, 10);
  EXPECT_EQ(
      Kept(items, policy, later),
      (KeptNames{"2025-01-15", "2025-01-14", "2025-01-13", "2025-01-12"}));
  EXPECT_EQ(Why(items, policy, later, "2025-01-13"), "keep; minimum 3 of 4");
  // Doubtful ones do not take the place of trusted ones.
  auto doubtful = items;
  doubtful[0].verified = doubtful[1].verified = false;
  EXPECT_EQ(Kept(doubtful, policy, later),
            (KeptNames{"2025-01-15", "2025-01-14", "2025-01-13", "2025-01-12",
                       "2025-01-11", "2025-01-10"}));
}

TEST(RetentionRulesTest, WhatIsKnownComesFirst) {
  auto items = Midnights(kToday, 4);
  items[1].pinned = items[1].in_use = true;
  items[2].pinned = true;
  items[2].unreadable = true;
  items[3].pinned = true;
  items[3].whose = RetentionItem::Whose::kOther;
  EXPECT_EQ(Why(items, {}, kAtOne, items[1].name), "keep; pinned; in use");
  EXPECT_EQ(Why(items, {}, kAtOne, items[2].name), "keep; pinned; unreadable");
  EXPECT_EQ(Why(items, {}, kAtOne, items[3].name), "keep; of another database");
}

TEST(RetentionRulesTest, MaxBytesRemovesTheOldestThatNoFloorHolds) {
  RetentionPolicy policy;
  policy.max_bytes = 40;
  auto items = Midnights(kToday, 8);
  EXPECT_EQ(
      Kept(items, policy, kAtOne),
      (KeptNames{"2025-01-15", "2025-01-14", "2025-01-13", "2025-01-12"}));
  EXPECT_EQ(Why(items, policy, kAtOne, "2025-01-11"),
            "remove; beyond BACKUP_MAX_BYTES=40; although within "
            "MAX_BACKUPS=10");
  policy.max_bytes = 39;
  EXPECT_EQ(Kept(items, policy, kAtOne).size(), 3u);

  items[3].in_use = true;
  items[5].pinned = true;
  items[6].epoch = items[7].epoch = "before";
  items[7].whose = RetentionItem::Whose::kOther;
  items[7].size_bytes = 1000;
  policy.max_bytes = 45;
  EXPECT_EQ(Kept(items, policy, kAtOne),
            (KeptNames{"2025-01-15", "2025-01-12", "2025-01-10", "2025-01-09",
                       "2025-01-08"}))
      << "pinned ones count, those of others do not";
  policy.max_bytes = 1;
  EXPECT_EQ(Kept(items, policy, kAtOne).size(), 5u) << "nothing else can go";
  policy.minimum = 2;
  EXPECT_EQ(Kept(items, policy, kAtOne)[1], "2025-01-14");
  policy.max_bytes = 0;
  EXPECT_EQ(Kept(items, policy, kAtOne).size(), 8u) << "0 is no limit";
}

TEST(RetentionRulesTest, MaxBytesKeepsTheNewestVerifiedAndTheNewest) {
  RetentionPolicy policy;
  policy.max_bytes = 1;
  auto items = Midnights(kToday, 4);
  items[0].verified = items[1].verified = false;
  EXPECT_EQ(Kept(items, policy, TimeOf("2025-01-16")),
            (KeptNames{"2025-01-15", "2025-01-13"}));
  items[0].damaged = true;
  EXPECT_EQ(Kept(items, policy, TimeOf("2025-01-16")),
            (KeptNames{"2025-01-14", "2025-01-13"}))
      << "no floor holds a damaged one";
}

TEST(RetentionRulesTest, ABackupOfTheFutureMovesNoWindow) {
  RetentionItem future = Made("2026-03-04T05:06");
  const auto past = Midnights(kToday, 10);
  std::vector<RetentionItem> items = past;
  items.insert(items.begin(), future);
  for (int rule = 0; rule < 3; rule++) {
    RetentionPolicy policy;
    policy.max_bytes = 35;
    if (rule == 0) policy.retention_days = 5;
    if (rule == 1) policy.daily = policy.weekly = policy.yearly = 2;
    if (rule == 2) policy.max_backups = policy.monthly = 3;
    KeptNames kept = Kept(past, policy, kAtOne);
    kept.insert(kept.begin(), future.name);
    EXPECT_EQ(Kept(items, policy, kAtOne), kept) << rule;
    EXPECT_EQ(Why(items, policy, kAtOne, future.name),
              "keep; dated in the future (2026-03-04T05:06:00.000Z)");
  }
  RetentionPolicy daily;
  daily.daily = 1;
  items[0] = Made("2025-01-15T01:05");
  EXPECT_EQ(Kept(items, daily, kAtOne), (KeptNames{"2025-01-15T01:05"}))
      << "clocks differ by minutes";
}

// The order of backups is right whatever the clocks say.
TEST(RetentionRulesTest, MaxBackupsAloneGoesByTheOrder) {
  std::vector<RetentionItem> items = Midnights(kToday, 3);
  items.push_back(Made("2030-01-01"));
  items.push_back(Made("2029-12-31"));
  RetentionPolicy policy;
  policy.max_backups = 4;
  EXPECT_EQ(Kept(items, policy, kAtOne).size(), 4u);
  EXPECT_EQ(Why(items, policy, kAtOne, "2030-01-01"),
            "keep; within MAX_BACKUPS=4; dated in the future "
            "(2030-01-01T00:00:00.000Z)");
  EXPECT_EQ(Why(items, policy, kAtOne, "2029-12-31"),
            "remove; beyond MAX_BACKUPS=4");
}

// Two copies of a database that both make backups: their histories alternate.
TEST(RetentionRulesTest, EachHistoryKeepsItsNewestVerifiedOne) {
  auto items = Midnights(kToday, 8);
  for (size_t i = 0; i < items.size(); i++) {
    items[i].epoch = i % 2 == 0 ? "one" : "two";
  }
  items[1].verified = false;
  RetentionPolicy policy;
  policy.max_backups = 1;
  EXPECT_EQ(Kept(items, policy, TimeOf("2025-01-16")),
            (KeptNames{"2025-01-15", "2025-01-12"}));
  items[0].epoch = items[1].epoch = "three";
  EXPECT_EQ(Kept(items, policy, TimeOf("2025-01-16")),
            (KeptNames{"2025-01-15", "2025-01-13", "2025-01-12"}));
}

TEST(RetentionRulesTest, BackupsOfOthersEndNoHistory) {
  auto items = Midnights(kToday, 3);
  items[0].epoch = "new";
  items[1] = Made("2024-11-20");
  items[1].whose = RetentionItem::Whose::kOther;
  items[1].epoch = "theirs";
  items[2] = Made("2024-11-10");
  RetentionPolicy policy;
  policy.max_backups = 1;
  EXPECT_EQ(Kept(items, policy, kAtOne).size(), 3u)
      << "ours ended today, not when they made a backup";
}

}  // namespace
}  // namespace levelkeep::test
