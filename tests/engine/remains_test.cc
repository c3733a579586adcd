// A database that lacks files: LevelKeep refuses to work on it, and accept-loss
// makes a database of the files that are left.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "dbfiles/database_files.h"
#include "dbfiles/db_lock.h"
#include "engine/site.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using test::Site;

constexpr int kWritten = 2000;

class RemainsTest : public ::testing::Test {
 protected:
  RemainsTest() {
    site_.Put(0, kWritten);
    site_.Put(kWritten, kWritten);  // all of it is in tables
    EXPECT_TRUE(site_.engine().Adopt(false).ok());
    before_ = site_.Identity();
  }

  std::string InDb(const std::string& name) {
    return site_.db_dir() + "/" + name;
  }
  std::string Manifest() {
    return ReadCurrent(FileSystem::Posix(), site_.db_dir()).value();
  }
  Version CurrentVersion() {
    return ReadVersion(FileSystem::Posix(), site_.db_dir(), Manifest()).value();
  }
  std::string FirstTable() {
    return TableFileName(CurrentVersion().tables().begin()->first);
  }
  void Remove(const std::string& name) {
    ASSERT_TRUE(std::filesystem::remove(InDb(name))) << name;
  }
  // Returns how many of the events are there, each as it was written.
  size_t EventsLeft() {
    std::string problem;
    const auto entries = test::ReadDatabase(site_.db_dir(), &problem);
    EXPECT_EQ(problem, "");
    for (const auto& [key, value] : entries) {
      EXPECT_EQ(value,
                test::EventValue(std::stoull(key.substr(key.rfind(':') + 1))));
    }
    return entries.size();
  }
  LossReport Accept() {
    const auto report = site_.engine().AcceptLoss({});
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    return report.ok() ? *report : LossReport();
  }

  test::TempDir dir_;
  Site site_{dir_.path(), "storage"};
  DatabaseIdentity before_;
};

TEST_F(RemainsTest, WithoutCurrentNothingIsLost) {
  Remove("CURRENT");
  const auto preview = site_.engine().PreviewLoss();
  ASSERT_TRUE(preview.ok()) << preview.status().ToString();
  EXPECT_FALSE(preview->rebuilt);
  EXPECT_NE(preview->fault.find("CURRENT"), std::string::npos);
  const LossReport report = Accept();
  EXPECT_EQ(report.last_sequence, static_cast<uint64_t>(kWritten));
  EXPECT_EQ(EventsLeft(), static_cast<size_t>(kWritten));
}

TEST_F(RemainsTest, WithoutAManifestTheTablesAreListedAnew) {
  Remove(Manifest());
  const auto preview = site_.engine().PreviewLoss();
  ASSERT_TRUE(preview.ok());
  EXPECT_TRUE(preview->rebuilt);
  Accept();
  EXPECT_EQ(EventsLeft(), static_cast<size_t>(kWritten));
}

TEST_F(RemainsTest, AManifestThatCanNotBeUnderstoodIsAsGoodAsNone) {
  test::WriteFile(InDb(Manifest()), "no records at all, but as long as one");
  Accept();
  EXPECT_EQ(EventsLeft(), static_cast<size_t>(kWritten));
}

TEST_F(RemainsTest, WithoutATableTheOthersStay) {
  Remove(FirstTable());
  Accept();
  const size_t left = EventsLeft();
  EXPECT_GT(left, 0u);
  EXPECT_LT(left, static_cast<size_t>(kWritten));
}

TEST_F(RemainsTest, WithoutALogTheTablesStay) {
  site_.Put(kWritten, kWritten + 5);
  Remove(LogFileName(CurrentVersion().log_number()));
  Accept();
  EXPECT_EQ(EventsLeft(), static_cast<size_t>(kWritten));
}

TEST_F(RemainsTest, OfTwoMixedStatesItIsTheOlderOne) {
  const std::string aside = dir_.Sub("older");
  site_.Put(kWritten, kWritten + 3);
  std::filesystem::copy(site_.db_dir(), aside);
  site_.Put(kWritten + 3, kWritten + 20);
  site_.Put(kWritten + 20, kWritten + 40);
  std::filesystem::copy(aside, site_.db_dir(),
                        std::filesystem::copy_options::recursive |
                            std::filesystem::copy_options::overwrite_existing);
  const auto preview = site_.engine().PreviewLoss();
  ASSERT_TRUE(preview.ok()) << preview.status().ToString();
  EXPECT_NE(preview->fault.find("two states"), std::string::npos);
  Accept();
  EXPECT_EQ(EventsLeft(), static_cast<size_t>(kWritten + 3));
}

