#include "catalog/retention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "catalog/entries.h"

namespace levelkeep {
namespace {

using test::Entry;
using test::Hour;
using test::ToListing;
using test::WithRecord;

constexpr int kNow = 1000;

// One letter per backup, newest first, an hour apart, the newest just made:
//   v verified   u unverified   d damaged   s verified in structure only
//   f foreign    x unreadable   capital: pinned
std::vector<CatalogEntry> Make(const std::string& letters) {
  std::vector<CatalogEntry> entries;
  int hour = kNow;
  for (char c : letters) {
    CatalogEntry entry = Entry(hour--);
    switch (std::tolower(c)) {
      case 'v':
        entry = WithRecord(entry, true, VerifyDepth::kFull);
        break;
      case 'd':
        entry = WithRecord(entry, false, VerifyDepth::kChecksums);
        break;
      case 's':
        entry = WithRecord(entry, true, VerifyDepth::kStructure);
        break;
      case 'f':
        entry.manifest.reset();
        entry.foreign = true;
        break;
      case 'x':
        entry.manifest.reset();
        entry.problem = "is not a gzip file";
        break;
      default:
        break;
    }
    entry.pinned = c >= 'A' && c <= 'Z';
    entries.push_back(entry);
  }
  return entries;
}

// "k" (kept) or "-" (removed) for each backup.
std::string Decide(const std::string& letters, RetentionPolicy policy,
                   std::vector<size_t> in_use = {}) {
  const auto entries = Make(letters);
  std::vector<std::string> protect;
  for (size_t i : in_use) protect.push_back(entries[i].name);
  std::string result;
  const auto decisions = DecideRetention(
      RetentionItems(ToListing(entries), protect), policy, Hour(kNow));
  for (size_t i = 0; i < decisions.size(); i++) {
    EXPECT_EQ(decisions[i].name, entries[i].name);
    EXPECT_FALSE(decisions[i].reason().empty());
    result += decisions[i].keep ? 'k' : '-';
  }
  return result;
}

RetentionPolicy Max(int max_backups) {
  RetentionPolicy policy;
  policy.max_backups = max_backups;
  return policy;
}

struct Case {
  const char* why;
  int max_backups;
  const char* entries;
  const char* kept;
};

TEST(RetentionTest, DecidesByTheTable) {
  const Case cases[] = {
      {"nothing", 3, "", ""},
      {"fewer than the limit", 3, "vv", "kk"},
      {"the limit", 3, "vvv", "kkk"},
      {"the oldest verified ones go", 3, "vvvvv", "kkk--"},
      {"a fresh one waits for verification and counts", 3, "uvvv", "kkk-"},
      {"doubtful ones push out no verified one", 3, "uuuuvvv", "kkk-kk-"},
      {"doubtful ones are limited themselves", 2, "uuuuuu", "kk----"},
      {"doubtful below verified", 2, "vvuu", "kk--"},
      {"a structure check is no verification", 2, "sssv", "kk-k"},
      {"damaged ones push out nothing", 2, "dddvv", "kkkkk"},
      {"damaged ones go when enough newer good ones exist", 2, "vvdd", "kk--"},
      {"damaged ones stay while too few newer good ones exist", 2, "vdd",
       "kkk"},
      {"foreign and unreadable ones are neither counted nor removed", 2,
       "fxvvvfx", "kkkk-kk"},
      {"pinned ones are not counted", 2, "VVvvvV", "kkkk-k"},
      {"pinned damaged ones stay", 1, "vvD", "k-k"},
      {"the newest verified one stays beyond the limit", 1, "uv", "kk"},
      {"a newest verified one that is pinned is enough", 1, "Vvv", "kk-"},
      {"one backup, limit one", 1, "u", "k"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Decide(c.entries, Max(c.max_backups)), c.kept) << c.why;
  }
}

TEST(RetentionTest, WithoutVerificationAllGoodOnesAreEqual) {
  RetentionPolicy policy = Max(3);
  policy.verification_expected = false;
  EXPECT_EQ(Decide("uuuuu", policy), "kkk--");
  EXPECT_EQ(Decide("uuuvv", policy), "kkkk-") << "the newest verified stays";
}

TEST(RetentionTest, ManyFreshOnesDoNotExceedTheLimit) {
  RetentionPolicy policy = Max(3);
  policy.verification_grace = std::chrono::hours(100);
  EXPECT_EQ(Decide("uuuuuu", policy), "kkk---");
  EXPECT_EQ(Decide("uuvvvv", policy), "kkk---");
  EXPECT_EQ(Decide("uuuuvv", policy), "kkk-k-") << "the newest verified stays";
}

TEST(RetentionTest, ABackupFromTheFutureGetsNoGrace) {
  auto entries = Make("uv");
  entries[0].manifest->created = Hour(kNow + 5);
  const auto decisions =
      DecideRetention(RetentionItems(ToListing(entries)), Max(1), Hour(kNow));
  EXPECT_TRUE(decisions[0].keep);
  EXPECT_TRUE(decisions[1].keep);
  EXPECT_EQ(decisions[1].reason(), "kept until newer ones are verified");
}

TEST(RetentionTest, WhatIsInUseStays) {
  EXPECT_EQ(Decide("vvvv", Max(1)), "k---");
  EXPECT_EQ(Decide("vvvv", Max(1), {2}), "k-k-");
}

TEST(RetentionTest, SaysWhy) {
  const auto entries = Make("uVvdfxvv");
  const auto decisions =
      DecideRetention(RetentionItems(ToListing(entries), {entries[7].name}),
                      Max(2), Hour(kNow));
  const char* expected[] = {
      "within MAX_BACKUPS=2",  "pinned",
      "within MAX_BACKUPS=2",  "damaged, and beyond MAX_BACKUPS=2",
      "not made by LevelKeep", "unreadable",
      "beyond MAX_BACKUPS=2",  "in use"};
  for (size_t i = 0; i < decisions.size(); i++) {
    EXPECT_EQ(decisions[i].reason(), expected[i]) << i;
  }
  EXPECT_EQ(DecideRetention(RetentionItems(ToListing(Make("uv"))), Max(1),
                            Hour(kNow))[1]
                .reason(),
            "newest verified backup");
  EXPECT_EQ(DecideRetention(RetentionItems(ToListing(Make("d"))), Max(1),
                            Hour(kNow))[0]
                .reason(),
            "damaged, but fewer than MAX_BACKUPS=1 newer good ones");
}

TEST(RetentionTest, RandomSetsKeepThePromises) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 3000; round++) {
    std::string letters;
    for (auto n = random() % 30; n-- > 0;) {
      letters += "uuvvvdsfxUV"[random() % 11];
    }
    const int max = 1 + static_cast<int>(random() % 6);
    SCOPED_TRACE(letters + " max " + std::to_string(max));
    const std::string kept = Decide(letters, Max(max));
    int verified = 0, good = 0;
    bool newest_verified_seen = false;
    for (size_t i = 0; i < letters.size(); i++) {
      const char c = letters[i];
      const bool keep = kept[i] == 'k';
      if (std::string("fxUV").find(c) != std::string::npos) {
        EXPECT_TRUE(keep);
      }
      if ((c == 'v' || c == 'V') && !newest_verified_seen) {
        newest_verified_seen = true;
        EXPECT_TRUE(keep);
      }
      if (!keep) continue;
      if (c == 'v') verified++;
      if (c == 'u' || c == 's') good++;
    }
    EXPECT_LE(verified, max + 1);
    EXPECT_LE(good, max);
    // Asking again after removing changes nothing.
    std::string rest;
    for (size_t i = 0; i < letters.size(); i++) {
      if (kept[i] == 'k') rest += letters[i];
    }
    if (kept.find('-') == std::string::npos) {
      EXPECT_EQ(rest, letters);
    }
  }
}

}  // namespace
}  // namespace levelkeep
