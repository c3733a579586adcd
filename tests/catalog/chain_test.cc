#include "catalog/chain.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace levelkeep {
namespace {

std::string ChainName(int day) {
  return "backup_2025-01-" + std::string(day < 10 ? "0" : "") +
         std::to_string(day) + "_000000.tar.gz";
}
std::string ChainDigest(int day) {
  return std::string(62, 'a') + (day < 10 ? "0" : "") + std::to_string(day);
}

// A chain of daily backups from day 1 on.
class ChainTest : public ::testing::Test {
 protected:
  ChainTest() {
    removals_.since = ParseTime("2024-12-31T00:00:00Z").value();
    for (int day = 1; day <= 4; day++) {
      ChainItem item;
      item.name = ChainName(day);
      item.epoch = "e";
      item.sha256 = item.recorded_sha256 = ChainDigest(day);
      if (day > 1) {
        item.previous_name = ChainName(day - 1);
        item.previous_sha256 = ChainDigest(day - 1);
      }
      items_.push_back(item);
    }
  }
  ChainItem& Day(int day) {
    for (ChainItem& item : items_) {
      if (item.name == ChainName(day)) return item;
    }
    ADD_FAILURE() << day;
    return items_.front();
  }
  void Remove(int day, bool in_ledger) {
    if (in_ledger) {
      const ChainItem& item = Day(day);
      Removal one;
      one.at = ParseTime("2025-02-01T00:00:00Z").value();
      one.act = "rotate";
      one.by = "process 1 on h";
      one.reason = "beyond MAX_BACKUPS=2";
      one.name = item.name;
      one.epoch = item.epoch;
      one.sha256 = item.sha256;
      one.previous_name = item.previous_name;
      one.previous_sha256 = item.previous_sha256;
      removals_.entries.push_back(one);
    }
    std::erase_if(items_, [&](const ChainItem& item) {
      return item.name == ChainName(day);
    });
  }
  // "4 proven, 3 rotated", newest first.
  std::string Words() const {
    std::string words;
    for (const ChainLink& link : JudgeChain(items_, removals_)) {
      if (!words.empty()) words += ", ";
      words +=
          link.name.substr(16, 1) + " " + std::string(ChainWord(link.status));
    }
    return words;
  }
  std::string Why(int day) const {
    for (const ChainLink& link : JudgeChain(items_, removals_)) {
      if (link.name == ChainName(day)) return link.detail;
    }
    return "no link";
  }

  std::vector<ChainItem> items_;
  Removals removals_;
};

TEST_F(ChainTest, AWholeChainIsProven) {
  EXPECT_EQ(Words(), "4 proven, 3 proven, 2 proven, 1 proven");
  EXPECT_EQ(Why(4), "no later backup names it yet; it is as it was made");
  EXPECT_EQ(Why(1), "named by " + ChainName(2));
}

TEST_F(ChainTest, WhatTheLedgerHasWasRotated) {
  Remove(1, true);
  Remove(2, true);
  EXPECT_EQ(Words(), "4 proven, 3 proven, 2 rotated, 1 rotated");
  EXPECT_EQ(Why(2),
            "rotate by process 1 on h at 2025-02-01T00:00:00.000Z: beyond "
            "MAX_BACKUPS=2");
}

TEST_F(ChainTest, WhatItDoesNotHaveIsMissing) {
  Remove(2, false);
  EXPECT_EQ(Words(), "4 proven, 3 proven, 2 missing, 1 proven");
  EXPECT_EQ(Why(2), ChainName(3) +
                        " names it, but it is gone, and LevelKeep did not "
                        "remove it");
  Remove(3, true);
  EXPECT_EQ(Words(), "4 proven, 3 rotated, 2 missing, 1 proven")
      << "named by the ledger alone";
}

TEST_F(ChainTest, BeforeTheLedgerNothingIsProven) {
  Remove(2, false);
  removals_.since = ParseTime("2025-01-02T00:00:00Z").value();
  EXPECT_EQ(Words(), "4 proven, 3 proven, 2 unprovable, 1 proven");
  removals_.since.reset();
  EXPECT_EQ(Words(), "4 proven, 3 proven, 2 unprovable, 1 proven");
}

// A crash between the entry and the removal.
TEST_F(ChainTest, ARemovedBackupThatIsStillThereIsNoContradiction) {
  const ChainItem second = Day(2);
  Remove(2, true);
  items_.push_back(second);
  EXPECT_EQ(Words(), "4 proven, 3 proven, 2 proven, 1 proven");
}

TEST_F(ChainTest, AnotherDigestContradicts) {
  Day(2).sha256 = ChainDigest(9);
  EXPECT_EQ(Words(), "4 proven, 3 proven, 2 contradicting, 1 proven");
  EXPECT_EQ(Why(2),
            "its SHA-256 is not the one that " + ChainName(3) + " names");
  Day(2).sha256 = ChainDigest(2);
  Day(4).sha256 = ChainDigest(9);
  EXPECT_EQ(Words(), "4 contradicting, 3 proven, 2 proven, 1 proven")
      << "nobody names the newest, but it is not what was made";
  Day(4).sha256 = ChainDigest(4);
  Remove(1, true);
  removals_.entries.back().sha256 = ChainDigest(9);
  EXPECT_EQ(Words(), "4 proven, 3 proven, 2 proven, 1 contradicting");
}

TEST_F(ChainTest, ADamagedBackupContradicts) {
  Day(3).damage = "a byte is wrong";
  EXPECT_EQ(Words(), "4 proven, 3 contradicting, 2 proven, 1 proven");
  EXPECT_EQ(Why(3), "its verification failed: a byte is wrong");
}

TEST_F(ChainTest, WhatHasNoDigestOrLinkCanNotBeProven) {
  Day(1).sha256.clear();
  EXPECT_EQ(Words(), "4 proven, 3 proven, 2 proven, 1 unprovable");
  ChainItem foreign;
  foreign.name = ChainName(5);
  foreign.sha256 = ChainDigest(5);
  foreign.problem = "LevelKeep did not make it";
  items_.push_back(foreign);
  EXPECT_EQ(Words(),
            "5 unprovable, 4 proven, 3 proven, 2 proven, 1 unprovable");
  EXPECT_EQ(Why(5), "LevelKeep did not make it");
  foreign = Day(4);
  Day(4).recorded_sha256.clear();
  EXPECT_EQ(Why(4), "no later backup names it");
  // An archive that another one names and that can't be read any more.
  Day(3).problem = "it is unreadable: not gzip";
  EXPECT_EQ(Words().substr(0, 45),
            "5 unprovable, 4 unprovable, 3 contradicting, ");
}

TEST_F(ChainTest, ARemovalWithoutADigestProvesLess) {
  Remove(1, true);
  removals_.entries.back().sha256.clear();
  EXPECT_EQ(Words(), "4 proven, 3 proven, 2 proven, 1 unprovable");
}

}  // namespace
}  // namespace levelkeep
