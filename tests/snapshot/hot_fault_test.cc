// SnapshotEnv when writes fail and tails are torn.

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "leveldb/db.h"
#include "snapshot/snapshot.h"
#include "snapshot/snapshot_env.h"
#include "support/leveldb_fixture.h"
#include "support/temp_dir.h"

namespace levelkeep::test {
namespace {

enum class Fault { kNone, kAppend, kFlush, kSync, kClose };

// Fails one call on files whose name contains `part`. A failed Append has
// written its first half, as a full disk does.
struct FaultPlan {
  std::string part;
  std::atomic<Fault> next{Fault::kNone};
  bool Fires(Fault fault) {
    Fault expected = fault;
    return next.compare_exchange_strong(expected, Fault::kNone);
  }
};

leveldb::Status DiskFull() {
  return leveldb::Status::IOError("injected", "disk full");
}

class FaultyFile : public leveldb::WritableFile {
 public:
  FaultyFile(leveldb::WritableFile* base, FaultPlan* plan)
      : base_(base), plan_(plan) {}
  leveldb::Status Append(const leveldb::Slice& data) override {
    if (data.size() > 7 && plan_->Fires(Fault::kAppend)) {
      (void)base_->Append(leveldb::Slice(data.data(), data.size() / 2));
      return DiskFull();
    }
    return base_->Append(data);
  }
  leveldb::Status Flush() override {
    return plan_->Fires(Fault::kFlush) ? DiskFull() : base_->Flush();
  }
  leveldb::Status Sync() override {
    return plan_->Fires(Fault::kSync) ? DiskFull() : base_->Sync();
  }
  leveldb::Status Close() override {
    const leveldb::Status closed = base_->Close();
    return plan_->Fires(Fault::kClose) ? DiskFull() : closed;
  }

 private:
  const std::unique_ptr<leveldb::WritableFile> base_;
  FaultPlan* const plan_;
};

class FaultyEnv : public leveldb::EnvWrapper {
 public:
  FaultyEnv() : leveldb::EnvWrapper(leveldb::Env::Default()) {}
  leveldb::Status NewWritableFile(const std::string& name,
                                  leveldb::WritableFile** file) override {
    const auto status = target()->NewWritableFile(name, file);
    if (status.ok() && name.find(plan.part) != std::string::npos) {
      *file = new FaultyFile(*file, &plan);
    }
    return status;
  }
  FaultPlan plan;
};

class HotFaultTest : public ::testing::Test {
 protected:
  leveldb::Status Open(leveldb::Env* env, bool reuse_logs = false,
                       bool paranoid = false) {
    leveldb::Options options;
    options.env = env;
    options.create_if_missing = true;
    options.reuse_logs = reuse_logs;
    options.paranoid_checks = paranoid;
    leveldb::DB* db = nullptr;
    db_.reset();
    const leveldb::Status status = leveldb::DB::Open(options, dir_, &db);
    db_.reset(db);
    return status;
  }

  leveldb::Status Put(uint64_t number) {
    return db_->Put(write_options_, EventKey(number), EventValue(number));
  }

  std::string NewestLog() const {
    std::string newest;
    for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
      const std::string path = entry.path();
      if (path.ends_with(".log") && path > newest) newest = path;
    }
    return newest;
  }

  TempDir temp_;
  const std::string dir_ = temp_.Sub("db");
  FaultyEnv base_;
  SnapshotEnv env_{&base_};
  std::unique_ptr<leveldb::DB> db_;
  leveldb::WriteOptions write_options_;
};

// Pitfall P5: otherwise LevelDB acknowledges 900 writes that are lost.
TEST_F(HotFaultTest, AFailedLogWriteIsFinalAndNothingAcknowledgedIsLost) {
  base_.plan.part = ".log";
  for (const Fault fault : {Fault::kAppend, Fault::kFlush, Fault::kSync}) {
    SCOPED_TRACE(static_cast<int>(fault));
    std::filesystem::remove_all(dir_);
    ASSERT_TRUE(Open(&env_).ok());
    write_options_.sync = fault == Fault::kSync;
    for (uint64_t i = 1; i <= 100; i++) ASSERT_TRUE(Put(i).ok());
    base_.plan.next = fault;
    EXPECT_FALSE(Put(101).ok());
    for (uint64_t i = 102; i <= 200; i++) ASSERT_FALSE(Put(i).ok()) << i;

    const SnapshotEnvStats stats = env_.GetStats(dir_);
    EXPECT_TRUE(stats.poisoned);
    EXPECT_NE(stats.poison_reason.find("disk full"), std::string::npos);
    const auto refused = env_.Take(dir_);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.status().code(), StatusCode::kIoError);
    EXPECT_NE(refused.status().message().find("a write to 0"),
              std::string::npos);
    EXPECT_NE(refused.status().message().find("failed earlier"),
              std::string::npos);
    EXPECT_NE(refused.status().hint().find("reopen the database"),
              std::string::npos);

    // Reopening ends this state; every acknowledged write is there.
    ASSERT_TRUE(Open(&env_, false, true).ok());
    EXPECT_FALSE(env_.GetStats(dir_).poisoned);
    std::string value;
    for (uint64_t i = 1; i <= 100; i++) {
      ASSERT_TRUE(db_->Get({}, EventKey(i), &value).ok()) << i;
    }
    ASSERT_TRUE(Put(500).ok());
    EXPECT_TRUE(env_.Take(dir_).ok());
  }
}