TEST_F(RemainsTest, TheOldFolderIsKeptAndTheHistoryIsAnotherOne) {
  const std::string manifest = Manifest();
  Remove("CURRENT");
  const LossReport report = Accept();
  const auto kept = site_.engine().ListKept();
  ASSERT_TRUE(kept.ok());
  ASSERT_EQ(kept->size(), 1u);
  EXPECT_EQ(kept->front().path, report.kept);
  EXPECT_EQ(kept->front().archive, "accept-loss");
  EXPECT_TRUE(std::filesystem::exists(report.kept + "/" + manifest));
  EXPECT_FALSE(std::filesystem::exists(report.kept + "/CURRENT"));
  const DatabaseIdentity after = site_.Identity();
  EXPECT_EQ(after.id, before_.id);
  EXPECT_EQ(after.parent, before_.epoch);
  EXPECT_EQ(after.epoch, report.epoch);
  // BACKUP_DIR remembers the reason for the next program that attaches it.
  site_.Reset();
  const auto adopted = site_.engine().Adopt(false);
  ASSERT_TRUE(adopted.ok());
  EXPECT_FALSE(adopted->began);
  EXPECT_NE(adopted->forked.find("accept-loss"), std::string::npos)
      << adopted->forked;
}

TEST_F(RemainsTest, ItIsAcceptedOnceAndTheNextLossIsRefusedAgain) {
  Remove("CURRENT");
  Accept();
  EXPECT_TRUE(site_.engine().RequireWhole().ok());
  EXPECT_EQ(site_.engine().AcceptLoss({}).status().code(),
            StatusCode::kNotFound);
  site_.Put(kWritten, kWritten + 5);
  Remove(LogFileName(CurrentVersion().log_number()));
  EXPECT_EQ(site_.engine().RequireWhole().code(), StatusCode::kCorruption);
}

TEST_F(RemainsTest, NoBackupIsMadeAndTheNewestIsNamed) {
  const std::string backup = site_.Create();
  Remove(LogFileName(CurrentVersion().log_number()));
  const auto made = site_.engine().Create({});
  EXPECT_EQ(made.status().code(), StatusCode::kCorruption);
  EXPECT_NE(made.status().hint().find(backup), std::string::npos)
      << made.status().hint();
  EXPECT_EQ(site_.engine().PreviewLoss()->newest_backup, backup);
  Remove("CURRENT");
  const auto preview = site_.engine().Preview(*site_.engine().Find(backup));
  ASSERT_TRUE(preview.ok());
  EXPECT_TRUE(preview->database_present)
      << "a folder with tables is a database";
  // A restore does not look at the database that it replaces.
  ASSERT_TRUE(site_.Restore(backup).ok());
  EXPECT_TRUE(site_.engine().RequireWhole().ok());
  EXPECT_EQ(EventsLeft(), static_cast<size_t>(kWritten));
}

TEST_F(RemainsTest, WhatSomebodyHasOpenIsLeftAlone) {
  Remove("CURRENT");
  const auto lock = DbLock::Acquire(FileSystem::Posix(), site_.db_dir());
  ASSERT_TRUE(lock.ok());
  EXPECT_EQ(site_.engine().AcceptLoss({}).status().code(), StatusCode::kBusy);
  EXPECT_FALSE(std::filesystem::exists(InDb("CURRENT")));
}

TEST_F(RemainsTest, AnOrderThatOnlyTheApplicationKnowsIsNotGuessed) {
  site_.options_.comparator_name = "example.Reverse";
  site_.Reset();
  Remove(Manifest());
  const auto before = FileSystem::Posix()->List(site_.db_dir()).value();
  const auto report = site_.engine().AcceptLoss({});
  EXPECT_EQ(report.status().code(), StatusCode::kUnsupported)
      << report.status().ToString();
  EXPECT_EQ(FileSystem::Posix()->List(site_.db_dir()).value(), before);
  const auto work = FileSystem::Posix()->List(
      WorkDirOf(site_.options_.storage_dir, site_.options_.db_name));
  EXPECT_EQ(work.value(), std::vector<std::string>{"instance.lock"});
}

}  // namespace
}  // namespace levelkeep
