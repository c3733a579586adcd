// The abilities of a folder, probed on disks that can do more and less.

#include "base/folder_probe.h"

#include <filesystem>
#include <string>

#include "gtest/gtest.h"
#include "support/fault_file_system.h"
#include "support/rclone_disk.h"
#include "support/simulated_disk.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using test::FaultFileSystem;

class FolderProbeTest : public ::testing::Test {
 protected:
  FolderProbeTest() { disk_.set_probes_counted(true); }
  FolderAbilities Probed(FileSystem* fs) {
    const auto abilities = ProbeFolder(fs, dir_.path());
    EXPECT_TRUE(abilities.ok()) << abilities.status().ToString();
    EXPECT_TRUE(std::filesystem::is_empty(dir_.path()))
        << "the probe left a file";
    return abilities.ok() ? *abilities : FolderAbilities();
  }

  test::TempDir dir_;
  FaultFileSystem disk_{FileSystem::Posix()};
};

TEST_F(FolderProbeTest, ALocalDiskCanDoAllOfIt) {
  const FolderAbilities can = Probed(FileSystem::Posix());
  EXPECT_TRUE(can.moves_folders.ok()) << can.moves_folders.ToString();
  EXPECT_TRUE(can.locks.ok()) << can.locks.ToString();
  EXPECT_TRUE(can.syncs_folders.ok()) << can.syncs_folders.ToString();
}

TEST_F(FolderProbeTest, FoldersMoveWithoutAnExchange) {
  disk_.set_plain_names(true);
  const FolderAbilities can = Probed(&disk_);
  EXPECT_TRUE(can.moves_folders.ok()) << can.moves_folders.ToString();
}

TEST_F(FolderProbeTest, TheSimulatedDiskIsAsked) {
  test::SimulatedDisk disk;
  ASSERT_TRUE(disk.file_system()->CreateDirectory("/a").ok());
  for (const bool plain : {false, true}) {
    disk.set_plain_names(plain);
    const auto can = ProbeFolder(disk.file_system(), "/a");
    ASSERT_TRUE(can.ok()) << can.status().ToString();
    EXPECT_TRUE(can->moves_folders.ok()) << can->moves_folders.ToString();
    EXPECT_TRUE(can->locks.ok());
    EXPECT_TRUE(disk.file_system()->List("/a")->empty());
  }
}

// A disk without the abilities that its members name.
class LackingDisk : public FaultFileSystem {
 public:
  LackingDisk() : FaultFileSystem(FileSystem::Posix()) {}

  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    if (no_locks)
      return Status(StatusCode::kUnsupported, "cannot lock " + path);
    if (false_locks) return std::unique_ptr<FileLock>(new FileLock);
    return FaultFileSystem::Lock(path);
  }

  // Like overlayfs with the folder in its lower layer.
  Status TryRename(const std::string& path, const std::string&) override {
    if (!lower_layer) return Status::Ok();
    return Status(StatusCode::kUnsupported, "cannot rename " + path);
  }

  bool lower_layer = false;
  bool no_locks = false;
  bool false_locks = false;
};

TEST_F(FolderProbeTest, EachLackIsTold) {
  test::RcloneDisk rclone;
  EXPECT_EQ(Probed(&rclone).moves_folders.code(), StatusCode::kIoError);
  LackingDisk unlocked;
  unlocked.no_locks = true;
  EXPECT_EQ(Probed(&unlocked).locks.code(), StatusCode::kUnsupported);
  LackingDisk lying;
  lying.false_locks = true;
  EXPECT_NE(Probed(&lying).locks.message().find("locked twice"),
            std::string::npos);
}

TEST_F(FolderProbeTest, WhatIsNeededIsRefusedWithTheReason) {
  test::RcloneDisk rclone;
  const auto storage = [&](FileSystem* fs) {
    return RequireFolder(fs, "STORAGE_DIR", dir_.Sub("s/x"),
                         {.moves_folders = true, .locks = true});
  };
  const Status refused = storage(&rclone);
  EXPECT_EQ(refused.code(), StatusCode::kUnsupported);
  EXPECT_NE(refused.message().find("STORAGE_DIR (" + dir_.Sub("s/x") +
                                   ") is on a file system where a folder "
                                   "can't be renamed with the files in it"),
            std::string::npos)
      << refused.ToString();
  EXPECT_NE(refused.message().find("cannot open "), std::string::npos);
  EXPECT_NE(refused.hint().find("local disk"), std::string::npos);
  EXPECT_TRUE(RequireFolder(&rclone, "BACKUP_DIR", dir_.path(), {}).ok());
  LackingDisk unlocked;
  EXPECT_TRUE(storage(&unlocked).ok());
  unlocked.no_locks = true;
  EXPECT_NE(storage(&unlocked).message().find("locks do not work"),
            std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path())) << "it made a file";
}

