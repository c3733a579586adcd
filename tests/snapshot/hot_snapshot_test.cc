// Hot snapshots, one behaviour at a time. The storm is in
// hot_torture_test.cc.

#include <filesystem>
#include <memory>
#include <string>

#include "base/file_system.h"
#include "gtest/gtest.h"
#include "leveldb/db.h"
#include "leveldb/write_batch.h"
#include "levelkeep/snapshot_env.h"
#include "snapshot/snapshot.h"
#include "support/leveldb_fixture.h"
#include "support/temp_dir.h"

namespace levelkeep::test {
namespace {

class HotSnapshotTest : public ::testing::Test {
 protected:
  void Open(bool reuse_logs = false, size_t write_buffer = 64 << 10) {
    leveldb::Options options;
    options.env = &env_;
    options.create_if_missing = true;
    options.write_buffer_size = write_buffer;
    options.reuse_logs = reuse_logs;
    leveldb::DB* db = nullptr;
    const leveldb::Status status = leveldb::DB::Open(options, dir_, &db);
    ASSERT_TRUE(status.ok()) << status.ToString();
    db_.reset(db);
  }

  // Events first..last, one Put each: sequence number == event number.
  void Put(uint64_t first, uint64_t last) {
    for (uint64_t i = first; i <= last; i++) {
      ASSERT_TRUE(
          db_->Put(leveldb::WriteOptions(), EventKey(i), EventValue(i)).ok());
    }
  }

  std::unique_ptr<Snapshot> Take() {
    Result<std::unique_ptr<Snapshot>> snapshot = env_.source()->Take(dir_);
    EXPECT_TRUE(snapshot.ok()) << snapshot.status().ToString();
    return snapshot.ok() ? std::move(snapshot).value() : nullptr;
  }

  std::string Check(const Snapshot& snapshot, uint64_t events) {
    const std::string copy = temp_.Sub("copy" + std::to_string(copies_++));
    const Status status = Materialise(snapshot, copy);
    if (!status.ok()) return status.ToString();
    return CheckDatabase(copy, events);
  }

  size_t CountFiles(const std::string& part) const {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
      if (entry.path().filename().string().find(part) != std::string::npos) {
        count++;
      }
    }
    return count;
  }

