// Drills: what they prove, what they record, and that nothing of them stays.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/scratch_directory.h"
#include "catalog/drill_records.h"
#include "engine/engine.h"
#include "engine/verify_named.h"
#include "support/fault_file_system.h"
#include "support/leveldb_fixture.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

constexpr uint64_t kDrillEvents = 500;

class DrillTest : public ::testing::Test {
 protected:
  DrillTest() {
    options_.storage_dir = dir_.Sub("storage");
    options_.backup_dir = dir_.Sub("backups");
    options_.restore_dir = dir_.Sub("restore");
    options_.resources.reserve_bytes = 0;
    options_.resources.threads = 1;
    std::filesystem::create_directories(options_.storage_dir);
    test::BuildDatabase(options_.storage_path(), kDrillEvents);
    name_ = Create();
  }

  std::string Create() {
    Engine engine(options_, {});
    const auto made = engine.Create({});
    EXPECT_TRUE(made.ok()) << made.status().ToString();
    return made.ok() ? made->name : "";
  }
  Result<DrillReport> Drill(const Platform& platform = {},
                            const Work& work = {}) {
    Engine engine(options_, platform);
    const auto backup = engine.Find(name_);
    if (!backup.ok()) return backup.status();
    return engine.Drill(*backup, work);
  }
  std::vector<DrillReport> Recorded() {
    Engine engine(options_, {});
    const auto id = ReadIdentity(FileSystem::Posix(), options_.storage_path());
    DrillRecords records(FileSystem::Posix(),
                         ParentPath(engine.JobsFolder(id->id)));
    const auto drills = records.Load();
    EXPECT_TRUE(drills.ok()) << drills.status().ToString();
    return drills.ok() ? *drills : std::vector<DrillReport>();
  }
  BackupInfo Listed() {
    Engine engine(options_, {});
    const auto backup = engine.Find(name_);
    EXPECT_TRUE(backup.ok()) << backup.status().ToString();
    return backup.ok() ? ToBackupInfo(*backup) : BackupInfo();
  }
  // Every path below the test's folder.
  std::set<std::string> Tree() const {
    std::set<std::string> paths;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(dir_.path())) {
      paths.insert(entry.path());
    }
    return paths;
  }
  // The paths that are new since `before`, without the records of verdict and
  // drill, the marks of readers, and the folder of the record of archives that
  // are known.
  std::vector<std::string> LeftSince(const std::set<std::string>& before) {
    std::vector<std::string> left;
    for (const std::string& path : Tree()) {
      const bool record =
          path.ends_with("/drills") || path.ends_with("/scanned") ||
          path == WorkFolder() || path.ends_with("/verify.lock") ||
          path.ends_with("/state.lock") ||
          path.find("/in-use") != std::string::npos || path.ends_with(".json");
      if (!before.contains(path) && !record) left.push_back(path);
    }
    return left;
  }
  std::string WorkFolder() const {
    return WorkDirOf(options_.storage_dir, options_.db_name);
  }
  std::string ArchivePath() const { return options_.backup_dir + "/" + name_; }
  void Damage() {
    std::string content = test::ReadFile(ArchivePath());
    content[content.size() / 3] =
        static_cast<char>(content[content.size() / 3] ^ 1);
    test::WriteFile(ArchivePath(), content);
  }
  void UseScript(const std::string& script) {
    options_.verification.check_program = dir_.Sub("script");
    test::WriteFile(options_.verification.check_program,
                    "#!/bin/sh\n" + script + "\n");
    std::filesystem::permissions(options_.verification.check_program,
                                 std::filesystem::perms::owner_all);
  }

  test::TempDir dir_;
  BackupOptions options_;
  std::string name_;
};

