// A program that works from outside: no application has the database open.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "dbfiles/db_lock.h"
#include "engine/engine.h"
#include "support/leveldb_fixture.h"
#include "support/rclone_disk.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using test::TempDir;

class OfflineTest : public ::testing::Test {
 protected:
  OfflineTest() {
    options_.storage_dir = dir_.Sub("storage");
    options_.backup_dir = dir_.Sub("backups");
    options_.restore_dir = dir_.Sub("restore");
    options_.resources.reserve_bytes = 0;
    std::filesystem::create_directories(options_.storage_dir);
    test::BuildDatabase(options_.storage_path(), 100);
  }
  // An engine as in another process.
  Engine Outside() { return Engine(options_, {}); }
  Result<RestoreReport> Restore(const std::string& source) {
    Engine engine = Outside();
    const auto backup = engine.Locate(source);
    if (!backup.ok()) return backup.status();
    return engine.Restore(*backup, {});
  }
  Result<RestorePreview> Preview(const std::string& source) {
    Engine engine = Outside();
    const auto backup = engine.Locate(source);
    if (!backup.ok()) return backup.status();
    const Status would = engine.RehearseRestore(*backup, {});
    if (!would.ok()) return would;
    return engine.Preview(*backup);
  }
  Result<RestoreReport> Extract(const std::string& name,
                                const std::string& target) {
    Engine engine = Outside();
    return engine.Extract(*engine.Find(name), target, {});
  }
  Result<InspectReport> Inspect(const std::string& source) {
    Engine engine = Outside();
    return engine.Inspect(*engine.Locate(source), {});
  }
  BackupInfo Create() {
    Database database(options_, {});
    auto made = Engine(options_, {}, &database).Create({.trigger = "cli"});
    way_ = database.way();
    EXPECT_TRUE(made.ok()) << made.status().ToString();
    return made.ok() ? *made : BackupInfo();
  }
  void AddEvents(uint64_t first, uint64_t count) {
    test::BuildOptions build;
    build.first_event = first;
    test::BuildDatabase(options_.storage_path(), count, build);
  }

  TempDir dir_;
  BackupOptions options_;
  std::string way_;
};

TEST_F(OfflineTest, CreatesOfflineAndSaysSo) {
  const BackupInfo made = Create();
  EXPECT_EQ("database is closed: offline snapshot", way_);
  EXPECT_EQ(SnapshotMethod::kOffline, made.snapshot_method);
  EXPECT_EQ(100u, made.last_sequence);
}

TEST_F(OfflineTest, AnApplicationCanStartWhileTheBackupIsWritten) {
  int calls = 0;
  BackupRequest request;
  request.trigger = "cli";
  request.work.progress = [&](double) {
    if (calls++ == 0) AddEvents(101, 50);  // ends the test if LOCK is held
  };
  Database database(options_, {});
  const auto made = Engine(options_, {}, &database).Create(request);
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  EXPECT_GT(calls, 0);
  EXPECT_EQ(SnapshotMethod::kOffline, made->snapshot_method);
  EXPECT_EQ("", test::CheckDatabase(options_.storage_path(), 150));
  ASSERT_TRUE(Extract(made->name, dir_.Sub("copy")).ok());
  EXPECT_EQ("", test::CheckDatabase(dir_.Sub("copy"), 100));
}

TEST_F(OfflineTest, MissingDatabaseIsNamed) {
  options_.db_name = "other";
  const auto made = Outside().Create({.trigger = "cli"});
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(StatusCode::kNotFound, made.status().code());
  EXPECT_NE(std::string::npos, made.status().message().find("storage/other"));
}

TEST_F(OfflineTest, RestoresByNameLatestAndPathAndUndoes) {
  const BackupInfo made = Create();
  const std::string sources[] = {made.name, "latest", made.path};
  for (const std::string& source : sources) {
    AddEvents(101, 50);
    ASSERT_EQ("", test::CheckDatabase(options_.storage_path(), 150));
    const auto preview = Preview(source);
    ASSERT_TRUE(preview.ok()) << preview.status().ToString();
    EXPECT_EQ(100u, preview->backup_sequence);
    const auto restored = Restore(source);
    ASSERT_TRUE(restored.ok()) << restored.status().ToString();
    EXPECT_EQ("", test::CheckDatabase(options_.storage_path(), 100));
  }
  const auto undone = Outside().Undo(UndoScope::kLast);
  ASSERT_TRUE(undone.ok()) << undone.status().ToString();
  EXPECT_EQ("", test::CheckDatabase(options_.storage_path(), 150));
}

TEST_F(OfflineTest, ADryRunIsRefusedWhereTheRestoreIsAndLeavesNothing) {
  const BackupInfo made = Create();
  const auto left = [&] {
    std::vector<std::string> names;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(dir_.path())) {
      names.push_back(entry.path());
    }
    std::sort(names.begin(), names.end());
    return names;
  };
  const auto before = left();
  test::RcloneDisk rclone;
  Engine engine(options_, {.fs = &rclone});
  const auto backup = engine.Find(made.name);
  EXPECT_EQ(engine.RehearseRestore(*backup, {}).code(),
            StatusCode::kUnsupported);
  EXPECT_EQ(engine.Restore(*backup, {}).status().code(),
            StatusCode::kUnsupported);
  EXPECT_TRUE(Preview(made.name).ok());
  EXPECT_EQ(left(), before);
  // Also if STORAGE_DIR does not exist yet.
  options_.storage_dir = dir_.Sub("new/storage");
  EXPECT_TRUE(Preview(made.name).ok());
  EXPECT_EQ(left(), before);
}

