// An offline snapshot releases LOCK as soon as its files are held: a process
// that then opens the database does not change the snapshot.

#include <filesystem>
#include <memory>
#include <string>

#include "base/file_system.h"
#include "dbfiles/db_lock.h"
#include "gtest/gtest.h"
#include "leveldb/db.h"
#include "snapshot/snapshot.h"
#include "support/fault_file_system.h"
#include "support/leveldb_fixture.h"
#include "support/other_process.h"
#include "support/temp_dir.h"

namespace levelkeep::test {
namespace {

constexpr int kOpened = 0;
constexpr int kRefused = 3;

class OfflineReleaseTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<Snapshot>> Take(FileSystem* fs = FileSystem::Posix()) {
    return TakeOfflineSnapshot(fs, dir_, scratch_);
  }
  int TryElsewhere() { return OtherProcess({"try", dir_}).Finish(); }

  // An application continues with the database, and compacts all its tables.
  void WriteMore(uint64_t first, bool reuse_logs) {
    leveldb::Options options;
    options.reuse_logs = reuse_logs;
    leveldb::DB* raw = nullptr;
    ASSERT_TRUE(leveldb::DB::Open(options, dir_, &raw).ok());
    const std::unique_ptr<leveldb::DB> db(raw);
    for (uint64_t i = first; i < first + 500; i++) {
      ASSERT_TRUE(db->Put({}, EventKey(i), EventValue(i)).ok());
    }
    ASSERT_TRUE(db->Delete({}, EventKey(1)).ok());
    if (!reuse_logs) db->CompactRange(nullptr, nullptr);
  }

  std::string Check(const Snapshot& snapshot, uint64_t events) {
    const Status status = Materialise(snapshot, temp_.Sub("copy"));
    return status.ok() ? CheckDatabase(temp_.Sub("copy"), events)
                       : status.ToString();
  }

  TempDir temp_;
  const std::string dir_ = temp_.Sub("db");
  const std::string scratch_ = temp_.Sub("work/scratch-1");
};

TEST_F(OfflineReleaseTest, AnApplicationThatStartsMeanwhileChangesNothing) {
  BuildDatabase(dir_, 3000);
  auto snapshot = Take();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
  EXPECT_EQ((*snapshot)->info().method, SnapshotMethod::kOffline);
  EXPECT_EQ(TryElsewhere(), kOpened);
  WriteMore(3001, /*reuse_logs=*/false);
  EXPECT_EQ(Check(**snapshot, 3000), "");
  EXPECT_TRUE(std::filesystem::exists(scratch_));
  snapshot->reset();
  EXPECT_FALSE(std::filesystem::exists(temp_.Sub("work")));
}

// The application appends to the log that the snapshot reads.
TEST_F(OfflineReleaseTest, ALogIsReadToItsLengthWhenItWasHeld) {
  BuildOptions in_log;
  in_log.write_buffer_bytes = 16 << 20;
  BuildDatabase(dir_, 500, in_log);
  const auto snapshot = Take();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
  WriteMore(501, /*reuse_logs=*/true);
  EXPECT_EQ((*snapshot)->info().last_sequence, 500u);
  EXPECT_EQ(Check(**snapshot, 500), "");
}

TEST_F(OfflineReleaseTest, TheWholeDatabaseMayGoAway) {
  BuildDatabase(dir_, 3000);
  const auto snapshot = Take();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
  std::filesystem::remove_all(dir_);
  EXPECT_EQ(Check(**snapshot, 3000), "");
}

TEST_F(OfflineReleaseTest, WithoutHardLinksLockIsHeldToTheEnd) {
  BuildDatabase(dir_, 3000);
  FaultFileSystem fs(FileSystem::Posix());
  fs.FailOn("Link ", StatusCode::kUnsupported, 1, FaultFileSystem::kAlways);
  {
    const auto snapshot = Take(&fs);
    ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
    EXPECT_TRUE(fs.fired());
    EXPECT_EQ(TryElsewhere(), kRefused);
    EXPECT_EQ(Check(**snapshot, 3000), "");
  }
  EXPECT_EQ(TryElsewhere(), kOpened);
}

// On a full disk, or in a folder of another user, a backup must still be made.
TEST_F(OfflineReleaseTest, WithoutAScratchFolderLockIsHeldToTheEnd) {
  BuildDatabase(dir_, 3000);
  FaultFileSystem fs(FileSystem::Posix());
  fs.FailOn("CreateDirectory ", StatusCode::kNoSpace, 1,
            FaultFileSystem::kAlways);
  const auto snapshot = Take(&fs);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
  EXPECT_TRUE(fs.fired());
  EXPECT_EQ(TryElsewhere(), kRefused);
  EXPECT_EQ(Check(**snapshot, 3000), "");
}

TEST_F(OfflineReleaseTest, WhatWasRefusedLeavesNothing) {
  BuildDatabase(dir_, 3000);
  std::string table;
  {
    const auto snapshot = Take();
    ASSERT_TRUE(snapshot.ok());
    table = (*snapshot)->info().files[0].name;
  }
  std::filesystem::remove(dir_ + "/" + table);
  EXPECT_EQ(Take().status().code(), StatusCode::kCorruption);
  EXPECT_FALSE(std::filesystem::exists(temp_.Sub("work")));
  EXPECT_TRUE(DbLock::Acquire(FileSystem::Posix(), dir_).ok());
}

}  // namespace
}  // namespace levelkeep::test