TEST_F(HotFaultTest, AFailedManifestWriteStopsSnapshotsUntilReopened) {
  base_.plan.part = "MANIFEST-";
  ASSERT_TRUE(Open(&env_).ok());
  for (uint64_t i = 1; i <= 100; i++) ASSERT_TRUE(Put(i).ok());
  base_.plan.next = Fault::kSync;
  db_->CompactRange(nullptr, nullptr);  // flushes the memtable
  EXPECT_TRUE(env_.GetStats(dir_).poisoned);
  const auto refused = env_.Take(dir_);
  EXPECT_EQ(refused.status().code(), StatusCode::kIoError);
  EXPECT_NE(refused.status().message().find("MANIFEST-"), std::string::npos);
  ASSERT_TRUE(Open(&env_, false, true).ok());
  EXPECT_TRUE(env_.Take(dir_).ok());
  db_.reset();
  EXPECT_EQ(CheckDatabase(dir_, 100), "");
}

TEST_F(HotFaultTest, AFailedCloseOfALogIsReported) {
  base_.plan.part = ".log";
  const std::string name = temp_.Sub("000005.log");
  leveldb::WritableFile* raw = nullptr;
  ASSERT_TRUE(env_.NewWritableFile(name, &raw).ok());
  const std::unique_ptr<leveldb::WritableFile> file(raw);
  base_.plan.next = Fault::kClose;
  EXPECT_FALSE(file->Close().ok());
  EXPECT_FALSE(file->Append("x").ok());
  EXPECT_FALSE(file->Flush().ok());
  EXPECT_FALSE(file->Sync().ok());
  EXPECT_FALSE(file->Close().ok());
}

// Pitfalls P2 and P3: LevelDB with reuse_logs appends after a torn record and
// loses the writes that it acknowledges next (google/leveldb#1287).
TEST_F(HotFaultTest, ATornLogIsNotAppendedTo) {
  for (const uint64_t torn_bytes : {1u, 5u, 100u, 150u}) {
    SCOPED_TRACE(torn_bytes);
    std::filesystem::remove_all(dir_);
    ASSERT_TRUE(Open(&env_).ok());
    for (uint64_t i = 1; i <= 20; i++) ASSERT_TRUE(Put(i).ok());
    db_.reset();
    const std::string log = NewestLog();
    std::filesystem::resize_file(log,
                                 std::filesystem::file_size(log) - torn_bytes);
    ASSERT_TRUE(Open(&env_, /*reuse_logs=*/true).ok());
    ASSERT_TRUE(Put(20).ok());
    db_.reset();
    ASSERT_TRUE(Open(&env_, /*reuse_logs=*/true, /*paranoid=*/true).ok());
    db_.reset();
    EXPECT_EQ(CheckDatabase(dir_, 20), "");
  }
}

TEST_F(HotFaultTest, AWholeLogIsAppendedToWithReuseLogs) {
  ASSERT_TRUE(Open(&env_).ok());
  for (uint64_t i = 1; i <= 20; i++) ASSERT_TRUE(Put(i).ok());
  db_.reset();
  const std::string log = NewestLog();
  ASSERT_TRUE(Open(&env_, /*reuse_logs=*/true).ok());
  ASSERT_TRUE(Put(21).ok());
  EXPECT_EQ(NewestLog(), log);
  EXPECT_EQ(env_.GetStats(dir_).last_sequence, 21u);
}

TEST_F(HotFaultTest, AppendingToATornLogOrManifestIsNotSupported) {
  BuildDatabase(dir_, 20);
  std::string manifest;
  for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
    if (entry.path().filename().string().starts_with("MANIFEST-")) {
      manifest = entry.path();
    }
  }
  for (const std::string& path : {NewestLog(), manifest}) {
    leveldb::WritableFile* file = nullptr;
    ASSERT_TRUE(env_.NewAppendableFile(path, &file).ok()) << path;
    delete file;
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
    const leveldb::Status status = env_.NewAppendableFile(path, &file);
    EXPECT_TRUE(status.IsNotSupportedError()) << status.ToString();
    EXPECT_EQ(file, nullptr);
    WriteFile(path, "no log at all");
    EXPECT_TRUE(env_.NewAppendableFile(path, &file).IsNotSupportedError());
    std::filesystem::remove(path);
    EXPECT_TRUE(env_.NewAppendableFile(path, &file).ok());  // a new file
    delete file;
  }
}

// P2 for a backup: a restored copy may be opened with reuse_logs.
TEST_F(HotFaultTest, ARestoredSnapshotKeepsWritesThatFollowWithReuseLogs) {
  ASSERT_TRUE(Open(&env_).ok());
  for (uint64_t i = 1; i <= 50; i++) {
    ASSERT_TRUE(Put(i).ok());
    const auto snapshot = env_.Take(dir_);
    ASSERT_TRUE(snapshot.ok());
    if (i % 10 != 0) continue;
    const std::string copy = temp_.Sub("copy" + std::to_string(i));
    ASSERT_TRUE(Materialise(**snapshot, copy).ok());
    leveldb::Options options;
    options.reuse_logs = true;
    leveldb::DB* restored = nullptr;
    ASSERT_TRUE(leveldb::DB::Open(options, copy, &restored).ok());
    ASSERT_TRUE(restored->Put({}, EventKey(i + 1), EventValue(i + 1)).ok());
    delete restored;
    EXPECT_EQ(CheckDatabase(copy, i + 1), "");
  }
}

}  // namespace
}  // namespace levelkeep::test
