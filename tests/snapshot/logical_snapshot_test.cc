#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "base/file_system.h"
#include "gtest/gtest.h"
#include "leveldb/db.h"
#include "snapshot/snapshot.h"
#include "support/leveldb_fixture.h"
#include "support/snapshot_verifier.h"
#include "support/temp_dir.h"
#include "support/workload.h"

namespace levelkeep::test {
namespace {

constexpr const char* kBytewise = "leveldb.BytewiseComparator";

// Requests a stop after a part of the source was read.
class StoppingEnv : public leveldb::EnvWrapper {
 public:
  explicit StoppingEnv(std::stop_source* stop)
      : leveldb::EnvWrapper(leveldb::Env::Default()), stop_(stop) {}
  leveldb::Status NewRandomAccessFile(
      const std::string& name, leveldb::RandomAccessFile** file) override {
    const auto status = target()->NewRandomAccessFile(name, file);
    if (status.ok()) *file = new StoppingFile(*file, this);
    return status;
  }

 private:
  class StoppingFile : public leveldb::RandomAccessFile {
   public:
    StoppingFile(leveldb::RandomAccessFile* base, StoppingEnv* env)
        : base_(base), env_(env) {}
    leveldb::Status Read(uint64_t offset, size_t n, leveldb::Slice* result,
                         char* scratch) const override {
      if (++env_->reads_ == 300) env_->stop_->request_stop();
      return base_->Read(offset, n, result, scratch);
    }

   private:
    const std::unique_ptr<leveldb::RandomAccessFile> base_;
    StoppingEnv* const env_;
  };

  std::stop_source* const stop_;
  std::atomic<int> reads_{0};
};

class LogicalSnapshotTest : public ::testing::Test {
 protected:
  void Open() {
    leveldb::Options options;
    options.create_if_missing = true;
    options.write_buffer_size = 64 << 10;
    leveldb::DB* db = nullptr;
    ASSERT_TRUE(leveldb::DB::Open(options, dir_, &db).ok());
    db_.reset(db);
  }

  Result<std::unique_ptr<Snapshot>> Take(std::stop_token stop = {}) {
    return TakeLogicalSnapshot(FileSystem::Posix(), db_.get(), kBytewise,
                               temp_.Sub("scratch"), stop);
  }

  TempDir temp_;
  const std::string dir_ = temp_.Sub("db");
  std::unique_ptr<leveldb::DB> db_;
};

TEST_F(LogicalSnapshotTest, CopiesEverythingAndCleansUp) {
  BuildDatabase(dir_, 3000);
  Open();
  {
    const auto snapshot = Take();
    ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
    EXPECT_EQ((*snapshot)->info().method, SnapshotMethod::kLogical);
    EXPECT_EQ((*snapshot)->info().comparator, kBytewise);
    EXPECT_EQ((*snapshot)->info().last_sequence, 3000u);
    EXPECT_TRUE(std::filesystem::exists(temp_.Sub("scratch")));
    ASSERT_TRUE(Materialise(**snapshot, temp_.Sub("copy")).ok());
  }
  EXPECT_FALSE(std::filesystem::exists(temp_.Sub("scratch")));
  EXPECT_EQ(CheckDatabase(temp_.Sub("copy"), 3000), "");
}

TEST_F(LogicalSnapshotTest, AnEmptyDatabaseWorks) {
  Open();
  const auto snapshot = Take();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
  ASSERT_TRUE(Materialise(**snapshot, temp_.Sub("copy")).ok());
  EXPECT_EQ(CheckDatabase(temp_.Sub("copy"), 0), "");
}

TEST_F(LogicalSnapshotTest, IsAnExactStateUnderWrites) {
  Open();
  std::atomic<uint64_t> acknowledged{0};
  std::atomic<bool> failed{false};
  std::jthread writer([&](std::stop_token stop) {
    for (uint64_t number = 1; !stop.stop_requested(); number++) {
      leveldb::WriteBatch batch = ToWriteBatch(MakeBatch(1, number));
      if (!db_->Write(leveldb::WriteOptions(), &batch).ok()) failed = true;
      acknowledged = number;
    }
  });
  SnapshotVerifier verifier;
  for (int round = 0; round < 10; round++) {
    const Head before{1, acknowledged};
    const std::string copy = temp_.Sub("copy" + std::to_string(round));
    {
      const auto snapshot = Take();
      ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
      ASSERT_TRUE(Materialise(**snapshot, copy).ok());
    }
    // No sequence is given: the copy counts its own sequence numbers.
    EXPECT_EQ(verifier.Verify(copy, std::nullopt, before), "");
  }
  EXPECT_FALSE(failed);
}

TEST_F(LogicalSnapshotTest, CanBeCancelled) {
  BuildDatabase(dir_, 5000);
  Open();
  std::stop_source stop;
  stop.request_stop();
  const auto snapshot = Take(stop.get_token());
  EXPECT_EQ(snapshot.status().code(), StatusCode::kCancelled);
  EXPECT_FALSE(std::filesystem::exists(temp_.Sub("scratch")));
}

TEST_F(LogicalSnapshotTest, CanBeCancelledInTheMiddle) {
  BuildOptions large;
  large.value_bytes = 2000;
  large.write_buffer_bytes = 4 << 20;
  BuildDatabase(dir_, 5000, large);
  std::stop_source stop;
  StoppingEnv env(&stop);
  leveldb::Options options;
  options.env = &env;
  leveldb::DB* db = nullptr;
  ASSERT_TRUE(leveldb::DB::Open(options, dir_, &db).ok());
  db_.reset(db);
  const auto snapshot = Take(stop.get_token());
  EXPECT_EQ(snapshot.status().code(), StatusCode::kCancelled);
  EXPECT_FALSE(std::filesystem::exists(temp_.Sub("scratch")));
  db_.reset();
}

TEST_F(LogicalSnapshotTest, AnotherComparatorIsUnsupported) {
  Open();
  const auto snapshot =
      TakeLogicalSnapshot(FileSystem::Posix(), db_.get(), "my.Comparator",
                          temp_.Sub("scratch"), {});
  EXPECT_EQ(snapshot.status().code(), StatusCode::kUnsupported);
  EXPECT_NE(snapshot.status().message().find("my.Comparator"),
            std::string::npos);
}

TEST_F(LogicalSnapshotTest, LeavesAnExistingScratchDirectoryAlone) {
  Open();
  std::filesystem::create_directory(temp_.Sub("scratch"));
  EXPECT_EQ(Take().status().code(), StatusCode::kAlreadyExists);
  EXPECT_TRUE(std::filesystem::exists(temp_.Sub("scratch")));
}

TEST_F(LogicalSnapshotTest, DamageInTheSourceIsAnErrorNotAShorterCopy) {
  BuildDatabase(dir_, 4000);
  std::string table;
  for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
    if (entry.path().extension() == ".ldb") table = entry.path();
  }
  std::string contents = ReadFile(table);
  contents[200] = static_cast<char>(contents[200] ^ 1);
  WriteFile(table, contents);
  Open();
  const auto snapshot = Take();
  EXPECT_EQ(snapshot.status().code(), StatusCode::kCorruption);
  EXPECT_FALSE(std::filesystem::exists(temp_.Sub("scratch")));
}

}  // namespace
}  // namespace levelkeep::test
