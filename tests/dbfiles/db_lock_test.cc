// Checks all observations about LOCK, with real other processes.

#include "dbfiles/db_lock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "leveldb/db.h"
#include "snapshot/snapshot_env.h"
#include "support/fault_file_system.h"
#include "support/leveldb_fixture.h"
#include "support/other_process.h"
#include "support/temp_dir.h"

namespace levelkeep::test {
namespace {

constexpr int kOpened = 0;
constexpr int kRefused = 3;

class DbLockTest : public ::testing::Test {
 protected:
  DbLockTest() { BuildDatabase(dir_, 10); }

  Result<std::unique_ptr<DbLock>> Acquire(const std::string& dir) {
    return DbLock::Acquire(FileSystem::Posix(), dir);
  }

  DbLock::State Probe() {
    holder_ = "unset";
    const auto state = DbLock::Probe(FileSystem::Posix(), dir_, &holder_);
    EXPECT_TRUE(state.ok()) << state.status().ToString();
    return state.ok() ? *state : DbLock::State::kHeldByOther;
  }

  // A stock LevelDB in another process tries to open the database.
  int TryElsewhere() { return OtherProcess({"try", dir_}).Finish(); }

  std::unique_ptr<leveldb::DB> OpenHere(leveldb::Env* env,
                                        const std::string& dir) {
    leveldb::Options options;
    options.env = env;
    leveldb::DB* db = nullptr;
    status_ = leveldb::DB::Open(options, dir, &db);
    return std::unique_ptr<leveldb::DB>(db);
  }

