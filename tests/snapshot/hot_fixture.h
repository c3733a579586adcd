// The fixture that tests of hot snapshots share.

#ifndef LEVELKEEP_TESTS_SNAPSHOT_HOT_FIXTURE_H_
#define LEVELKEEP_TESTS_SNAPSHOT_HOT_FIXTURE_H_

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

// An events database in a temporary directory, open through a SnapshotEnv.
class HotSnapshotFixture : public ::testing::Test {
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
    Result<std::unique_ptr<Snapshot>> snapshot = env_.Take(dir_);
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
  SnapshotEnv env_;
  std::unique_ptr<leveldb::DB> db_;
  int copies_ = 0;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_SNAPSHOT_HOT_FIXTURE_H_