TEST_F(OfflineTest, TheBeginningOfANameIsForWhoeverSaysSo) {
  const BackupInfo made = Create();
  const std::string beginning = made.name.substr(0, 14);
  const Status refused = Outside().Find(beginning).status();
  EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(refused.hint(), "give the whole name, e.g. " + made.name);
  EXPECT_EQ(Restore(beginning).status().ToString(), refused.ToString());
  const auto found = Outside().Locate(beginning, NameMatch::kBeginning);
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_EQ(found->name, made.name);
  EXPECT_FALSE(Outside().Find("", NameMatch::kBeginning).ok());
}

TEST_F(OfflineTest, AmbiguousAndUnknownNamesAreRefused) {
  Create();
  Create();
  EXPECT_EQ(Outside().Find("backup_", NameMatch::kBeginning).status().message(),
            "'backup_' matches 2 backups");
  EXPECT_EQ(StatusCode::kInvalidArgument,
            Outside().Find("backup_").status().code());
  EXPECT_EQ(StatusCode::kNotFound,
            Outside().Find("backup_2001-01-01_000000.tar.gz").status().code());
  EXPECT_EQ(StatusCode::kInvalidArgument, Outside().Find("..").status().code());
}

TEST_F(OfflineTest, HeldDatabaseIsNotRestored) {
  const BackupInfo made = Create();
  auto held = DbLock::Acquire(FileSystem::Posix(), options_.storage_path());
  ASSERT_TRUE(held.ok());
  const auto restored = Restore(made.name);
  ASSERT_FALSE(restored.ok());
  EXPECT_EQ(StatusCode::kBusy, restored.status().code());
}

TEST_F(OfflineTest, ArchiveThatIsNotItsSidecarsIsNotRestored) {
  const BackupInfo made = Create();
  test::WriteFile(made.path + ".sha256",
                  std::string(64, '0') + "  " + made.name + "\n");
  const auto restored = Restore(made.name);
  ASSERT_FALSE(restored.ok());
  EXPECT_EQ(StatusCode::kCorruption, restored.status().code());
  EXPECT_EQ("", test::CheckDatabase(options_.storage_path(), 100));
}

TEST_F(OfflineTest, ExtractsElsewhereWithoutTouchingTheDatabase) {
  const BackupInfo made = Create();
  AddEvents(101, 10);
  const std::string target = dir_.Sub("elsewhere");
  const auto report = Extract(made.name, target);
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_FALSE(report->applied);
  EXPECT_EQ("", test::CheckDatabase(target, 100));
  EXPECT_EQ("", test::CheckDatabase(options_.storage_path(), 110));
  EXPECT_FALSE(Extract(made.name, target).ok());
}

TEST_F(OfflineTest, InspectsOwnAndForeignArchives) {
  const BackupInfo made = Create();
  const auto own = Inspect(made.name);
  ASSERT_TRUE(own.ok());
  EXPECT_TRUE(own->own);
  EXPECT_EQ(100u, own->manifest->last_sequence);
  const std::string foreign = dir_.Sub("foreign.tar.gz");
  ASSERT_EQ(0, test::Shell("tar -C " + options_.storage_dir + " -czf " +
                           foreign + " " + options_.db_name));
  const auto other = Inspect(foreign);
  ASSERT_TRUE(other.ok()) << other.status().ToString();
  EXPECT_FALSE(other->own);
  EXPECT_FALSE(other->files.empty());
}

// Regression: the manifest of the next backup named an empty digest, and no
// reader accepted that backup.
TEST_F(OfflineTest, BackupAfterOneWithoutSidecarIsReadable) {
  const BackupInfo first = Create();
  const std::string sha256 = first.sha256;
  ASSERT_TRUE(FileSystem::Posix()->RemoveFile(first.path + ".sha256").ok());
  const BackupInfo second = Create();
  EXPECT_EQ(BackupStatus::kUnverified, second.status) << second.problem;
  const auto inspected = Inspect(second.name);
  ASSERT_TRUE(inspected.ok()) << inspected.status().ToString();
  EXPECT_EQ(first.name, inspected->manifest->previous_name);
  EXPECT_EQ(sha256, inspected->manifest->previous_sha256);
}

TEST_F(OfflineTest, RotatesByTheRules) {
  options_.retention.max_backups = 10;
  for (int i = 0; i < 4; ++i) Create();
  options_.retention.max_backups = 2;
  const auto plan = Outside().PlanRotation();
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(4u, Outside().List()->size());
  ASSERT_TRUE(Outside().Rotate().ok());
  EXPECT_EQ(2u, Outside().List()->size());
}

TEST_F(OfflineTest, VerificationNeedsNoStorage) {
  Create();
  Create();
  ASSERT_TRUE(RemoveTree(FileSystem::Posix(), options_.storage_dir).ok());
  Engine engine = Outside();
  const auto pending = engine.PendingVerification();
  ASSERT_TRUE(pending.ok());
  ASSERT_EQ(2u, pending->size());
  for (const std::string& name : *pending) {
    const auto report =
        engine.Verify(*engine.Find(name), VerifyDepth::kFull, {});
    ASSERT_TRUE(report.ok()) << report.status().ToString();
    EXPECT_EQ(100u, report->entries);
  }
  EXPECT_TRUE(engine.PendingVerification()->empty());
  EXPECT_FALSE(PathExists(FileSystem::Posix(), options_.storage_dir));
}

}  // namespace
}  // namespace levelkeep
