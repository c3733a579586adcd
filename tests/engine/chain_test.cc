// The ledger of removed backups and the chain, over real archives.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "engine/site.h"
#include "support/fake_clock.h"
#include "support/fault_file_system.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class EngineChainTest : public ::testing::Test {
 protected:
  EngineChainTest() : site_(dir_.path(), "storage", &clock_) {
    site_.options_.retention.max_backups = 100;
    site_.Reset();
    site_.Put(0, 10);
  }
  std::vector<std::string> Make(int count) {
    std::vector<std::string> names;
    for (int i = 0; i < count; i++) {
      names.push_back(site_.Create());
      clock_.Advance(std::chrono::minutes(1));
    }
    return names;
  }
  void Keep(int count) {
    site_.options_.retention.max_backups = count;
    site_.Reset();
  }
  // The words, newest first.
  std::vector<std::string> Words(Engine* engine = nullptr) {
    if (engine == nullptr) engine = &site_.engine();
    const auto reports = engine->chain().Verify();
    EXPECT_TRUE(reports.ok()) << reports.status().ToString();
    std::vector<std::string> words;
    for (const ChainReport& report : *reports) {
      for (const ChainLink& link : report.links) {
        words.emplace_back(ChainWord(link.status));
      }
    }
    return words;
  }
  ChainLink LinkOf(const std::string& name) {
    const auto reports = site_.engine().chain().Verify();
    for (const ChainReport& report : *reports) {
      for (const ChainLink& link : report.links) {
        if (link.name == name) return link;
      }
    }
    return {};
  }
  std::string LedgerPath() const {
    return site_.options_.backup_dir + "/.levelkeep/databases/" +
           site_.Identity().id + "/removals";
  }

  test::FakeClock clock_;
  test::TempDir dir_;
  test::Site site_;
};

TEST_F(EngineChainTest, RotationAndDeletionWriteTheLedger) {
  const auto names = Make(4);
  EXPECT_THAT(Words(), ElementsAre("proven", "proven", "proven", "proven"));
  ASSERT_TRUE(site_.engine().Delete(names[0], false).ok());
  Keep(2);
  ASSERT_TRUE(site_.engine().Rotate().ok());
  EXPECT_THAT(Words(), ElementsAre("proven", "proven", "rotated", "rotated"));
  EXPECT_THAT(LinkOf(names[0]).detail, HasSubstr("delete by process "));
  EXPECT_THAT(LinkOf(names[0]).detail, HasSubstr(": on request"));
  EXPECT_THAT(LinkOf(names[1]).detail, HasSubstr("rotate by process "));
  EXPECT_THAT(LinkOf(names[1]).detail, HasSubstr(": beyond MAX_BACKUPS=2"));
  EXPECT_EQ(LinkOf(names[1]).epoch, site_.Identity().epoch);

  // The folder moves to another host, whose program knows no database.
  const std::string moved = dir_.Sub("moved");
  std::filesystem::rename(site_.options_.backup_dir, moved);
  test::Site other(dir_.path(), "elsewhere", &clock_);
  other.options_.backup_dir = moved;
  other.Reset();
  EXPECT_THAT(Words(&other.engine()),
              ElementsAre("proven", "proven", "rotated", "rotated"));
}

TEST_F(EngineChainTest, WhatSomebodyElseRemovedIsMissing) {
  const auto names = Make(3);
  std::filesystem::remove(site_.options_.backup_dir + "/" + names[1]);
  EXPECT_THAT(Words(), ElementsAre("proven", "missing", "proven"));
  EXPECT_THAT(LinkOf(names[1]).detail, HasSubstr(names[2] + " names it"));
}

