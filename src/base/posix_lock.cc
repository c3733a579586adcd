// Open-file-description locks, and who holds one.

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "base/mutex.h"
#include "base/posix_error.h"
#include "base/posix_file.h"
#include "base/text.h"

namespace levelkeep {
namespace {

struct flock WholeFile(short type = F_WRLCK) {
  struct flock range = {};  // l_pid must be 0 for the F_OFD_ commands
  range.l_type = type;
  range.l_whence = SEEK_SET;
  return range;
}

// The locks of this process. A forked copy of it has duplicates of their
// descriptors, with which it could release them, and would keep them beyond
// the end of their owner: it closes the duplicates before it does anything.
class PosixFileLock : public FileLock {
 public:
  // Takes nothing yet, so that no memory is needed once something is taken.
  explicit PosixFileLock(UniqueFd fd) : fd_(std::move(fd)) {
    MutexLock guard(&TheHeld().mutex);
    TheHeld().locks.insert(this);
  }

  // A child between fork and exec still has its duplicate of the descriptor:
  // closing ours would leave the lock to it.
  ~PosixFileLock() override {
    MutexLock guard(&TheHeld().mutex);
    TheHeld().locks.erase(this);
    if (::getpid() == owner_) Set(F_UNLCK);
    fd_.Reset();
  }

  // False, and errno, if it is held elsewhere or can't be.
  bool Set(short type) {
    struct flock range = WholeFile(type);
    return RetryOnInterrupt(
               [&] { return ::fcntl(fd_.get(), F_OFD_SETLK, &range); }) == 0;
  }

  int fd() const { return fd_.get(); }

 private:
  struct Held {
    Held() { ::pthread_atfork(BeforeFork, AfterFork, InForkedChild); }
    Mutex mutex;
    std::set<PosixFileLock*> locks GUARDED_BY(mutex);
  };
  static Held& TheHeld() {
    static Held* const held = new Held;  // outlives all statics
    return *held;
  }

  static void BeforeFork() LEVELKEEP_ATTRIBUTE(no_thread_safety_analysis) {
    TheHeld().mutex.Lock();
  }
  static void AfterFork() LEVELKEEP_ATTRIBUTE(no_thread_safety_analysis) {
    TheHeld().mutex.Unlock();
  }
  static void InForkedChild() LEVELKEEP_ATTRIBUTE(no_thread_safety_analysis) {
    for (PosixFileLock* lock : TheHeld().locks) lock->fd_.Reset();
    AfterFork();
  }

  // Those of a child that was made without the handlers (_Fork, clone) may
  // find the descriptor open.
  const pid_t owner_ = ::getpid();
  UniqueFd fd_;
};

// The kernel gives no pid for an OFD lock, but lists the locks of each
// descriptor. Sees the processes of this user (root: all) in this container.
// Returns 0 if none has it.
uint64_t FindOfdHolder(const struct stat& locked) {
  FileSystem* fs = FileSystem::Posix();
  const auto processes = fs->List("/proc");
  if (!processes.ok()) return 0;
  for (const std::string& process : *processes) {
    const auto pid = ParseUint64(process);
    if (!pid.has_value()) continue;
    const std::string base = "/proc/" + process;
    const auto descriptors = fs->List(base + "/fd");
    if (!descriptors.ok()) continue;  // another user's, or gone
    for (const std::string& number : *descriptors) {
      const auto info = fs->StatFollowing(base + "/fd/" + number);
      if (!info.ok() || info->device != locked.st_dev ||
          info->inode != locked.st_ino) {
        continue;
      }
      const auto text = ReadFile(fs, base + "/fdinfo/" + number, 1 << 20);
      if (text.ok() && text->find("OFDLCK") != std::string::npos) return *pid;
    }
  }
  return 0;
}

std::string DescribeHolder(int fd) {
  struct flock held = WholeFile();
  if (RetryOnInterrupt([&] { return ::fcntl(fd, F_OFD_GETLK, &held); }) != 0 ||
      held.l_type == F_UNLCK) {
    return "a process that has just ended";
  }
  uint64_t pid = held.l_pid > 0 ? static_cast<uint64_t>(held.l_pid) : 0;
  struct stat data;
  if (held.l_pid == -1 && ::fstat(fd, &data) == 0) pid = FindOfdHolder(data);
  if (pid == static_cast<uint64_t>(::getpid())) {
    return "this process itself (pid " + std::to_string(pid) + ")";
  }
  if (pid > 0) return "another process (pid " + std::to_string(pid) + ")";
  if (held.l_pid == 0) return "a process in another container or on a host";
  return "an unknown process, maybe of another user or container";
}

}  // namespace

Result<std::unique_ptr<FileLock>> LockPosixFile(UniqueFd fd,
                                                const std::string& path) {
  auto lock = std::make_unique<PosixFileLock>(std::move(fd));
  if (lock->Set(F_WRLCK)) return std::unique_ptr<FileLock>(std::move(lock));
  const int error = errno;
  if (error == EAGAIN || error == EACCES) {
    return Status(StatusCode::kBusy,
                  path + " is locked by " + DescribeHolder(lock->fd()),
                  "stop that process first");
  }
  if (error == ENOLCK || error == EINVAL) {
    return PosixError(EOPNOTSUPP, "lock", path);
  }
  return PosixError(error, "lock", path);
}

}  // namespace levelkeep