TEST_F(DrillTest, ProvesARestoreAndLeavesNothing) {
  const auto before = Tree();
  const auto report = Drill();
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(report->name, name_);
  EXPECT_TRUE(report->ok);
  EXPECT_GE(report->entries, kDrillEvents);
  EXPECT_EQ(report->last_sequence, Listed().last_sequence);
  EXPECT_EQ(report->bytes, Listed().source_bytes);
  EXPECT_GE(report->seconds, 0);
  EXPECT_FALSE(report->limited);
  EXPECT_TRUE(report->not_compared.empty());
  EXPECT_EQ(LeftSince(before), std::vector<std::string>());
  EXPECT_EQ(Listed().status, BackupStatus::kVerified)
      << "a drill checks what a full verification checks";
  const auto drills = Recorded();
  ASSERT_EQ(drills.size(), 1u);
  EXPECT_EQ(drills[0].entries, report->entries);
  EXPECT_EQ(drills[0].seconds, report->seconds);
}

TEST_F(DrillTest, WritesWhereARestoreWould) {
  std::set<std::string> seen;
  test::FaultFileSystem fs(FileSystem::Posix());
  fs.set_observer([&](const std::string& operation) {
    if (operation.find("/database/") != std::string::npos) {
      seen.insert(operation);
    }
  });
  const auto all_in = [&](const std::string& folder) {
    return !seen.empty() && std::ranges::all_of(seen, [&](const auto& one) {
      return one.find(folder + "/") != std::string::npos &&
             one.find("/scratch-drill-") != std::string::npos;
    });
  };
  ASSERT_TRUE(Drill({.fs = &fs}).ok());
  EXPECT_TRUE(all_in(WorkFolder())) << *seen.begin();
  seen.clear();
  ASSERT_TRUE(Drill({.fs = &fs, .has_storage = false}).ok());
  EXPECT_TRUE(all_in(options_.backup_dir + "/.levelkeep")) << *seen.begin();
  // A machine that has only the backups.
  options_.storage_dir = dir_.Sub("nowhere");
  seen.clear();
  ASSERT_TRUE(Drill({.fs = &fs}).ok());
  EXPECT_TRUE(all_in(options_.backup_dir + "/.levelkeep")) << *seen.begin();
  EXPECT_FALSE(std::filesystem::exists(options_.storage_dir));
}

TEST_F(DrillTest, DamageIsAVerdict) {
  Damage();
  const auto before = Tree();
  ASSERT_FALSE(before.contains(WorkFolder()));
  const Status status = Drill().status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption) << status.ToString();
  EXPECT_EQ(Listed().status, BackupStatus::kDamaged);
  EXPECT_EQ(LeftSince(before), std::vector<std::string>());
  EXPECT_FALSE(Tree().contains(WorkFolder())) << "it was made for the drill";
  ASSERT_EQ(Recorded().size(), 1u);
  EXPECT_FALSE(Recorded()[0].ok);
  EXPECT_TRUE(Recorded()[0].damaged);
  EXPECT_FALSE(Recorded()[0].problem.empty());
}

// Another archive than the sidecar describes.
TEST_F(DrillTest, TheSidecarIsCompared) {
  const std::string first = name_;
  test::BuildOptions build;
  build.first_event = kDrillEvents + 1;
  test::BuildDatabase(options_.storage_path(), 10, build);
  const std::string second = Create();
  std::filesystem::copy_file(options_.backup_dir + "/" + second,
                             options_.backup_dir + "/" + first,
                             std::filesystem::copy_options::overwrite_existing);
  const Status status = Drill().status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption) << status.ToString();
  EXPECT_NE(status.message().find("SHA-256"), std::string::npos)
      << status.message();
}

