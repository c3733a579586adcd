// Hot snapshots: their files are kept while LevelDB removes and replaces them,
// and are released afterwards.

#include <filesystem>
#include <memory>
#include <string>

#include "snapshot/hot_fixture.h"

namespace levelkeep::test {
namespace {

using HotPinsTest = HotSnapshotFixture;

TEST_F(HotPinsTest, SurvivesCompactionOfEverythingThatItHolds) {
  Open();
  Put(1, 4000);
  const auto snapshot = Take();
  Put(1, 4000);
  db_->CompactRange(nullptr, nullptr);
  EXPECT_GT(env_.GetStats(dir_).pinned_files, 0u);
  EXPECT_GT(CountFiles(".pin"), 0u);
  EXPECT_EQ(Check(*snapshot, 4000), "");
}

TEST_F(HotPinsTest, LetsGoOfEveryFileWhenDestroyed) {
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

TEST_F(HotPinsTest, TwoSnapshotsShareOneFileAndTheLastOneRemovesIt) {
  Open();
  Put(1, 4000);
  // Leaves LevelDB nothing to compact between the two snapshots.
  db_->CompactRange(nullptr, nullptr);
  Put(4001, 4010);
  auto first = Take();
  auto second = Take();
  Put(1, 4000);
  db_->CompactRange(nullptr, nullptr);
  const uint64_t kept = env_.GetStats(dir_).pinned_files;
  EXPECT_GT(kept, 0u);
  first.reset();
  EXPECT_EQ(env_.GetStats(dir_).pinned_files, kept);
  EXPECT_EQ(Check(*second, 4010), "");
  second.reset();
  EXPECT_EQ(CountFiles(".pin"), 0u);
}

TEST_F(HotPinsTest, StaysReadableAfterTheDatabaseIsClosed) {
  Open();
  Put(1, 3000);
  const auto snapshot = Take();
  Put(3001, 6000);
  db_.reset();
  EXPECT_FALSE(env_.GetStats(dir_).attached);
  Open();  // replays and removes the logs that the snapshot holds
  EXPECT_EQ(Check(*snapshot, 3000), "");
}

TEST_F(HotPinsTest, OutlivesItsEnv) {
  auto env = std::make_unique<SnapshotEnv>();
  leveldb::Options options;
  options.env = env.get();
  options.create_if_missing = true;
  leveldb::DB* db = nullptr;
  ASSERT_TRUE(leveldb::DB::Open(options, dir_, &db).ok());
  db_.reset(db);
  Put(1, 100);
  auto snapshot = env->Take(dir_);
  ASSERT_TRUE(snapshot.ok());
  db_.reset();
  env.reset();
  EXPECT_EQ(Check(**snapshot, 100), "");
}

// Pitfall P4: a name may be used again for another file.
TEST_F(HotPinsTest, PinsFollowTheFileWhenDestroyAndCreateReuseNames) {
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

// Pitfall P4 again: a file is created in place of a pinned one.
TEST_F(HotPinsTest, CreatingAFileOverAPinnedOneLeavesThePinnedOneWhole) {
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

TEST_F(HotPinsTest, RenamingOverOrAwayFromAPinnedFileLeavesItReadable) {
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

TEST_F(HotPinsTest, AForeignReplacementOfATableIsNoticed) {
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

TEST_F(HotPinsTest, AttachRemovesPinnedFilesOfDeadProcessesOnly) {
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
  SnapshotEnv other;  // another Env of this process spares their pins
  BuildOptions build;
  build.env = &other;
  build.first_event = 4001;
  BuildDatabase(dir_, 10, build);
  EXPECT_EQ(CountFiles(".pin"), living + 1);
  EXPECT_TRUE(std::filesystem::exists(dir_ + "/notes.pin1"));
  EXPECT_EQ(Check(*snapshot, 4000), "");
}

}  // namespace
}  // namespace levelkeep::test
