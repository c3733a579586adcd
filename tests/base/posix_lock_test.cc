#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "base/file_system.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

// A process that does something and then waits to be killed.
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

// As LevelDB locks: a traditional lock, which belongs to the process.
bool LockAsLevelDb(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  struct flock range = {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  return fd >= 0 && ::fcntl(fd, F_SETLK, &range) == 0;
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
                                         std::to_string(holder.pid()) + ")"),
            std::string::npos)
      << lock.status().message();
  EXPECT_NE(lock.status().hint(), "");
}

// The kernel has no pid for these; it is found through /proc.
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
                                         std::to_string(holder.pid()) + ")"),
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

TEST(PosixLockTest, NeedsTheFolder) {
  test::TempDir dir;
  EXPECT_EQ(FileSystem::Posix()->Lock(dir.Sub("no/LOCK")).status().code(),
            StatusCode::kNotFound);
}

}  // namespace
}  // namespace levelkeep
