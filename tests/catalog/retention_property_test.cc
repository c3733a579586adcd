// What holds for any backups and any rules.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "catalog/entries.h"
#include "catalog/retention.h"
#include "catalog/retention_items.h"
#include "catalog/retention_random.h"

namespace levelkeep::test {
namespace {

constexpr int kRounds = 500;
const Time kRandomNow = RandomRetention::Now();

// Calls `check` with many random sources.
template <typename Check>
void ForRandom(const Check& check) {
  const unsigned seed = std::random_device()();
  for (unsigned round = 0; round < kRounds; round++) {
    SCOPED_TRACE("seed " + std::to_string(seed + round));
    RandomRetention random(seed + round);
    check(&random);
    if (testing::Test::HasFailure()) return;
  }
}

bool MayGo(const RetentionItem& item) {
  return item.whose == RetentionItem::Whose::kOwn && item.local &&
         !item.pinned && !item.foreign && !item.unreadable && !item.in_use &&
         !item.restored;
}

// True if MAX_BACKUPS is the only rule that selects.
bool CountsOnly(const RetentionPolicy& policy) {
  return !policy.retention_days && !policy.daily && !policy.weekly &&
         !policy.monthly && !policy.yearly;
}

// True if the rules see it: rules by date do not see the future.
bool IsSeen(const RetentionItem& item, const RetentionPolicy& policy) {
  return item.whose == RetentionItem::Whose::kOwn && item.local &&
         (CountsOnly(policy) ||
          item.created <= kRandomNow + std::chrono::minutes(5));
}

std::vector<bool> Stay(const std::vector<RetentionItem>& items,
                       const RetentionPolicy& policy) {
  std::vector<bool> stay;
  for (const auto& one : DecideRetention(items, policy, kRandomNow)) {
    stay.push_back(one.keep);
  }
  return stay;
}

TEST(RetentionPropertyTest, SomeBackupsAlwaysStayAndAllHaveReasons) {
  ForRandom([](RandomRetention* random) {
    const auto items = random->Items();
    RetentionPolicy policy = random->Policy();
    if (random->OneIn(2)) policy.max_bytes = 1 + random->Below(1000);
    const auto decisions = DecideRetention(items, policy, kRandomNow);
    ASSERT_EQ(decisions.size(), items.size());
    bool verified_seen = false, good = false, good_left = false;
    for (size_t i = 0; i < items.size(); i++) {
      const RetentionItem& item = items[i];
      EXPECT_EQ(decisions[i].name, item.name);
      ASSERT_FALSE(decisions[i].reasons.empty());
      EXPECT_NE(decisions[i].reason(), "");
      EXPECT_TRUE(MayGo(item) || decisions[i].keep) << item.name;
      const bool seen = IsSeen(item, policy);
      const bool readable = !item.foreign && !item.unreadable;
      if (seen && readable && item.verified && !verified_seen) {
        verified_seen = true;
        EXPECT_TRUE(decisions[i].keep) << "newest verified " << item.name;
      }
      if (!seen || !readable || item.damaged) continue;
      good = true;
      good_left |= decisions[i].keep;
    }
    EXPECT_EQ(good_left, good);
  });
}

TEST(RetentionPropertyTest, OneMoreRuleRemovesNothing) {
  ForRandom([](RandomRetention* random) {
    const auto items = random->Items();
    const RetentionPolicy policy = random->Policy();
    const auto before = Stay(items, policy);
    const auto after = Stay(items, random->Wider(policy));
    for (size_t i = 0; i < items.size(); i++) {
      EXPECT_TRUE(after[i] || !before[i]) << items[i].name;
    }
  });
}

TEST(RetentionPropertyTest, DecidingAgainRemovesNothing) {
  ForRandom([](RandomRetention* random) {
    const auto items = random->Items();
    RetentionPolicy policy = random->Policy();
    if (random->OneIn(2)) policy.max_bytes = 1 + random->Below(1000);
    const auto rest = Rest(items, policy, kRandomNow);
    EXPECT_EQ(Kept(rest, policy, kRandomNow).size(), rest.size());
  });
}

TEST(RetentionPropertyTest, MaxBytesRemovesTheOldestAndNotTooMany) {
  ForRandom([](RandomRetention* random) {
    const auto items = random->Items();
    RetentionPolicy policy = random->Policy();
    const auto without = Stay(items, policy);
    policy.max_bytes = 1;
    const auto floor = Stay(items, policy);
    policy.max_bytes = 1 + random->Below(1500);
    const auto stay = Stay(items, policy);
    uint64_t sum = 0, least = UINT64_MAX;
    bool newer_removed = false, could_go = false;
    for (size_t i = 0; i < items.size(); i++) {
      EXPECT_TRUE(stay[i] || !floor[i]) << items[i].name;
      EXPECT_TRUE(without[i] || !stay[i]) << items[i].name;
      if (without[i] && !stay[i]) {
        if (!newer_removed) least = items[i].size_bytes;
        newer_removed = true;
      }
      if (stay[i] && !floor[i]) {
        EXPECT_FALSE(newer_removed) << items[i].name << " is older";
        could_go = true;
      }
      if (stay[i] && IsSeen(items[i], policy) && !items[i].foreign &&
          !items[i].unreadable) {
        sum += items[i].size_bytes;
      }
    }
    EXPECT_TRUE(sum <= *policy.max_bytes || !could_go);
    EXPECT_TRUE(!newer_removed || sum + least > *policy.max_bytes);
  });
}

TEST(RetentionPropertyTest, TheOrderOfTheFilesDoesNotMatter) {
  ForRandom([](RandomRetention* random) {
    std::vector<CatalogEntry> entries;
    std::vector<size_t> order(static_cast<size_t>(random->Below(40)));
    std::iota(order.begin(), order.end(), 0);
    for (size_t i = 0; i < order.size(); i++) {
      CatalogEntry entry = Entry(random->Below(300));
      entry.name += "." + std::to_string(i);  // many have the same time
      if (random->OneIn(2)) {
        entry = WithRecord(entry, !random->OneIn(4), VerifyDepth::kFull);
      }
      entries.push_back(entry);
    }
    const RetentionPolicy policy = random->Policy();
    const auto decide = [&] {
      std::vector<CatalogEntry> files;
      for (const size_t i : order) files.push_back(entries[i]);
      std::vector<std::pair<std::string, std::vector<std::string>>> result;
      for (const auto& one : DecideRetention(RetentionItems(ToListing(files)),
                                             policy, Hour(300))) {
        result.emplace_back(one.name + (one.keep ? "+" : "-"), one.reasons);
      }
      return result;
    };
    const auto decided = decide();
    random->Shuffle(&order);
    EXPECT_EQ(decide(), decided);
  });
}

}  // namespace
}  // namespace levelkeep::test