  TempDir temp_;
  const std::string dir_ = temp_.Sub("db");
  std::string holder_;
  leveldb::Status status_;
};

TEST_F(DbLockTest, ExcludesOthersAndIsReleased) {
  EXPECT_EQ(Probe(), DbLock::State::kFree);
  EXPECT_EQ(holder_, "");
  {
    const auto lock = Acquire(dir_);
    ASSERT_TRUE(lock.ok()) << lock.status().ToString();
    EXPECT_EQ(TryElsewhere(), kRefused);
    EXPECT_EQ(Probe(), DbLock::State::kHeldByThisProcess);
    EXPECT_EQ(holder_, "this process");
  }
  EXPECT_EQ(Probe(), DbLock::State::kFree);
  EXPECT_EQ(TryElsewhere(), kOpened);
}

TEST_F(DbLockTest, NamesTheProcessThatHasTheDatabaseOpen) {
  OtherProcess other({"hold", dir_});
  const std::string pid = "pid " + std::to_string(other.pid());
  ASSERT_EQ(other.ReadLine(), "ready");
  const auto lock = Acquire(dir_);
  ASSERT_FALSE(lock.ok());
  EXPECT_EQ(lock.status().code(), StatusCode::kBusy);
  EXPECT_NE(lock.status().message().find(dir_), std::string::npos);
  EXPECT_NE(lock.status().message().find(pid), std::string::npos)
      << lock.status().message();
  EXPECT_FALSE(lock.status().hint().empty());
  EXPECT_EQ(Probe(), DbLock::State::kHeldByOther);
  EXPECT_NE(holder_.find(pid), std::string::npos) << holder_;
  EXPECT_EQ(other.Finish(), 0);
  EXPECT_TRUE(Acquire(dir_).ok());
}

TEST_F(DbLockTest, ExcludesAnotherHolderOfAnOpenFileDescriptionLock) {
  OtherProcess other({"hold-ofd", dir_});
  ASSERT_EQ(other.ReadLine(), "ready");
  EXPECT_EQ(Acquire(dir_).status().code(), StatusCode::kBusy);
  EXPECT_EQ(Probe(), DbLock::State::kHeldByOther);
  EXPECT_FALSE(holder_.empty());
}

TEST_F(DbLockTest, ALockDiesWithItsProcessAndTheFileBlocksNothing) {
  OtherProcess other({"hold", dir_});
  ASSERT_EQ(other.ReadLine(), "ready");
  other.Kill();
  EXPECT_TRUE(std::filesystem::exists(dir_ + "/LOCK"));
  EXPECT_EQ(Probe(), DbLock::State::kFree);
  EXPECT_TRUE(Acquire(dir_).ok());
}

// Row 4 of the observations: closing any descriptor of LOCK drops a classic
// lock of the same process.
TEST_F(DbLockTest, SurvivesOpenAndCloseOfLockInThisProcess) {
  const auto lock = Acquire(dir_);
  ASSERT_TRUE(lock.ok());
  const int fd = ::open((dir_ + "/LOCK").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  ::close(fd);
  EXPECT_EQ(TryElsewhere(), kRefused);
}

// Rows 5 and 6: a second open of the same directory in one process.
TEST_F(DbLockTest, ASecondOpenThroughSnapshotEnvIsRefusedAndHarmless) {
  const std::string link = temp_.Sub("link");
  std::filesystem::create_directory_symlink(dir_, link);
  SnapshotEnv env, other_env;
  auto db = OpenHere(&env, dir_);
  ASSERT_TRUE(status_.ok()) << status_.ToString();
  for (leveldb::Env* second : {&env, &other_env}) {
    for (const std::string& alias :
         {dir_, dir_ + "/", temp_.path() + "/db/../db", link}) {
      EXPECT_EQ(OpenHere(second, alias), nullptr) << alias;
      EXPECT_NE(status_.ToString().find("open in this process"),
                std::string::npos)
          << status_.ToString();
    }
  }
  EXPECT_EQ(OpenHere(leveldb::Env::Default(), dir_), nullptr);
  EXPECT_EQ(Acquire(link).status().code(), StatusCode::kBusy);
  // The lock and the snapshots of the first open are still there.
  EXPECT_EQ(TryElsewhere(), kRefused);
  EXPECT_TRUE(env.GetStats(dir_).attached);
  EXPECT_EQ(env.GetStats(dir_).last_sequence, 10u);
  db.reset();
  EXPECT_EQ(TryElsewhere(), kOpened);
}

// A database that this process opened with a stock Env has a classic lock: our
// look at the database must not release it.
TEST_F(DbLockTest, LeavesTheClassicLockOfAStockEnvInThisProcessAlone) {
  const auto db = OpenHere(leveldb::Env::Default(), dir_);
  ASSERT_TRUE(status_.ok());
  EXPECT_EQ(Probe(), DbLock::State::kHeldByThisProcess);
  EXPECT_EQ(Acquire(dir_).status().code(), StatusCode::kBusy);
  SnapshotEnv env;
  EXPECT_EQ(OpenHere(&env, dir_), nullptr);
  EXPECT_EQ(TryElsewhere(), kRefused);
}

// The kernel drops a classic lock when any descriptor of LOCK is closed, so
// none is closed before the kernel has been asked.
TEST_F(DbLockTest, NoticesAClassicLockByAnotherNameOfTheFile) {
  const std::string link = temp_.Sub("link");
  const std::string moved = temp_.Sub("moved");
  std::filesystem::create_directory_symlink(dir_, link);
  const auto db = OpenHere(leveldb::Env::Default(), link);
  ASSERT_TRUE(status_.ok()) << status_.ToString();
  EXPECT_EQ(Probe(), DbLock::State::kHeldByThisProcess);
  std::filesystem::rename(dir_, moved);  // not the name it was opened by
  EXPECT_EQ(Acquire(moved).status().code(), StatusCode::kBusy);
  std::filesystem::rename(moved, dir_);
  EXPECT_EQ(TryElsewhere(), kRefused);
}

// A classic lock on LOCK, taken as stock LevelDB does.
class ClassicLock {
 public:
  explicit ClassicLock(const std::string& dir)
      : fd_(::open((dir + "/LOCK").c_str(), O_RDWR | O_CLOEXEC)) {
    struct flock range = {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    EXPECT_EQ(::fcntl(fd_, F_SETLK, &range), 0);
  }
  ~ClassicLock() { ::close(fd_); }
  ClassicLock(const ClassicLock&) = delete;
  ClassicLock& operator=(const ClassicLock&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

TEST_F(DbLockTest, NoticesAClassicLockWithADuplicateOfItsDescriptor) {
  const ClassicLock lock(dir_);
  const UniqueFd duplicate(::fcntl(lock.fd(), F_DUPFD_CLOEXEC, 200));
  ASSERT_GE(duplicate.get(), 200);
  EXPECT_EQ(Probe(), DbLock::State::kHeldByThisProcess);
  EXPECT_EQ(Acquire(dir_).status().code(), StatusCode::kBusy);
  EXPECT_EQ(TryElsewhere(), kRefused);
}

TEST_F(DbLockTest, AnOpenDescriptorWithoutLockIsNoHolder) {
  const UniqueFd open(::open((dir_ + "/LOCK").c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(open.valid());
  EXPECT_EQ(Probe(), DbLock::State::kFree);
  EXPECT_TRUE(Acquire(dir_).ok());
  OtherProcess other({"hold", dir_});
  ASSERT_EQ(other.ReadLine(), "ready");
  EXPECT_EQ(Probe(), DbLock::State::kHeldByOther);
  EXPECT_NE(holder_.find(std::to_string(other.pid())), std::string::npos);
}

// A lock among so many descriptors that their table is not searched (32,768
// slots), and in a table that is just small enough (16,384).
TEST_F(DbLockTest, NoticesAClassicLockAmongManyDescriptors) {
  struct rlimit limit = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const struct rlimit before = limit;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 20'000);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  {
    const ClassicLock lock(dir_);
    for (const int highest : {1'000, 10'000, 17'000}) {
      if (static_cast<rlim_t>(highest) >= limit.rlim_cur) continue;
      std::vector<UniqueFd> crowd;
      while (crowd.empty() || crowd.back().get() < highest) {
        crowd.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        ASSERT_TRUE(crowd.back().valid());
      }
      EXPECT_EQ(Probe(), DbLock::State::kHeldByThisProcess) << highest;
      EXPECT_EQ(TryElsewhere(), kRefused) << highest;
    }
  }
  EXPECT_EQ(Probe(), DbLock::State::kFree);
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST_F(DbLockTest, ProbeCreatesNothing) {
  std::filesystem::remove(dir_ + "/LOCK");
  EXPECT_EQ(Probe(), DbLock::State::kFree);
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/LOCK"));
  EXPECT_TRUE(Acquire(dir_).ok());
  EXPECT_TRUE(std::filesystem::exists(dir_ + "/LOCK"));  // it stays
}

TEST_F(DbLockTest, AMissingDirectoryIsNotFound) {
  EXPECT_EQ(Acquire(temp_.Sub("none")).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(*DbLock::Probe(FileSystem::Posix(), temp_.Sub("none"), nullptr),
            DbLock::State::kFree);
}

TEST_F(DbLockTest, ALockThatIsNoFileIsAnErrorThatNamesIt) {
  std::filesystem::remove(dir_ + "/LOCK");
  std::filesystem::create_directory(dir_ + "/LOCK");
  const auto lock = Acquire(dir_);
  ASSERT_FALSE(lock.ok());
  EXPECT_NE(lock.status().code(), StatusCode::kBusy);
  EXPECT_NE(lock.status().message().find("LOCK"), std::string::npos);
  std::string holder;
  EXPECT_FALSE(DbLock::Probe(FileSystem::Posix(), dir_, &holder).ok());
}

// No mode keeps root out, so this disk refuses the lock itself.
class ForbiddingFileSystem : public FaultFileSystem {
 public:
  ForbiddingFileSystem() : FaultFileSystem(FileSystem::Posix()) {}
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    return Status(StatusCode::kPermissionDenied, "cannot open " + path);
  }
};

TEST_F(DbLockTest, ALockThatMayNotBeOpenedIsPermissionDenied) {
  ForbiddingFileSystem fs;
  const auto lock = DbLock::Acquire(&fs, dir_);
  EXPECT_EQ(lock.status().code(), StatusCode::kPermissionDenied);
  EXPECT_NE(lock.status().message().find(dir_ + "/LOCK"), std::string::npos);
  EXPECT_EQ(DbLock::Probe(&fs, dir_, nullptr).status().code(),
            StatusCode::kPermissionDenied);
}

// As for an owner who is not root: the mode of the file counts.
class OwnersFileSystem : public FaultFileSystem {
 public:
  OwnersFileSystem() : FaultFileSystem(FileSystem::Posix()) {}
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    const auto info = Stat(path);
    if (info.ok() && (info->mode & 0600) != 0600) {
      return Status(StatusCode::kPermissionDenied, "cannot open " + path);
    }
    return FaultFileSystem::Lock(path);
  }
};

TEST_F(DbLockTest, PermissionsThatACopyLostComeBack) {
  const std::string path = dir_ + "/LOCK";
  OwnersFileSystem fs;
  for (const uint32_t mode : {0u, 0044u, 0400u}) {
    ASSERT_TRUE(fs.SetMode(path, mode).ok());
    EXPECT_EQ(DbLock::Probe(&fs, dir_, nullptr).value(), DbLock::State::kFree);
    EXPECT_EQ(fs.Stat(path)->mode, mode | 0600);
    ASSERT_TRUE(fs.SetMode(path, mode).ok());
    EXPECT_TRUE(DbLock::Acquire(&fs, dir_).ok());
    EXPECT_EQ(fs.Stat(path)->mode, mode | 0600);
  }
}

TEST_F(DbLockTest, PermissionsThatSomebodyElseHasToGiveAreAskedFor) {
  const std::string path = dir_ + "/LOCK";
  OwnersFileSystem fs;
  ASSERT_TRUE(fs.SetMode(path, 0).ok());
  fs.FailOn("SetMode " + path, StatusCode::kPermissionDenied, 1,
            FaultFileSystem::kAlways);
  EXPECT_EQ(DbLock::Acquire(&fs, dir_).status().code(),
            StatusCode::kPermissionDenied);
  EXPECT_TRUE(fs.fired());
  EXPECT_EQ(DbLock::Probe(&fs, dir_, nullptr).status().code(),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(fs.Stat(path)->mode, 0u);
}

// Returns the result of `ask` in a forked child; the child ends without
// destructors.
int InForkedChild(const std::function<int()>& ask) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(ask());
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(DbLockTest, AForkedChildHoldsNothingAndReleasesNothing) {
  auto lock = Acquire(dir_);
  ASSERT_TRUE(lock.ok());
  const std::string pid = "(pid " + std::to_string(::getpid()) + ", ";
  EXPECT_EQ(InForkedChild([&] {
              if (Probe() != DbLock::State::kHeldByOther) return 1;
              if (!holder_.starts_with("another process " + pid)) return 2;
              lock->reset();
              return Probe() == DbLock::State::kHeldByOther ? 0 : 3;
            }),
            0);
  EXPECT_EQ(TryElsewhere(), kRefused);
  EXPECT_EQ(Probe(), DbLock::State::kHeldByThisProcess);
}

// The child has a copy of a lock that its parent has released, and a lock of
// its own.
TEST_F(DbLockTest, AForkedChildKeepsItsOwnLockWhenItDropsTheCopy) {
  int released[2];
  ASSERT_EQ(::pipe(released), 0);
  auto lock = Acquire(dir_);
  ASSERT_TRUE(lock.ok());
  const pid_t child = ::fork();
  if (child == 0) {
    char byte;
    if (::read(released[0], &byte, 1) != 1) ::_exit(1);
    const auto own = Acquire(dir_);
    if (!own.ok()) ::_exit(2);
    lock->reset();
    if (Probe() != DbLock::State::kHeldByThisProcess) ::_exit(3);
    ::_exit(TryElsewhere() == kRefused ? 0 : 4);
  }
  lock->reset();
  EXPECT_EQ(::write(released[1], "x", 1), 1);
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  ::close(released[0]);
  ::close(released[1]);
}

// An application may have forked a worker process: with a stock Env, the
// database opens again.
TEST_F(DbLockTest, ADatabaseOpensAgainWhileAForkedChildLives) {
  SnapshotEnv env;
  auto db = OpenHere(&env, dir_);
  ASSERT_TRUE(status_.ok()) << status_.ToString();
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  db.reset();
  db = OpenHere(&env, dir_);
  EXPECT_TRUE(status_.ok()) << status_.ToString();
  db.reset();
  EXPECT_EQ(TryElsewhere(), kOpened);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

TEST_F(DbLockTest, OneOfManyThreadsGetsIt) {
  std::atomic<int> holders{0}, most{0}, successes{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; i++) {
      threads.emplace_back([&] {
        for (int round = 0; round < 200; round++) {
          const auto lock = Acquire(dir_);
          if (!lock.ok()) {
            EXPECT_EQ(lock.status().code(), StatusCode::kBusy);
            continue;
          }
          successes++;
          const int now = ++holders;
          if (now > most) most = now;
          holders--;
        }
      });
    }
  }
  EXPECT_EQ(most, 1);
  EXPECT_GT(successes, 0);
}

}  // namespace
}  // namespace levelkeep::test
