#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

#include "base/file_system.h"
#include "base/posix_file.h"
#include "base/process.h"
#include "base/unique_fd.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

// A process that calls `take` and then waits to be killed.
class Holder {
 public:
  explicit Holder(const std::function<bool()>& take) {
    int ready[2];
    if (::pipe(ready) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      const char answer = take() ? 'y' : 'n';
      if (::write(ready[1], &answer, 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    char answer = '?';
    took_ = ::read(ready[0], &answer, 1) == 1 && answer == 'y';
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~Holder() { Kill(); }
  void Kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  pid_t pid() const { return pid_; }
  bool took() const { return took_; }

 private:
  pid_t pid_ = -1;
  bool took_ = false;
};

// Locks as LevelDB does: a traditional lock, which belongs to the process.
bool LockAsLevelDb(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  struct flock range = {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  return fd >= 0 && ::fcntl(fd, F_SETLK, &range) == 0;
}

// Locks as goleveldb does.
bool LockAsGoLevelDb(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  return fd >= 0 && ::flock(fd, LOCK_EX | LOCK_NB) == 0;
}

// A descriptor of this process for that file; -1 if it has none.
int DescriptorOf(const std::string& path) {
  FileSystem* fs = FileSystem::Posix();
  const auto file = fs->Stat(path);
  if (!file.ok()) return -1;
  for (int fd = 3; fd < 1000; ++fd) {
    const auto open = fs->StatFollowing("/proc/self/fd/" + std::to_string(fd));
    if (open.ok() && open->device == file->device &&
        open->inode == file->inode) {
      return fd;
    }
  }
  return -1;
}

// The name of this program in messages.
std::string OwnName() {
  char name[17] = {};
  EXPECT_EQ(::prctl(PR_GET_NAME, name), 0);
  return name;
}

TEST(PosixLockTest, IsExclusiveAndReleasedByTheDestructor) {
  test::TempDir dir;
  FileSystem* fs = FileSystem::Posix();
  auto lock = fs->Lock(dir.Sub("LOCK"));
  ASSERT_TRUE(lock.ok()) << lock.status().ToString();
  const auto second = fs->Lock(dir.Sub("LOCK"));
  EXPECT_EQ(second.status().code(), StatusCode::kBusy);
  EXPECT_NE(second.status().message().find("this process itself (pid " +
                                           std::to_string(::getpid()) + ")"),
            std::string::npos)
      << second.status().message();
  lock->reset();
  EXPECT_TRUE(fs->Lock(dir.Sub("LOCK")).ok());
  EXPECT_TRUE(PathExists(fs, dir.Sub("LOCK")));
}

// Traditional locks are lost when any descriptor of the file is closed.
TEST(PosixLockTest, SurvivesThatAnotherDescriptorIsClosed) {
  test::TempDir dir;
  FileSystem* fs = FileSystem::Posix();
  auto lock = fs->Lock(dir.Sub("LOCK"));
  ASSERT_TRUE(lock.ok());
  fs->Open(dir.Sub("LOCK"), OpenMode::kReadWrite).value().reset();
  Holder other([&] { return LockAsLevelDb(dir.Sub("LOCK")); });
  EXPECT_FALSE(other.took());
}

TEST(PosixLockTest, NamesTheProcessThatHoldsLevelDbsLock) {
  test::TempDir dir;
  Holder holder([&] { return LockAsLevelDb(dir.Sub("LOCK")); });
  ASSERT_TRUE(holder.took());
  const auto lock = FileSystem::Posix()->Lock(dir.Sub("LOCK"));
  EXPECT_EQ(lock.status().code(), StatusCode::kBusy);
  EXPECT_NE(lock.status().message().find("another process (pid " +
                                         std::to_string(holder.pid()) + ", " +
                                         OwnName() + ")"),
            std::string::npos)
      << lock.status().message();
  EXPECT_NE(lock.status().hint(), "");
}

TEST(PosixLockTest, NamesTheProcessThatHoldsAFlock) {
  test::TempDir dir;
  const std::string path = dir.Sub("LOCK");
  Holder holder([&] { return LockAsGoLevelDb(path); });
  ASSERT_TRUE(holder.took());
  const auto lock = FileSystem::Posix()->Lock(path);
  EXPECT_EQ(lock.status().code(), StatusCode::kBusy);
  EXPECT_EQ(lock.status().message(),
            path + " is locked by another process (pid " +
                std::to_string(holder.pid()) + ", " + OwnName() + ")");
  holder.Kill();
  EXPECT_TRUE(FileSystem::Posix()->Lock(path).ok());
}

TEST(PosixLockTest, ExcludesAFlockUntilItIsReleased) {
  test::TempDir dir;
  const std::string path = dir.Sub("LOCK");
  auto lock = FileSystem::Posix()->Lock(path);
  ASSERT_TRUE(lock.ok());
  EXPECT_FALSE(Holder([&] { return LockAsGoLevelDb(path); }).took());
  // A duplicate, as a child has it between fork and exec.
  UniqueFd duplicate(::fcntl(DescriptorOf(path), F_DUPFD_CLOEXEC, 3));
  ASSERT_TRUE(duplicate.valid());
  lock->reset();
  EXPECT_TRUE(Holder([&] { return LockAsGoLevelDb(path); }).took());
}

// On network file systems, flock would lock a second time, and some servers
// refuse that.
TEST(PosixLockTest, AFlockIsARecordLockOnNetworkFileSystems) {
  EXPECT_TRUE(FlockIsRecordLockOn(0x6969));              // NFS
  EXPECT_TRUE(FlockIsRecordLockOn(0x517B));              // SMB
  EXPECT_TRUE(FlockIsRecordLockOn(0xFF534D42));          // CIFS
  EXPECT_TRUE(FlockIsRecordLockOn(0xFE534D42));          // SMB 2
  EXPECT_TRUE(FlockIsRecordLockOn(0xFFFFFFFFFF534D42));  // with a sign
  EXPECT_FALSE(FlockIsRecordLockOn(0xEF53));             // ext4
  EXPECT_FALSE(FlockIsRecordLockOn(0x65735546));         // FUSE
}

// The kernel has no pid for these locks; the holder is found through /proc.
TEST(PosixLockTest, NamesTheProcessThatHoldsOneLikeOurs) {
  test::TempDir dir;
  FileSystem* fs = FileSystem::Posix();
  const std::string path = dir.Sub("instance.lock");
  Holder holder([&] {
    auto lock = fs->Lock(path);
    return lock.ok() && std::move(lock).value().release() != nullptr;
  });
  ASSERT_TRUE(holder.took());
  const auto lock = fs->Lock(path);
  EXPECT_EQ(lock.status().code(), StatusCode::kBusy);
  EXPECT_NE(lock.status().message().find("(pid " +
                                         std::to_string(holder.pid()) + ", "),
            std::string::npos)
      << lock.status().message();
}

TEST(PosixLockTest, DiesWithItsHolder) {
  test::TempDir dir;
  const std::string path = dir.Sub("LOCK");
  Holder holder([&] { return LockAsLevelDb(path); });
  ASSERT_TRUE(holder.took());
  holder.Kill();
  EXPECT_TRUE(FileSystem::Posix()->Lock(path).ok());
}

bool TakenElsewhere(const std::string& path) {
  return Holder([&] { return LockAsLevelDb(path); }).took();
}

// As between fork and exec of a child: the kernel keeps the lock as long as
// there is a duplicate of the descriptor, unless the lock is released
// explicitly.
TEST(PosixLockTest, IsNotKeptByADuplicateOfItsDescriptor) {
  test::TempDir dir;
  const std::string path = dir.Sub("create.lock");
  auto lock = FileSystem::Posix()->Lock(path);
  ASSERT_TRUE(lock.ok());
  UniqueFd duplicate(::fcntl(DescriptorOf(path), F_DUPFD_CLOEXEC, 3));
  ASSERT_TRUE(duplicate.valid());
  Holder child([] { return true; });
  duplicate.Reset();  // the child still has its own
  lock->reset();
  EXPECT_EQ(DescriptorOf(path), -1);
  EXPECT_TRUE(FileSystem::Posix()->Lock(path).ok());
}

// fork() copies all descriptors, and no exec closes them.
TEST(PosixLockTest, IsNotKeptByTheForkedChildOfAHolderThatDied) {
  test::TempDir dir;
  const std::string path = dir.Sub("create.lock");
  int pids[2];
  ASSERT_EQ(::pipe(pids), 0);
  Holder holder([&] {
    auto lock = FileSystem::Posix()->Lock(path);
    if (!lock.ok()) return false;
    std::move(lock).value().release();
    const auto* const child = new Holder([] { return true; });
    const pid_t pid = child->pid();
    return ::write(pids[1], &pid, sizeof pid) == sizeof pid;
  });
  ASSERT_TRUE(holder.took());
  pid_t grandchild = -1;
  ASSERT_EQ(::read(pids[0], &grandchild, sizeof grandchild),
            static_cast<ssize_t>(sizeof grandchild));
  EXPECT_FALSE(TakenElsewhere(path));
  holder.Kill();
  EXPECT_EQ(::kill(grandchild, 0), 0)
      << "the grandchild should outlive the holder";
  EXPECT_TRUE(TakenElsewhere(path));
  ::kill(grandchild, SIGKILL);
  ::close(pids[0]);
  ::close(pids[1]);
}

// Neither the child's destructors nor its end release the lock of the parent.
TEST(PosixLockTest, IsNotReleasedByAForkedChild) {
  test::TempDir dir;
  const std::string path = dir.Sub("create.lock");
  auto lock = FileSystem::Posix()->Lock(path);
  ASSERT_TRUE(lock.ok());
  Holder child([&] {
    lock->reset();
    return true;
  });
  EXPECT_FALSE(TakenElsewhere(path));
  child.Kill();
  EXPECT_FALSE(TakenElsewhere(path));
  lock->reset();
  EXPECT_TRUE(TakenElsewhere(path));
}

#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
// _Fork runs no handlers, so this child still has the descriptor.
TEST(PosixLockTest, IsNotReleasedByAChildOfWhichNobodyWasTold) {
  test::TempDir dir;
  const std::string path = dir.Sub("create.lock");
  auto lock = FileSystem::Posix()->Lock(path);
  ASSERT_TRUE(lock.ok());
  const pid_t child = ::_Fork();
  if (child == 0) {
    lock->reset();
    ::_exit(0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_FALSE(TakenElsewhere(path));
}
#endif

// A descriptor that the child opened may have got the number of the lock's.
TEST(PosixLockTest, AForkedChildClosesNothingElseWithItsCopy) {
  test::TempDir dir;
  const std::string path = dir.Sub("create.lock");
  auto lock = FileSystem::Posix()->Lock(path);
  ASSERT_TRUE(lock.ok());
  const int descriptor = DescriptorOf(path);
  const Holder child([&] {
    UniqueFd other(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (other.get() != descriptor) return false;
    lock->reset();
    return ::fcntl(descriptor, F_GETFD) != -1;
  });
  EXPECT_TRUE(child.took());
}

// A backup's check runs while the next backup begins: the child has copies of
// all descriptors until it executes its program.
TEST(PosixLockTest, IsFreeAtOnceWhileProgramsAreBeingStarted) {
  test::TempDir dir;
  const std::string path = dir.Sub("create.lock");
  std::atomic<bool> started_all = false;
  std::jthread starter([&] {
    for (int round = 0; round < 200; ++round) {
      EXPECT_TRUE(
          RunProgram({"/bin/true"}, std::chrono::minutes(5), 0, {}).ok());
    }
    started_all = true;
  });
  while (!started_all) {
    const auto lock = FileSystem::Posix()->Lock(path);
    ASSERT_TRUE(lock.ok()) << lock.status().ToString();
  }
}

TEST(PosixLockTest, NeedsTheFolder) {
  test::TempDir dir;
  EXPECT_EQ(FileSystem::Posix()->Lock(dir.Sub("no/LOCK")).status().code(),
            StatusCode::kNotFound);
}

}  // namespace
}  // namespace levelkeep
