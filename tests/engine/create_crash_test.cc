// Create and rotate, failed and killed at every operation on the disk.

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>

#include "base/file_system.h"
#include "base/hash.h"
#include "dbfiles/identity.h"
#include "engine/engine.h"
#include "engine/verify_named.h"
#include "restore/restorer.h"
#include "support/fault_file_system.h"
#include "support/leveldb_fixture.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using test::FaultFileSystem;
using test::TempDir;

class CreateCrashTest : public ::testing::Test {
 protected:
  CreateCrashTest() : fs_(FileSystem::Posix()) {
    options_.storage_dir = dir_.Sub("storage");
    options_.backup_dir = dir_.Sub("backups");
    options_.restore_dir = dir_.Sub("restore");
    options_.resources.threads = 1;
    options_.resources.reserve_bytes = 0;
    options_.retention.max_backups = 2;
    options_.archive.md5_sidecar = true;
    options_.verification.after_backup = false;
    std::filesystem::create_directories(options_.storage_dir);
    test::BuildDatabase(options_.storage_path(), 300);
    EXPECT_TRUE(
        WriteIdentity(FileSystem::Posix(), options_.storage_path(), identity_)
            .ok());
  }

  // Works like the manager, but with the offline snapshot.
  Result<BackupInfo> CreateAndRotate() {
    Engine engine(options_, {.fs = &fs_});
    auto lock = engine.LockForWriting();
    if (!lock.ok()) return lock.status();
    auto snapshot = TakeOfflineSnapshot(&fs_, options_.storage_path());
    if (!snapshot.ok()) return snapshot.status();
    BackupRequest request;
    request.trigger = "manual";
    request.database = identity_;
    auto made = engine.Write(**snapshot, request);
    if (!made.ok()) return made;
    rotated_ = engine.RemoveOld({made->name}).ok();
    return made;
  }

  // Expects that every archive under a backup's name is whole, and that there
  // are no other files. Returns the names.
  std::set<std::string> ExpectOnlyWholeBackups(const std::string& where) {
    FileSystem* const disk = FileSystem::Posix();
    Engine engine(options_, {.fs = disk});
    EXPECT_TRUE(engine.Sweep().ok()) << where;
    std::set<std::string> names;
    for (const std::string& name : *disk->List(options_.backup_dir)) {
      if (name == ".levelkeep" || name.ends_with(".sha256") ||
          name.ends_with(".md5")) {
        continue;
      }
      EXPECT_TRUE(ParseBackupName(name)) << name << " after " << where;
      const auto report =
          test::VerifyNamed(&engine, name, VerifyDepth::kChecksums);
      EXPECT_TRUE(report.ok()) << where << ": " << report.status().ToString();
      names.insert(name);
    }
    return names;
  }

  TempDir dir_;
  BackupOptions options_;
  const DatabaseIdentity identity_ = {std::string(32, 'a'),
                                      std::string(32, 'b'), ""};
  FaultFileSystem fs_;
  bool rotated_ = false;
};

TEST_F(CreateCrashTest, AnyFailedCallLeavesTheOldOrTheNewBackups) {
  const StatusCode kCodes[] = {StatusCode::kIoError, StatusCode::kNoSpace};
  for (const StatusCode code : kCodes) {
    bool more = true;
    for (uint64_t n = 1; more; ++n) {
      ASSERT_LT(n, 1000u);
      const auto before = ExpectOnlyWholeBackups("start");
      fs_.Reset();
      fs_.FailAt(n, code);
      rotated_ = false;
      const auto made = CreateAndRotate();
      more = fs_.fired();
      const std::string where = fs_.last_operation();
      fs_.Reset();
      const auto after = ExpectOnlyWholeBackups(where);
      if (made.ok()) {
        EXPECT_EQ(1u, after.count(made->name)) << where;
        if (rotated_) {
          EXPECT_LE(after.size(), 2u) << where;
        }
      } else {
        EXPECT_TRUE(more);
        // A failed backup leaves no file and rotates nothing.
        EXPECT_EQ(before, after) << where;
      }
    }
  }
}

TEST_F(CreateCrashTest, AnyCrashLeavesOnlyWholeBackupsAndLosesNone) {
  ASSERT_TRUE(CreateAndRotate().ok());
  bool more = true;
  for (uint64_t n = 1; more; ++n) {
    ASSERT_LT(n, 1000u);
    const auto before = ExpectOnlyWholeBackups("start");
    fs_.Reset();
    fs_.CrashAt(n);
    const auto made = CreateAndRotate();
    more = fs_.fired();
    const std::string where = fs_.last_operation();
    fs_.Reset();
    const auto after = ExpectOnlyWholeBackups(where);
    EXPECT_FALSE(after.empty()) << where;
    if (made.ok()) {
      EXPECT_EQ(1u, after.count(made->name)) << where;
    } else {
      // Old backups are removed only after the new one was acknowledged.
      for (const std::string& name : before) {
        EXPECT_EQ(1u, after.count(name)) << name << " after " << where;
      }
    }
  }
}

TEST_F(CreateCrashTest, ArchiveThatDoesNotReadBackIsNotPublished) {
  // Another program changes the part between the write and the read-back.
  fs_.set_observer([&](const std::string& operation) {
    if (!operation.starts_with("Sync ") ||
        operation.find(".part") == std::string::npos) {
      return;
    }
    for (const std::string& name :
         *FileSystem::Posix()->List(options_.backup_dir)) {
      if (!name.ends_with(".part")) continue;
      auto file = FileSystem::Posix()->Open(options_.backup_dir + "/" + name,
                                            OpenMode::kReadWrite);
      ASSERT_TRUE(file.ok());
      ASSERT_TRUE((*file)->WriteAt(100, "x").ok());
    }
  });
  const auto made = CreateAndRotate();
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(StatusCode::kCorruption, made.status().code());
  EXPECT_TRUE(ExpectOnlyWholeBackups("read-back").empty());
}

TEST_F(CreateCrashTest, SecondProcessAtWorkIsNamed) {
  Engine first(options_, {.fs = &fs_});
  Engine second(options_, {.fs = &fs_});
  auto lock = first.LockForWriting();
  ASSERT_TRUE(lock.ok());
  const auto other = second.LockForWriting();
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(StatusCode::kBusy, other.status().code());
  EXPECT_NE(std::string::npos, other.status().message().find("pid"))
      << other.status().ToString();
  // A part that a live process writes is not swept.
  const std::string part =
      options_.backup_dir + "/.levelkeep-" + RandomId() + ".part";
  test::WriteFile(part, "half");
  auto writing = FileSystem::Posix()->Lock(part);
  ASSERT_TRUE(writing.ok());
  EXPECT_TRUE(second.Sweep()->empty());
  writing->reset();
  EXPECT_EQ(1u, second.Sweep()->size());
  // Version 0.1.0 locks the folder instead.
  test::WriteFile(part, "half");
  auto old_version = FileSystem::Posix()->Lock(options_.backup_dir +
                                               "/.levelkeep/create.lock");
  ASSERT_TRUE(old_version.ok());
  EXPECT_TRUE(second.Sweep()->empty());
  old_version->reset();
  EXPECT_EQ(1u, second.Sweep()->size());
}

}  // namespace
}  // namespace levelkeep