TEST_F(FolderProbeTest, AFolderThatStaysInItsLayerIsNamedWithTheWayOut) {
  LackingDisk overlay;
  overlay.lower_layer = true;
  const auto storage = [&](const std::string& renamed) {
    return RequireFolder(&overlay, "STORAGE_DIR", dir_.path(),
                         {.moves_folders = true, .renamed = renamed});
  };
  const Status refused = storage(dir_.Sub("db"));
  EXPECT_EQ(refused.code(), StatusCode::kUnsupported);
  EXPECT_NE(refused.message().find("cannot rename " + dir_.Sub("db")),
            std::string::npos)
      << refused.ToString();
  EXPECT_NE(refused.hint().find("cp -a " + dir_.Sub("db")), std::string::npos);
  EXPECT_TRUE(storage("").ok()) << "no folder has to be renamed";
}

// True on every file system: either it has no layers, or the folder is in the
// upper layer.
TEST_F(FolderProbeTest, TheRenameThatIsTriedIsNotDone) {
  const std::string db = dir_.Sub("db");
  std::filesystem::create_directory(db);
  test::WriteFile(db + "/CURRENT", "x");
  const auto abilities = ProbeFolder(FileSystem::Posix(), dir_.path(), db);
  ASSERT_TRUE(abilities.ok());
  EXPECT_TRUE(abilities->renames_that.ok());
  EXPECT_TRUE(std::filesystem::exists(db + "/CURRENT"));
}

TEST_F(FolderProbeTest, ThatTheDiskIsFullIsAnotherQuestion) {
  for (uint64_t n = 1; n <= 40; ++n) {
    disk_.Reset();
    disk_.FailOn(".probe", StatusCode::kNoSpace, n, FaultFileSystem::kAlways);
    const Status status = RequireFolder(&disk_, "STORAGE_DIR", dir_.path(),
                                        {.moves_folders = true, .locks = true});
    disk_.Reset();
    ASSERT_TRUE(status.ok()) << n << ": " << status.ToString();
    ASSERT_TRUE(RemoveTree(FileSystem::Posix(), dir_.path()).ok());
    ASSERT_TRUE(FileSystem::Posix()->CreateDirectory(dir_.path()).ok());
  }
}

TEST_F(FolderProbeTest, AFolderThatCanNotBeWrittenIsNamed) {
  disk_.FailOn("CreateDirectory ", StatusCode::kPermissionDenied, 1,
               FaultFileSystem::kAlways);
  const Status refused = RequireFolder(&disk_, "BACKUP_DIR", dir_.path(), {});
  EXPECT_EQ(refused.code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(refused.message().find("BACKUP_DIR (" + dir_.path() + ")"), 0u)
      << refused.message();
}

TEST_F(FolderProbeTest, WhoOnlyLooksLeavesNotEvenATime) {
  const auto mtime = [&] {
    return FileSystem::Posix()->Stat(dir_.path())->mtime_ns;
  };
  const int64_t before = mtime();
  ASSERT_TRUE(RequireFolder(FileSystem::Posix(), "STORAGE_DIR", dir_.path(),
                            {.moves_folders = true, .keeps_time = true})
                  .ok());
  EXPECT_EQ(mtime(), before);
  ASSERT_TRUE(
      RequireFolder(FileSystem::Posix(), "STORAGE_DIR", dir_.path(), {}).ok());
  EXPECT_NE(mtime(), before);
}

// An operation that fails only once, whichever it is, is tried again.
TEST_F(FolderProbeTest, OneFailureIsNoVerdict) {
  bool fired = true;
  for (uint64_t n = 1; fired; ++n) {
    disk_.Reset();
    disk_.FailAt(n);
    const Status status = RequireFolder(&disk_, "STORAGE_DIR", dir_.path(),
                                        {.moves_folders = true, .locks = true});
    fired = disk_.fired();
    EXPECT_TRUE(status.ok()) << disk_.last_operation() << status.ToString();
  }
}

TEST_F(FolderProbeTest, WhatACrashLeavesTheNextOneSweeps) {
  bool fired = true;
  for (uint64_t n = 1; fired; ++n) {
    disk_.Reset();
    disk_.CrashAt(n);
    (void)ProbeFolder(&disk_, dir_.path());
    fired = disk_.fired();
    disk_.Reset();
    for (const auto& left : std::filesystem::directory_iterator(dir_.path())) {
      EXPECT_TRUE(IsProbeName(left.path().filename().string()));
    }
    Probed(FileSystem::Posix());
  }
}

TEST_F(FolderProbeTest, ALivingOneAndOtherFoldersStay) {
  const std::string living = dir_.Sub(NewTemporaryName(kProbeSuffix));
  ASSERT_TRUE(FileSystem::Posix()->CreateDirectory(living).ok());
  const auto lock = FileSystem::Posix()->Lock(living + "/lock");
  ASSERT_TRUE(lock.ok());
  ASSERT_TRUE(FileSystem::Posix()->CreateDirectory(dir_.Sub("x.probe")).ok());
  ASSERT_TRUE(ProbeFolder(FileSystem::Posix(), dir_.path()).ok());
  EXPECT_EQ(FileSystem::Posix()->List(dir_.path())->size(), 2u);
  EXPECT_FALSE(IsProbeName("x.probe"));
  EXPECT_FALSE(IsTemporaryName(BaseName(living)));
}

}  // namespace
}  // namespace levelkeep
