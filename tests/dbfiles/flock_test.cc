// LOCK as goleveldb and rusty-leveldb lock it: with flock(2), which a record
// lock neither sees nor excludes.

#include <fcntl.h>
#include <sys/file.h>

#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "dbfiles/db_lock.h"
#include "gtest/gtest.h"
#include "leveldb/db.h"
#include "snapshot/snapshot_env.h"
#include "support/leveldb_fixture.h"
#include "support/other_process.h"
#include "support/temp_dir.h"

namespace levelkeep::test {
namespace {

constexpr int kFree = 0;
constexpr int kHeld = 3;

class FlockTest : public ::testing::Test {
 protected:
  FlockTest() { BuildDatabase(dir_, 10); }

  Result<std::unique_ptr<DbLock>> Acquire() {
    return DbLock::Acquire(FileSystem::Posix(), dir_);
  }
  Result<DbLock::State> Probe() {
    return DbLock::Probe(FileSystem::Posix(), dir_, &holder_);
  }
  // A goleveldb in another process tries to open the database.
  int TryElsewhere() { return OtherProcess({"try-flock", dir_}).Finish(); }

  TempDir temp_;
  const std::string dir_ = temp_.Sub("db");
  std::string holder_;
};

TEST_F(FlockTest, AHolderIsSeenAndNamed) {
  OtherProcess other({"hold-flock", dir_});
  ASSERT_EQ(other.ReadLine(), "ready");
  // The kernel keeps 15 characters of a program's name.
  const std::string holder = "another process (pid " +
                             std::to_string(other.pid()) + ", levelkeep-other)";
  EXPECT_EQ(Probe().value(), DbLock::State::kHeldByOther);
  EXPECT_EQ(holder_, holder);
  const auto lock = Acquire();
  EXPECT_EQ(lock.status().code(), StatusCode::kBusy);
  EXPECT_EQ(lock.status().message(),
            "database " + dir_ + " is open in " + holder);
  EXPECT_FALSE(lock.status().hint().empty());
  EXPECT_EQ(other.Finish(), 0);
  EXPECT_EQ(Probe().value(), DbLock::State::kFree);
  EXPECT_TRUE(Acquire().ok());
}

// A refused Acquire keeps no record lock either.
TEST_F(FlockTest, ARefusalHoldsNothing) {
  OtherProcess other({"hold-flock", dir_});
  ASSERT_EQ(other.ReadLine(), "ready");
  EXPECT_EQ(Acquire().status().code(), StatusCode::kBusy);
  EXPECT_EQ(OtherProcess({"try", dir_}).Finish(), kFree);
}

TEST_F(FlockTest, IsHeldBesideTheRecordLockAndReleasedWithIt) {
  {
    const auto lock = Acquire();
    ASSERT_TRUE(lock.ok()) << lock.status().ToString();
    EXPECT_EQ(TryElsewhere(), kHeld);
    EXPECT_EQ(OtherProcess({"try", dir_}).Finish(), kHeld);
  }
  EXPECT_EQ(TryElsewhere(), kFree);
}

TEST_F(FlockTest, ADatabaseThatWeOpenIsLockedInBothWays) {
  SnapshotEnv env;
  leveldb::Options options;
  options.env = &env;
  leveldb::DB* raw = nullptr;
  ASSERT_TRUE(leveldb::DB::Open(options, dir_, &raw).ok());
  std::unique_ptr<leveldb::DB> db(raw);
  EXPECT_EQ(TryElsewhere(), kHeld);
  db.reset();
  EXPECT_EQ(TryElsewhere(), kFree);
}

TEST_F(FlockTest, ADatabaseThatIsHeldIsNotOpened) {
  OtherProcess other({"hold-flock", dir_});
  ASSERT_EQ(other.ReadLine(), "ready");
  SnapshotEnv env;
  leveldb::Options options;
  options.env = &env;
  leveldb::DB* raw = nullptr;
  const leveldb::Status status = leveldb::DB::Open(options, dir_, &raw);
  const std::unique_ptr<leveldb::DB> db(raw);
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.ToString().find(std::to_string(other.pid())),
            std::string::npos)
      << status.ToString();
}

// Another library of this process has the flock with a descriptor of its own:
// closing our descriptors does not release that lock.
TEST_F(FlockTest, AHolderInThisProcessKeepsItsLock) {
  const UniqueFd fd(::open((dir_ + "/LOCK").c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::flock(fd.get(), LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(Probe().value(), DbLock::State::kHeldByOther);
  EXPECT_NE(holder_.find("this process itself"), std::string::npos) << holder_;
  EXPECT_EQ(Acquire().status().code(), StatusCode::kBusy);
  EXPECT_EQ(TryElsewhere(), kHeld);
}

}  // namespace
}  // namespace levelkeep::test