TEST_F(EngineChainTest, AnExchangedBackupContradicts) {
  const auto names = Make(3);
  const std::string folder = site_.options_.backup_dir + "/";
  // With a sidecar that fits: only the chain shows it.
  std::filesystem::copy_file(folder + names[0], folder + names[1],
                             std::filesystem::copy_options::overwrite_existing);
  const std::string sidecar = test::ReadFile(folder + names[0] + ".sha256");
  test::WriteFile(folder + names[1] + ".sha256",
                  sidecar.substr(0, 64) + "  " + names[1] + "\n");
  EXPECT_THAT(Words(), ElementsAre("proven", "contradicting", "proven"));
}

TEST_F(EngineChainTest, AcrossARestoreTheChainGoesOn) {
  const auto names = Make(2);
  const std::string epoch = site_.Identity().epoch;
  ASSERT_TRUE(site_.Restore(names[0]).ok());
  const std::string later = Make(1).front();
  EXPECT_THAT(Words(), ElementsAre("proven", "proven", "proven"));
  EXPECT_EQ(LinkOf(names[1]).epoch, epoch);
  EXPECT_NE(LinkOf(later).epoch, epoch);
}

// Backups that an older version removed are not missing.
TEST_F(EngineChainTest, WithoutALedgerNothingIsMissing) {
  const auto names = Make(3);
  std::filesystem::remove(LedgerPath());
  std::filesystem::remove(site_.options_.backup_dir + "/" + names[0]);
  EXPECT_THAT(Words(), ElementsAre("proven", "proven", "unprovable"));
  Make(1);  // begins another ledger, which knows nothing about the past
  EXPECT_THAT(Words(), ElementsAre("proven", "proven", "proven", "unprovable"));
}

TEST_F(EngineChainTest, AKillBetweenEntryAndRemovalIsNoContradiction) {
  const auto names = Make(3);
  Keep(2);
  test::FaultFileSystem disk(FileSystem::Posix());
  disk.FailOn("RemoveFile " + site_.options_.backup_dir + "/" + names[0] +
              "\n");
  Engine killed(site_.options_, {.fs = &disk, .clock = &clock_});
  EXPECT_FALSE(killed.Rotate().ok());
  EXPECT_TRUE(site_.Has(names[0]));
  EXPECT_THAT(test::ReadFile(LedgerPath()), HasSubstr(names[0]));
  EXPECT_THAT(Words(), ElementsAre("proven", "proven", "proven"));
  ASSERT_TRUE(site_.engine().Rotate().ok());
  EXPECT_THAT(Words(), ElementsAre("proven", "proven", "rotated"));
}

// A removal without its entry would look like a theft.
TEST_F(EngineChainTest, WithoutItsEntryNothingIsRemoved) {
  const auto names = Make(3);
  Keep(2);
  test::FaultFileSystem disk(FileSystem::Posix());
  disk.FailOn("Sync " + LedgerPath() + "\n");
  Engine failing(site_.options_, {.fs = &disk, .clock = &clock_});
  EXPECT_THAT(failing.Rotate().status().message(),
              HasSubstr("the ledger of removed backups"));
  EXPECT_EQ(site_.Files(), names);
}

// On a full disk, only a removal makes the space for the entry.
TEST_F(EngineChainTest, AFullDiskDoesNotStopTheRotation) {
  const auto names = Make(3);
  Keep(2);
  test::FaultFileSystem disk(FileSystem::Posix());
  disk.FailOn("Append " + LedgerPath() + "\n", StatusCode::kNoSpace);
  Engine full(site_.options_, {.fs = &disk, .clock = &clock_});
  ASSERT_TRUE(full.Rotate().ok());
  EXPECT_TRUE(disk.fired());
  EXPECT_FALSE(site_.Has(names[0]));
  EXPECT_THAT(Words(), ElementsAre("proven", "proven", "rotated"));
}

TEST_F(EngineChainTest, ADatabaseWithoutBackupsHasNoChain) {
  std::filesystem::create_directories(site_.options_.backup_dir);
  EXPECT_THAT(Words(), IsEmpty());
  BackupOptions options = site_.options_;
  options.backup_dir = dir_.Sub("none");
  Engine nowhere(options, Platform());
  EXPECT_EQ(nowhere.chain().Verify().status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace levelkeep