  TempDir temp_;
  const std::string dir_ = temp_.Sub("db");
  SnapshotEnv env_;
  std::unique_ptr<leveldb::DB> db_;
  int copies_ = 0;
};

TEST_F(HotSnapshotTest, HoldsExactlyWhatWasAcknowledged) {
  Open();
  Put(1, 1234);
  const auto snapshot = Take();
  Put(1235, 3000);
  EXPECT_EQ(snapshot->info().last_sequence, 1234u);
  EXPECT_EQ(Check(*snapshot, 1234), "");
}

TEST_F(HotSnapshotTest, ListsTablesThenLogsThenManifestThenCurrent) {
  Open();
  Put(1, 3000);
  const auto snapshot = Take();
  const SnapshotInfo& info = snapshot->info();
  EXPECT_EQ(info.method, SnapshotMethod::kHot);
  EXPECT_EQ(info.comparator, "leveldb.BytewiseComparator");
  ASSERT_GE(info.files.size(), 4u);
  size_t i = 0;
  std::string previous;
  uint64_t total = 0;
  for (; info.files[i].kind == DbFileKind::kTable; i++) {
    EXPECT_LT(previous, info.files[i].name);
    previous = info.files[i].name;
    EXPECT_NE(info.files[i].inode, 0u);
    EXPECT_NE(info.files[i].mtime_ns, 0);
  }
  EXPECT_GT(i, 0u);
  size_t logs = 0;
  for (; info.files[i].kind == DbFileKind::kLog; i++, logs++) {
    EXPECT_EQ(info.files[i].inode, 0u);
  }
  EXPECT_GE(logs, 1u);
  ASSERT_EQ(i + 2, info.files.size());
  EXPECT_EQ(info.files[i].kind, DbFileKind::kManifest);
  EXPECT_EQ(info.files[i + 1].name, "CURRENT");
  for (const SnapshotFile& file : info.files) total += file.size_bytes;
  EXPECT_EQ(info.total_bytes(), total);
}

TEST_F(HotSnapshotTest, SurvivesCompactionOfEverythingThatItHolds) {
  Open();
  Put(1, 4000);
  const auto snapshot = Take();
  Put(1, 4000);
  db_->CompactRange(nullptr, nullptr);
  EXPECT_GT(env_.GetStats(dir_).pinned_files, 0u);
  EXPECT_GT(CountFiles(".pin"), 0u);
  EXPECT_EQ(Check(*snapshot, 4000), "");
}

TEST_F(HotSnapshotTest, LetsGoOfEveryFileWhenDestroyed) {
  Open();
  Put(1, 4000);
  auto first = Take();
  Put(1, 4000);
  db_->CompactRange(nullptr, nullptr);
  auto second = Take();
  EXPECT_EQ(env_.GetStats(dir_).snapshots, 2u);
  Put(1, 4000);
  db_->CompactRange(nullptr, nullptr);
  first.reset();
  EXPECT_EQ(Check(*second, 4000), "");
  second.reset();
  EXPECT_EQ(CountFiles(".pin"), 0u);
  EXPECT_EQ(env_.GetStats(dir_).snapshots, 0u);
  EXPECT_EQ(env_.GetStats(dir_).pinned_files, 0u);
}

TEST_F(HotSnapshotTest, TwoSnapshotsShareOneFileAndTheLastOneRemovesIt) {
  Open();
  Put(1, 4000);
  auto first = Take();
  auto second = Take();
  Put(1, 4000);
  db_->CompactRange(nullptr, nullptr);
  const uint64_t kept = env_.GetStats(dir_).pinned_files;
  EXPECT_GT(kept, 0u);
  first.reset();
  EXPECT_EQ(env_.GetStats(dir_).pinned_files, kept);
  EXPECT_EQ(Check(*second, 4000), "");
  second.reset();
  EXPECT_EQ(CountFiles(".pin"), 0u);
}

TEST_F(HotSnapshotTest, StaysReadableAfterTheDatabaseIsClosed) {
  Open();
  Put(1, 3000);
  const auto snapshot = Take();
  Put(3001, 6000);
  db_.reset();
  EXPECT_FALSE(env_.source()->IsAttached(dir_));
  Open();  // replays and removes the logs that the snapshot holds
  EXPECT_EQ(Check(*snapshot, 3000), "");
}

TEST_F(HotSnapshotTest, OutlivesItsEnv) {
  auto env = std::make_unique<SnapshotEnv>();
  BuildOptions build;
  leveldb::Options options;
  options.env = env.get();
  options.create_if_missing = true;
  leveldb::DB* db = nullptr;
  ASSERT_TRUE(leveldb::DB::Open(options, dir_, &db).ok());
  db_.reset(db);
  Put(1, 100);
  auto snapshot = env->source()->Take(dir_);
  ASSERT_TRUE(snapshot.ok());
  db_.reset();
  env.reset();
  EXPECT_EQ(Check(**snapshot, 100), "");
}

// Pitfall P4: names come back, files don't.
TEST_F(HotSnapshotTest, PinsFollowTheFileWhenDestroyAndCreateReuseNames) {
  Open();
  Put(1, 4000);
  const auto snapshot = Take();
  db_.reset();
  leveldb::Options options;
  options.env = &env_;
  ASSERT_TRUE(leveldb::DestroyDB(dir_, options).ok());
  Open();
  Put(1, 9000);  // other tables and logs of the same names
  db_->CompactRange(nullptr, nullptr);
  EXPECT_EQ(Check(*snapshot, 4000), "");
  const auto newer = Take();
  EXPECT_EQ(Check(*newer, 9000), "");
}

// Pitfall P4, the other way: a file is created over a pinned one.
TEST_F(HotSnapshotTest, CreatingAFileOverAPinnedOneLeavesThePinnedOneWhole) {
  Open();
  Put(1, 4000);
  const auto snapshot = Take();
  db_.reset();
  for (const SnapshotFile& file : snapshot->info().files) {
    if (file.kind != DbFileKind::kTable && file.kind != DbFileKind::kLog) {
      continue;
    }
    leveldb::WritableFile* target = nullptr;
    ASSERT_TRUE(env_.NewWritableFile(dir_ + "/" + file.name, &target).ok());
    ASSERT_TRUE(target->Append("not a table").ok());
    ASSERT_TRUE(target->Close().ok());
    delete target;
  }
  EXPECT_EQ(Check(*snapshot, 4000), "");
}

TEST_F(HotSnapshotTest, RenamingOverOrAwayFromAPinnedFileLeavesItReadable) {
  Open();
  Put(1, 4000);
  const auto snapshot = Take();
  db_.reset();
  const std::string name = snapshot->info().files[0].name;
  ASSERT_TRUE(env_.RenameFile(dir_ + "/" + name, dir_ + "/elsewhere.ldb").ok());
  const std::string second = snapshot->info().files[1].name;
  WriteFile(dir_ + "/repaired", "other content");
  ASSERT_TRUE(env_.RenameFile(dir_ + "/repaired", dir_ + "/" + second).ok());
  EXPECT_EQ(Check(*snapshot, 4000), "");
}

TEST_F(HotSnapshotTest, AForeignReplacementOfATableIsNoticed) {
  Open();
  Put(1, 4000);
  const auto snapshot = Take();
  const SnapshotFile& table = snapshot->info().files[0];
  const std::string path = dir_ + "/" + table.name;
  WriteFile(path + ".new", ReadFile(path));
  std::filesystem::rename(path + ".new", path);
  const auto source = snapshot->Open(0);
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(source.status().code(), StatusCode::kIoError);
  EXPECT_NE(source.status().message().find(table.name), std::string::npos);
}

TEST_F(HotSnapshotTest, AttachRemovesPinnedFilesOfDeadProcessesOnly) {
  Open();
  Put(1, 4000);
  const auto snapshot = Take();
  db_->CompactRange(nullptr, nullptr);
  const size_t living = CountFiles(".pin");
  ASSERT_GT(living, 0u);
  WriteFile(dir_ + "/000003.ldb.pin77", "left over");
  WriteFile(dir_ + "/000004.log.pin1", "left over");
  WriteFile(dir_ + "/notes.pin1", "none of ours");
  db_.reset();
  SnapshotEnv other;  // another Env of this process knows of the living too
  BuildOptions build;
  build.env = &other;
  build.first_event = 4001;
  BuildDatabase(dir_, 10, build);
  EXPECT_EQ(CountFiles(".pin"), living + 1);
  EXPECT_TRUE(std::filesystem::exists(dir_ + "/notes.pin1"));
  EXPECT_EQ(Check(*snapshot, 4000), "");
}

TEST_F(HotSnapshotTest, FindsTheDatabaseUnderEverySpellingOfItsPath) {
  Open();
  Put(1, 50);
  const std::string link = temp_.Sub("link");
  std::filesystem::create_directory_symlink(dir_, link);
  for (const std::string& path :
       {dir_, dir_ + "/", dir_ + "//", dir_ + "/.", temp_.path() + "/./db",
        temp_.path() + "/db/../db", link}) {
    EXPECT_TRUE(env_.source()->IsAttached(path)) << path;
    EXPECT_EQ(env_.GetStats(path).last_sequence, 50u) << path;
    EXPECT_TRUE(env_.source()->Take(path).ok()) << path;
  }
}

TEST_F(HotSnapshotTest, IsNotFoundWhereNothingIsOpen) {
  const auto never = env_.source()->Take(dir_);
  EXPECT_EQ(never.status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(env_.GetStats(dir_).attached);
  Open();
  Put(1, 5);
  db_.reset();
  const auto closed = env_.source()->Take(dir_);
  EXPECT_EQ(closed.status().code(), StatusCode::kNotFound);
}

TEST_F(HotSnapshotTest, IsNotFoundBeforeCurrentExists) {
  std::filesystem::create_directory(dir_);
  leveldb::FileLock* lock = nullptr;
  ASSERT_TRUE(env_.LockFile(dir_ + "/LOCK", &lock).ok());
  EXPECT_TRUE(env_.source()->IsAttached(dir_));
  const auto snapshot = env_.source()->Take(dir_);
  EXPECT_EQ(snapshot.status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(env_.UnlockFile(lock).ok());
  EXPECT_FALSE(env_.source()->IsAttached(dir_));
}

TEST_F(HotSnapshotTest, HoldsLogsOfThePreviousRunBeforeLevelDbReplaysThem) {
  for (const bool torn : {false, true}) {
    SCOPED_TRACE(torn ? "torn tail" : "whole");
    std::filesystem::remove_all(dir_);
    BuildOptions build;
    build.write_buffer_bytes = 4 << 20;  // all of it stays in the log
    BuildDatabase(dir_, 500, build);
    if (torn) {
      for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
        if (entry.path().extension() == ".log") {
          std::filesystem::resize_file(entry.path(), entry.file_size() - 3);
        }
      }
    }
    leveldb::FileLock* lock = nullptr;
    ASSERT_TRUE(env_.LockFile(dir_ + "/LOCK", &lock).ok());
    {
      const auto snapshot = Take();
      const uint64_t expected = torn ? 499 : 500;
      EXPECT_EQ(snapshot->info().last_sequence, expected);
      EXPECT_EQ(Check(*snapshot, expected), "");
    }
    ASSERT_TRUE(env_.UnlockFile(lock).ok());
  }
}

TEST_F(HotSnapshotTest, IsRightAfterReopenWithAndWithoutReuseLogs) {
  uint64_t written = 0;
  for (const bool reuse_logs : {false, true, true, false, true}) {
    Open(reuse_logs);
    const auto at_open = Take();
    EXPECT_EQ(at_open->info().last_sequence, written);
    Put(written + 1, written + 333);
    written += 333;
    const auto later = Take();
    EXPECT_EQ(later->info().last_sequence, written);
    db_.reset();
    EXPECT_EQ(Check(*at_open, written - 333), "");
    EXPECT_EQ(Check(*later, written), "");
  }
}

TEST_F(HotSnapshotTest, AnEmptyDatabaseHasASnapshotToo) {
  Open();
  const auto snapshot = Take();
  EXPECT_EQ(snapshot->info().last_sequence, 0u);
  EXPECT_EQ(Check(*snapshot, 0), "");
}

// Pitfall P10: the MANIFEST of a long-lived process grows for ever.
TEST_F(HotSnapshotTest, ItsManifestDoesNotGrowWithTheAgeOfTheProcess) {
  Open();
  for (int round = 0; round < 15; round++) {
    Put(1, 1000);
    db_->CompactRange(nullptr, nullptr);
  }
  uint64_t live_size = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
    if (entry.path().filename().string().starts_with("MANIFEST-")) {
      live_size = entry.file_size();
    }
  }
  const auto snapshot = Take();
  const auto& files = snapshot->info().files;
  const SnapshotFile& manifest = files[files.size() - 2];
  ASSERT_EQ(manifest.kind, DbFileKind::kManifest);
  EXPECT_LT(manifest.size_bytes * 5, live_size);
  EXPECT_EQ(Check(*snapshot, 1000), "");
}

TEST_F(HotSnapshotTest, StatsFollowTheDatabase) {
  Open();
  Put(1, 3000);
  SnapshotEnvStats stats = env_.GetStats(dir_);
  EXPECT_TRUE(stats.attached);
  EXPECT_FALSE(stats.poisoned);
  EXPECT_EQ(stats.last_sequence, 3000u);
  EXPECT_GT(stats.tables, 0u);
  db_.reset();
  stats = env_.GetStats(dir_);
  EXPECT_FALSE(stats.attached);
  EXPECT_EQ(stats.tables, 0u);
}

TEST_F(HotSnapshotTest, ATableOfTheWrongSizeIsCorruption) {
  Open();
  Put(1, 4000);
  std::string name;
  {
    const auto snapshot = Take();
    name = snapshot->info().files[0].name;
  }
  std::filesystem::resize_file(dir_ + "/" + name, 100);
  const auto snapshot = env_.source()->Take(dir_);
  ASSERT_FALSE(snapshot.ok());
  EXPECT_EQ(snapshot.status().code(), StatusCode::kCorruption);
  EXPECT_NE(snapshot.status().message().find(name), std::string::npos);
  EXPECT_EQ(env_.GetStats(dir_).snapshots, 0u);  // P15: nothing stays pinned
}

TEST_F(HotSnapshotTest, IsNotFoundWhileTheDatabaseIsBeingDestroyed) {
  BuildDatabase(dir_, 3000);
  leveldb::FileLock* lock = nullptr;
  ASSERT_TRUE(env_.LockFile(dir_ + "/LOCK", &lock).ok());
  {
    const auto before = Take();
    const std::string name = before->info().files[0].name;
    ASSERT_TRUE(env_.RemoveFile(dir_ + "/" + name).ok());
    const auto after = env_.source()->Take(dir_);
    EXPECT_EQ(after.status().code(), StatusCode::kNotFound);
    EXPECT_EQ(Check(*before, 3000), "");
  }
  ASSERT_TRUE(env_.UnlockFile(lock).ok());
}

}  // namespace
}  // namespace levelkeep::test