TEST_F(DrillTest, TooLittleSpaceIsNoFaultOfTheBackup) {
  options_.resources.reserve_bytes = uint64_t{1} << 60;
  test::FaultFileSystem fs(FileSystem::Posix());
  bool wrote = false;
  fs.set_observer([&](const std::string& operation) {
    if (operation.find("scratch-") != std::string::npos) wrote = true;
  });
  const Status status = Drill({.fs = &fs}).status();
  EXPECT_EQ(status.code(), StatusCode::kNoSpace);
  EXPECT_TRUE(status.message().starts_with(
      name_ + ": not checked: the database needs "))
      << status.message();
  EXPECT_FALSE(wrote) << "the space is checked first";
  EXPECT_EQ(Listed().status, BackupStatus::kUnverified);
  EXPECT_EQ(Listed().problem, "");
  ASSERT_EQ(Recorded().size(), 1u);
  EXPECT_FALSE(Recorded()[0].ok);
  EXPECT_FALSE(Recorded()[0].damaged);
}

TEST_F(DrillTest, WhatCouldNotBeCheckedIsNotDamaged) {
  const auto before = Tree();
  for (const char* script : {"kill -TERM $$", "exit 2"}) {
    UseScript(script);
    EXPECT_EQ(Drill().status().code(), StatusCode::kNotChecked) << script;
    EXPECT_FALSE(Recorded()[0].damaged) << script;
  }
  options_.verification.check_program = dir_.Sub("missing");
  EXPECT_EQ(Drill().status().code(), StatusCode::kNotChecked);
  EXPECT_EQ(Listed().status, BackupStatus::kUnverified);
  EXPECT_EQ(Listed().problem, "");
  EXPECT_EQ(Recorded().size(), 3u);
  std::filesystem::remove(dir_.Sub("script"));
  EXPECT_EQ(LeftSince(before), std::vector<std::string>());
}

// A backup that was verified before is read anew.
TEST_F(DrillTest, AKnownBackupIsReadAnew) {
  ASSERT_TRUE(Drill().ok());
  UseScript("kill -SEGV $$");
  EXPECT_EQ(Drill().status().code(), StatusCode::kCorruption);
  EXPECT_EQ(Listed().status, BackupStatus::kDamaged);
}

TEST_F(DrillTest, BusyAndStoppedDrillsAreNotRecorded) {
  Engine engine(options_, {});
  const auto before = Tree();
  {
    const auto lock = FileSystem::Posix()->Lock(JoinPath(
        ParentPath(engine.JobsFolder(*engine.Find(name_))), "verify.lock"));
    ASSERT_TRUE(lock.ok()) << lock.status().ToString();
    EXPECT_EQ(Drill().status().code(), StatusCode::kBusy);
  }
  std::stop_source stop;
  stop.request_stop();
  Work stopped;
  stopped.stop = stop.get_token();
  EXPECT_EQ(Drill({}, stopped).status().code(), StatusCode::kCancelled);
  EXPECT_TRUE(Recorded().empty());
  EXPECT_EQ(LeftSince(before), std::vector<std::string>());
  EXPECT_EQ(Listed().status, BackupStatus::kUnverified);
}

TEST_F(DrillTest, LeftOversOfKilledDrillsGo) {
  const std::string dead = WorkFolder() + "/scratch-drill-dead";
  std::filesystem::create_directories(dead + "/database");
  test::WriteFile(dead + "/database/000005.ldb", "x");
  test::WriteFile(dead + "/owner.lock", "");
  const auto alive = ScratchDirectory::Make(
      FileSystem::Posix(), WorkFolder() + "/scratch-drill-alive");
  ASSERT_TRUE(alive.ok()) << alive.status().ToString();
  ASSERT_TRUE(Drill().ok());
  EXPECT_FALSE(std::filesystem::exists(dead));
  EXPECT_TRUE(std::filesystem::exists((*alive)->path()));
  // A start removes them as well.
  std::filesystem::create_directories(dead + "/database");
  Engine engine(options_, {});
  ASSERT_TRUE(engine.OpenRestorer()->Prepare().ok());
  const auto recovered = engine.restorer()->Recover();
  ASSERT_TRUE(recovered.ok()) << recovered.status().ToString();
  EXPECT_EQ(recovered->swept, std::vector<std::string>{dead});
  EXPECT_TRUE(std::filesystem::exists((*alive)->path()));
}

