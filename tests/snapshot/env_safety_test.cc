// SnapshotEnv on a disk that fails while LevelDB opens a database: without it,
// LevelDB would lose acknowledged writes.

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <set>
#include <string>

#include "leveldb/db.h"
#include "snapshot/snapshot.h"
#include "snapshot/snapshot_env.h"
#include "support/leveldb/simulated_env.h"
#include "support/simulated_disk.h"

namespace levelkeep::test {
namespace {

constexpr char kDir[] = "/srv/db";

class EnvSafetyTest : public ::testing::TestWithParam<bool> {
 protected:
  EnvSafetyTest() {
    EXPECT_TRUE(disk_.file_system()->CreateDirectory("/srv").ok());
    disk_.SyncAll();
  }
  // Like many applications: creates a missing database.
  std::unique_ptr<leveldb::DB> Open(leveldb::Env* env) {
    leveldb::Options options;
    options.env = env;
    options.create_if_missing = true;
    options.reuse_logs = GetParam();
    leveldb::DB* db = nullptr;
    (void)leveldb::DB::Open(options, kDir, &db);
    return std::unique_ptr<leveldb::DB>(db);
  }
  static bool Put(leveldb::DB* db, const std::string& key) {
    leveldb::WriteOptions options;
    options.sync = true;
    return db->Put(options, key, "value").ok();
  }
  static std::string Keys(leveldb::DB* db) {
    std::string keys;
    const std::unique_ptr<leveldb::Iterator> it(db->NewIterator({}));
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      keys += it->key().ToString();
    }
    return it->status().ok() ? keys : "unreadable";
  }

  SimulatedDisk disk_;
  SimulatedEnv base_{&disk_};
};

TEST_P(EnvSafetyTest, AFaultWhileOpeningLosesNothing) {
  {
    SnapshotEnv env(&base_, disk_.file_system());
    auto db = Open(&env);
    ASSERT_NE(db, nullptr);
    ASSERT_TRUE(Put(db.get(), "a"));
    db = nullptr;
    db = Open(&env);
    ASSERT_TRUE(Put(db.get(), "b"));
  }
  disk_.SyncAll();
  const SimulatedState first = disk_.Save();
  for (const int error : {EIO, EMFILE, EACCES}) {
    bool more = true;
    for (uint64_t n = 1; more; ++n) {
      disk_.Restore(first);
      disk_.FailAt(n, error);
      SnapshotEnv env(&base_, disk_.file_system());
      // A write that was not acknowledged may exist or not.
      std::set<std::string> expected = {"ab"};
      if (auto db = Open(&env)) {
        const std::string keys = Keys(db.get());
        ASSERT_TRUE(keys == "ab" || keys == "unreadable")
            << keys << ": " << disk_.last_operation();
        const bool put = Put(db.get(), "c");
        if (put) expected.clear();
        expected.insert("abc");
        // Either all acknowledged writes are in the snapshot, or there is none.
        auto snapshot = env.Take(kDir);
        if (snapshot.ok()) {
          EXPECT_GE((*snapshot)->info().last_sequence, put ? 3u : 2u)
              << disk_.last_operation();
        }
      }
      more = disk_.fired();
      const std::string where = disk_.last_operation();
      disk_.Restore(disk_.Save());
      auto db = Open(&env);
      ASSERT_NE(db, nullptr) << where;
      ASSERT_EQ(expected.count(Keys(db.get())), 1u) << where;
    }
  }
}

TEST_P(EnvSafetyTest, ANewDatabaseIsThereAfterAPowerLoss) {
  {
    SnapshotEnv env(&base_, disk_.file_system());
    auto db = Open(&env);
    ASSERT_NE(db, nullptr);
    ASSERT_TRUE(Put(db.get(), "a"));
  }
  disk_.Reboot(0);
  SnapshotEnv env(&base_, disk_.file_system());
  auto db = Open(&env);
  ASSERT_NE(db, nullptr);
  EXPECT_EQ(Keys(db.get()), "a");
}

// A MANIFEST that reaches the disk early may not name a table that is lost.
TEST_P(EnvSafetyTest, ATableIsThereBeforeTheManifestNamesIt) {
  disk_.Record();
  {
    SnapshotEnv env(&base_, disk_.file_system());
    for (const char* key : {"a", "b", "c"}) {
      auto db = Open(&env);
      ASSERT_NE(db, nullptr);
      ASSERT_TRUE(Put(db.get(), key));
      db->CompactRange(nullptr, nullptr);
    }
  }
  for (const SimulatedDisk::Moment& moment : disk_.TakeMoments()) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      disk_.Restore(moment.state);
      disk_.Reboot(seed);
      SnapshotEnv env(&base_, disk_.file_system());
      ASSERT_NE(Open(&env), nullptr) << moment.name << ", seed " << seed;
    }
  }
}

// Lists a folder of a failing disk like LevelDB's own Env.
class ListsNothing : public leveldb::EnvWrapper {
 public:
  using leveldb::EnvWrapper::EnvWrapper;
  leveldb::Status GetChildren(const std::string& /*dir*/,
                              std::vector<std::string>* names) override {
    names->clear();
    return leveldb::Status::OK();
  }
};

TEST_P(EnvSafetyTest, LogsAreFoundWhateverTheBaseLists) {
  ListsNothing lists_nothing(&base_);
  for (const char* expected : {"a", "ab"}) {
    SnapshotEnv env(&lists_nothing, disk_.file_system());
    auto db = Open(&env);
    ASSERT_NE(db, nullptr);
    ASSERT_TRUE(Put(db.get(), expected[1] == 0 ? "a" : "b"));
    EXPECT_EQ(Keys(db.get()), expected);
  }
}

INSTANTIATE_TEST_SUITE_P(ReuseLogs, EnvSafetyTest, ::testing::Bool());

}  // namespace
}  // namespace levelkeep::test
