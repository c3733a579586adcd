// The content of hot snapshots. hot_pins_test.cc tests how their files are
// kept, hot_torture_test.cc tests them under load.

#include <filesystem>
#include <string>

#include "snapshot/hot_fixture.h"

namespace levelkeep::test {
namespace {

using HotSnapshotTest = HotSnapshotFixture;

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

TEST_F(HotSnapshotTest, FindsTheDatabaseUnderEverySpellingOfItsPath) {
  Open();
  Put(1, 50);
  const std::string link = temp_.Sub("link");
  std::filesystem::create_directory_symlink(dir_, link);
  for (const std::string& path :
       {dir_, dir_ + "/", dir_ + "//", dir_ + "/.", temp_.path() + "/./db",
        temp_.path() + "/db/../db", link}) {
    EXPECT_TRUE(env_.GetStats(path).attached) << path;
    EXPECT_EQ(env_.GetStats(path).last_sequence, 50u) << path;
    EXPECT_TRUE(env_.Take(path).ok()) << path;
  }
}

TEST_F(HotSnapshotTest, IsNotFoundWhereNothingIsOpen) {
  const auto never = env_.Take(dir_);
  EXPECT_EQ(never.status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(env_.GetStats(dir_).attached);
  Open();
  Put(1, 5);
  db_.reset();
  const auto closed = env_.Take(dir_);
  EXPECT_EQ(closed.status().code(), StatusCode::kNotFound);
}

TEST_F(HotSnapshotTest, IsNotFoundBeforeCurrentExists) {
  std::filesystem::create_directory(dir_);
  leveldb::FileLock* lock = nullptr;
  ASSERT_TRUE(env_.LockFile(dir_ + "/LOCK", &lock).ok());
  EXPECT_TRUE(env_.GetStats(dir_).attached);
  const auto snapshot = env_.Take(dir_);
  EXPECT_EQ(snapshot.status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(env_.UnlockFile(lock).ok());
  EXPECT_FALSE(env_.GetStats(dir_).attached);
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
  const auto snapshot = env_.Take(dir_);
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
    const auto after = env_.Take(dir_);
    EXPECT_EQ(after.status().code(), StatusCode::kNotFound);
    EXPECT_EQ(Check(*before, 3000), "");
  }
  ASSERT_TRUE(env_.UnlockFile(lock).ok());
}

// kNotFound would say that the database is not open.
TEST_F(HotSnapshotTest, AMissingTableOrLogIsCorruption) {
  BuildDatabase(dir_, 3000);
  std::string table;
  leveldb::FileLock* lock = nullptr;
  ASSERT_TRUE(env_.LockFile(dir_ + "/LOCK", &lock).ok());
  { table = Take()->info().files[0].name; }
  std::filesystem::rename(dir_ + "/" + table, temp_.Sub("table"));
  const auto without_table = env_.Take(dir_);
  EXPECT_EQ(without_table.status().code(), StatusCode::kCorruption);
  EXPECT_NE(without_table.status().message().find(table), std::string::npos);
  std::filesystem::rename(temp_.Sub("table"), dir_ + "/" + table);
  std::filesystem::remove(NewestLog());
  const auto without_log = env_.Take(dir_);
  EXPECT_EQ(without_log.status().code(), StatusCode::kCorruption);
  EXPECT_NE(without_log.status().message().find(".log is missing"),
            std::string::npos);
  ASSERT_TRUE(env_.UnlockFile(lock).ok());
}

}  // namespace
}  // namespace levelkeep::test