// Rotation says that the backup is in use.
TEST_F(DrillTest, RotationLeavesTheBackup) {
  const std::string first = name_;
  Create();
  std::vector<RotationDecision> decisions;
  options_.retention.max_backups = 1;
  Engine other(options_, {});
  Platform platform;
  platform.store_checker = [&](const std::string&, const std::string&,
                               std::stop_token) -> Result<StoreCheck> {
    auto plan = other.PlanRotation();
    if (!plan.ok()) return plan.status();
    decisions = plan->decisions;
    StoreCheck check;
    check.last_sequence = Listed().last_sequence;
    return check;
  };
  EXPECT_TRUE(Drill(platform).ok());
  const auto found =
      std::ranges::find(decisions, first, &RotationDecision::name);
  ASSERT_NE(found, decisions.end());
  EXPECT_TRUE(found->keep);
  EXPECT_EQ(found->reason, "in use") << found->reason;
}

// The verdict would be about another archive.
TEST_F(DrillTest, AnArchiveThatIsReplacedMeanwhileGetsNoVerdict) {
  const std::string first = name_;
  const std::string second = Create();
  Platform platform;
  platform.store_checker = [&](const std::string&, const std::string&,
                               std::stop_token) -> Result<StoreCheck> {
    std::filesystem::rename(options_.backup_dir + "/" + second,
                            options_.backup_dir + "/" + first);
    StoreCheck check;
    check.last_sequence = kDrillEvents;
    return check;
  };
  EXPECT_EQ(Drill(platform).status().code(), StatusCode::kBusy);
  EXPECT_TRUE(Recorded().empty());
  EXPECT_EQ(Listed().status, BackupStatus::kUnverified);
}

TEST_F(DrillTest, AForeignArchiveSaysWhatCouldNotBeCompared) {
  name_ = "backup_2030-01-01_000000.tar.gz";
  ASSERT_EQ(0, test::Shell("tar czf " + ArchivePath() + " -C " +
                           options_.storage_dir + " " + options_.db_name));
  const auto report = Drill();
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_GE(report->entries, kDrillEvents);
  ASSERT_EQ(report->not_compared.size(), 1u);
  EXPECT_NE(report->not_compared[0].find("has no manifest"), std::string::npos);
  ASSERT_EQ(Recorded().size(), 1u) << "beside the records of this database";
}

TEST_F(DrillTest, TheRateLimitHolds) {
  const auto size = std::filesystem::file_size(ArchivePath());
  options_.resources.rate_limit_bytes_per_second = 4 * size;
  const auto begun = std::chrono::steady_clock::now();
  const auto report = Drill();
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_TRUE(report->limited);
  EXPECT_GE(std::chrono::steady_clock::now() - begun,
            std::chrono::milliseconds(100));
}

// Whatever operation on the disk fails, nothing of the drill stays but what
// could not be removed, and that goes with the next one.
TEST_F(DrillTest, EachOperationMayFail) {
  test::FaultFileSystem fs(FileSystem::Posix());
  const auto before = Tree();
  bool fired = true;
  for (uint64_t n = 1; fired; ++n) {
    fs.Reset();
    fs.FailAt(n);
    const auto report = Drill({.fs = &fs});
    fired = fs.fired();
    EXPECT_TRUE(fired || report.ok()) << report.status().ToString();
    EXPECT_NE(report.status().code(), StatusCode::kCorruption)
        << fs.last_operation();
    ASSERT_NE(Listed().status, BackupStatus::kDamaged) << fs.last_operation();
    const bool removal = fs.last_operation().starts_with("Remove");
    if (!removal) {
      EXPECT_EQ(LeftSince(before), std::vector<std::string>())
          << fs.last_operation();
    }
    fs.Reset();
    ASSERT_TRUE(Drill({.fs = &fs}).ok()) << "after " << n;
    ASSERT_EQ(LeftSince(before), std::vector<std::string>()) << "after " << n;
  }
}

}  // namespace
}  // namespace levelkeep
