// What SnapshotEnv knows about a directory, and how it treats unusual ones.

#include "snapshot/hot_database.h"

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "base/file_system.h"
#include "snapshot/hot_fixture.h"
#include "support/fault_file_system.h"
#include "support/other_process.h"

namespace levelkeep::test {
namespace {

using HotDatabaseTest = HotSnapshotFixture;

// Pitfall P1: LevelDB, opening a copy with unreferenced tables, may truncate
// these, and with them the live tables that share their inodes.
TEST_F(HotDatabaseTest, UnreferencedTablesAreNotInASnapshot) {
  BuildDatabase(dir_, 2000);
  WriteFile(dir_ + "/000900.ldb", "left by a crash");
  WriteFile(dir_ + "/000901.sst", "left by a crash");
  WriteFile(dir_ + "/BACKUP_ID", "0123");
  leveldb::FileLock* lock = nullptr;
  ASSERT_TRUE(env_.LockFile(dir_ + "/LOCK", &lock).ok());
  {
    const auto snapshot = env_.Take(dir_);
    ASSERT_TRUE(snapshot.ok());
    for (const SnapshotFile& file : (*snapshot)->info().files) {
      EXPECT_LT(ParseDbFileName(file.name).number, 900u) << file.name;
      EXPECT_NE(file.kind, DbFileKind::kUnknown);
    }
  }
  ASSERT_TRUE(env_.UnlockFile(lock).ok());
}

// Pitfall P6: RepairDB takes every table that it finds. A removed table that
// kept its name would bring deleted keys back.
TEST_F(HotDatabaseTest, FilesOfADeadProcessAreInvisibleToRepairAndSweptAtOpen) {
  OtherProcess other({"pin-and-die", dir_, "4000"});
  ASSERT_EQ(other.Finish(), 0);
  const auto count = [this] {
    size_t pinned = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
      pinned += entry.path().string().find(".pin") != std::string::npos;
    }
    return pinned;
  };
  EXPECT_GT(count(), 0u);
  ASSERT_TRUE(leveldb::RepairDB(dir_, leveldb::Options()).ok());
  EXPECT_GT(count(), 0u);
  Open();
  EXPECT_EQ(count(), 0u);
  db_.reset();
  EXPECT_EQ(CheckDatabase(dir_, 3999), "");
}

TEST_F(HotDatabaseTest, RepairThroughTheEnvWorks) {
  BuildDatabase(dir_, 3000);
  leveldb::Options options;
  options.env = &env_;
  ASSERT_TRUE(leveldb::RepairDB(dir_, options).ok());
  Open();
  const auto snapshot = env_.Take(dir_);
  ASSERT_TRUE(snapshot.ok());
  EXPECT_EQ((*snapshot)->info().last_sequence, 3000u);
}

// Pitfall P7: a file moves aside between the look-up and the open.
TEST_F(HotDatabaseTest, OpeningAPinnedFileFollowsIt) {
  BuildDatabase(dir_, 3000);
  FaultFileSystem fs(FileSystem::Posix(), FaultFileSystem::Count::kAll);
  HotDatabase database(&fs);
  database.Attach(dir_);
  const auto cut = database.Cut();
  ASSERT_TRUE(cut.ok()) << cut.status().ToString();
  ASSERT_FALSE(cut->pin->version->tables().empty());
  for (const auto& [number, table] : cut->pin->version->tables()) {
    const std::string name = TableFileName(number);
    bool moved = false;
    fs.set_observer([&](const std::string& operation) {
      if (moved || operation.find(name) == std::string::npos) return;
      moved = true;
      const auto kept = database.BeforeRemove(dir_ + "/" + name, name);
      EXPECT_TRUE(kept.ok() && *kept);
    });
    const auto file = database.OpenPinned(*cut->pin, name);
    ASSERT_TRUE(file.ok()) << file.status().ToString();
    EXPECT_TRUE(moved);
    fs.set_observer(nullptr);
    const auto info = database.StatPinned(*cut->pin, name);
    ASSERT_TRUE(info.ok());
    EXPECT_EQ(info->size_bytes, table.size_bytes);
    EXPECT_NE(database.PathOf(*cut->pin, name).find(".pin"), std::string::npos);
  }
  EXPECT_EQ(database.OpenPinned(*cut->pin, "000999.ldb").status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(database.StatPinned(*cut->pin, "000999.ldb").status().code(),
            StatusCode::kNotFound);
  database.Release(cut->pin);
}

TEST_F(HotDatabaseTest, AFileThatCannotBeMovedAsideStaysWhereItIs) {
  BuildDatabase(dir_, 3000);
  FaultFileSystem fs(FileSystem::Posix());
  HotDatabase database(&fs);
  database.Attach(dir_);
  const auto cut = database.Cut();
  ASSERT_TRUE(cut.ok());
  const std::string name =
      TableFileName(cut->pin->version->tables().begin()->first);
  const std::string path = dir_ + "/" + name;
  const uint64_t size = std::filesystem::file_size(path);
  fs.Reset();
  fs.FailAt(1);
  EXPECT_FALSE(database.BeforeRemove(path, name).ok());
  fs.Reset();
  fs.FailAt(1);
  EXPECT_FALSE(database.BeforeReplace(path, name).ok());
  fs.Reset();
  fs.FailAt(1);
  EXPECT_FALSE(database.BeforeReplace(path, name, /*keep_name=*/true).ok());
  fs.Reset();
  EXPECT_EQ(std::filesystem::file_size(path), size);
  EXPECT_EQ(database.PathOf(*cut->pin, name), path);
  database.Release(cut->pin);
}

// The races of P7 for real: readers open files that a compaction removes.
TEST_F(HotDatabaseTest, ReadersAndCompactionsRunAtTheSameTime) {
  leveldb::Options options;
  options.env = &env_;
  options.create_if_missing = true;
  options.write_buffer_size = 64 << 10;
  leveldb::DB* db = nullptr;
  ASSERT_TRUE(leveldb::DB::Open(options, dir_, &db).ok());
  db_.reset(db);
  std::jthread writer([this](std::stop_token stop) {
    for (uint64_t i = 0; !stop.stop_requested(); i++) {
      const uint64_t event = 1 + i % 800;
      (void)db_->Put({}, EventKey(event), EventValue(event));
    }
  });
  uint64_t opened = 0;
  for (int round = 0; round < 100; round++) {
    const auto snapshot = env_.Take(dir_);
    ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
    for (int pass = 0; pass < 3; pass++) {
      for (size_t i = 0; i < (*snapshot)->info().files.size(); i++) {
        const auto source = (*snapshot)->Open(i);
        ASSERT_TRUE(source.ok()) << source.status().ToString();
        opened++;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  EXPECT_GT(opened, 100u);
}

TEST_F(HotDatabaseTest, ADamagedManifestOrLogMakesTakeFailButNotTheLock) {
  BuildDatabase(dir_, 20);
  const std::string log = NewestLog();
  std::string contents = ReadFile(log);
  contents[40] = static_cast<char>(contents[40] ^ 1);
  WriteFile(log, contents);
  leveldb::FileLock* lock = nullptr;
  ASSERT_TRUE(env_.LockFile(dir_ + "/LOCK", &lock).ok());
  const auto damaged_log = env_.Take(dir_);
  EXPECT_EQ(damaged_log.status().code(), StatusCode::kCorruption);
  EXPECT_NE(damaged_log.status().message().find(".log is damaged after"),
            std::string::npos);
  EXPECT_EQ(env_.GetStats(dir_).snapshots, 0u);
  ASSERT_TRUE(env_.UnlockFile(lock).ok());

  WriteFile(dir_ + "/CURRENT", "MANIFEST-000777\n");
  ASSERT_TRUE(env_.LockFile(dir_ + "/LOCK", &lock).ok());
  EXPECT_FALSE(env_.Take(dir_).ok());
  ASSERT_TRUE(env_.UnlockFile(lock).ok());

  WriteFile(dir_ + "/CURRENT", "what?");
  ASSERT_TRUE(env_.LockFile(dir_ + "/LOCK", &lock).ok());
  EXPECT_EQ(env_.Take(dir_).status().code(), StatusCode::kCorruption);
  ASSERT_TRUE(env_.UnlockFile(lock).ok());
}

// RenameFile onto CURRENT decides which MANIFEST counts.
TEST_F(HotDatabaseTest, FollowsCurrentToAManifestThatItDidNotSeeWritten) {
  BuildDatabase(dir_, 20);
  leveldb::FileLock* lock = nullptr;
  ASSERT_TRUE(env_.LockFile(dir_ + "/LOCK", &lock).ok());
  std::string name = ReadFile(dir_ + "/CURRENT");
  name.pop_back();
  std::filesystem::copy_file(dir_ + "/" + name, dir_ + "/MANIFEST-000777");
  WriteFile(dir_ + "/000777.dbtmp", "MANIFEST-000777\n");
  ASSERT_TRUE(env_.RenameFile(dir_ + "/000777.dbtmp", dir_ + "/CURRENT").ok());
  {
    const auto snapshot = env_.Take(dir_);
    ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
    const auto& files = (*snapshot)->info().files;
    EXPECT_EQ(files[files.size() - 2].name, "MANIFEST-000777");
  }
  WriteFile(dir_ + "/000778.dbtmp", "MANIFEST-000778\n");
  ASSERT_TRUE(env_.RenameFile(dir_ + "/000778.dbtmp", dir_ + "/CURRENT").ok());
  EXPECT_FALSE(env_.Take(dir_).ok());
  ASSERT_TRUE(env_.UnlockFile(lock).ok());
}

}  // namespace
}  // namespace levelkeep::test
