// Both kinds of file locks that programs take, and their holders.

#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <set>
#include <sstream>
#include <string>

#include "base/file_system.h"
#include "base/mutex.h"
#include "base/posix_error.h"
#include "base/posix_file.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {

namespace {

struct flock WholeFile(short type = F_WRLCK) {
  struct flock range = {};  // l_pid must be 0 for the F_OFD_ commands
  range.l_type = type;
  range.l_whence = SEEK_SET;
  return range;
}

// The locks of this process. A forked child has duplicates of their
// descriptors, which could release the locks, or hold them after the end of
// their owner: so the child closes the duplicates first.
class PosixFileLock : public FileLock {
 public:
  // Takes no lock yet, so that no memory is needed after a lock is taken.
  explicit PosixFileLock(UniqueFd fd) : fd_(std::move(fd)) {
    MutexLock guard(&TheHeld().mutex);
    TheHeld().locks.insert(this);
  }

  // A child between fork and exec still has a duplicate of the descriptor:
  // closing ours would leave the lock to the child.
  ~PosixFileLock() override {
    MutexLock guard(&TheHeld().mutex);
    TheHeld().locks.erase(this);
    if (::getpid() == owner_) {
      SetRecordLock(F_UNLCK);
      SetFlock(LOCK_UN);
    }
    fd_.Reset();
  }

  // Both return false and set errno if the lock is held elsewhere or
  // impossible.
  // SetRecordLock takes a record lock of the open file description, which
  // excludes LevelDB's own lock.
  bool SetRecordLock(short type) {
    struct flock range = WholeFile(type);
    return RetryOnInterrupt(
               [&] { return ::fcntl(fd_.get(), F_OFD_SETLK, &range); }) == 0;
  }
  bool SetFlock(int operation) {
    return RetryOnInterrupt([&] { return ::flock(fd_.get(), operation); }) == 0;
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
    TheHeld().mutex.lock();
  }
  static void AfterFork() LEVELKEEP_ATTRIBUTE(no_thread_safety_analysis) {
    TheHeld().mutex.unlock();
  }
  static void InForkedChild() LEVELKEEP_ATTRIBUTE(no_thread_safety_analysis) {
    for (PosixFileLock* lock : TheHeld().locks) lock->fd_.Reset();
    AfterFork();
  }

  // In a child that was created without the handlers (_Fork, clone), the
  // descriptor may still be open.
  const pid_t owner_ = ::getpid();
  UniqueFd fd_;
};

// True if the process with that folder in /proc has taken a lock of that kind:
// the kernel lists the locks of each descriptor. False for a process that we
// may not examine.
bool Holds(const std::string& process, const FileInfo& locked,
           KernelLock::Kind kind) {
  const auto descriptors = FileSystem::Posix()->List(process + "/fd");
  if (!descriptors.ok()) return false;  // another user's process, or gone
  for (const std::string& number : *descriptors) {
    // There are many descriptors, and errors of single ones are not reported.
    struct stat data;
    if (::stat((process + "/fd/" + number).c_str(), &data) != 0) continue;
    const FileInfo info = ToFileInfo(data);
    if (info.device != locked.device || info.inode != locked.inode) continue;
    const auto locks = ReadKernelLocks(process + "/fdinfo/" + number);
    if (locks.ok() &&
        std::any_of(locks->begin(), locks->end(),
                    [kind](const auto& lock) { return lock.kind == kind; })) {
      return true;
    }
  }
  return false;
}

// The holder among the processes of this user (root: of all users) in this
// container. Checks this process first, because each start tries its folders
// with a lock of its own. Returns 0 if none has a lock of that kind.
uint64_t FindHolder(const FileInfo& locked, KernelLock::Kind kind) {
  if (Holds("/proc/self", locked, kind)) {
    return static_cast<uint64_t>(::getpid());
  }
  const auto processes = FileSystem::Posix()->List("/proc");
  if (!processes.ok()) return 0;
  for (const std::string& process : *processes) {
    const auto pid = ParseUint64(process);
    if (pid.has_value() && Holds("/proc/" + process, locked, kind)) return *pid;
  }
  return 0;
}

// The list of all locks names the holder of a flock, even if it is another
// user's process.
uint64_t FindFlockHolder(const FileInfo& locked) {
  constexpr auto kFlock = KernelLock::Kind::kFlock;
  if (const uint64_t pid = FindHolder(locked, kFlock); pid != 0) return pid;
  const auto locks = ReadKernelLocks("/proc/locks");
  if (!locks.ok()) return 0;
  for (const KernelLock& lock : *locks) {
    if (lock.kind == kFlock && lock.pid > 0 && lock.IsOn(locked)) {
      return static_cast<uint64_t>(lock.pid);
    }
  }
  return 0;
}

constexpr char kThisProcess[] = "this process itself";

// "another process (pid 412, geth)".
std::string DescribeProcess(uint64_t pid) {
  const std::string number = std::to_string(pid);
  if (pid == static_cast<uint64_t>(::getpid())) {
    return std::string(kThisProcess) + " (pid " + number + ")";
  }
  constexpr uint64_t kMostName = 256;
  auto program =
      ReadFile(FileSystem::Posix(), "/proc/" + number + "/comm", kMostName);
  if (!program.ok()) return "another process (pid " + number + ")";
  if (program->ends_with('\n')) program->pop_back();
  return "another process (pid " + number + ", " + Printable(*program) + ")";
}

constexpr char kUnknownProcess[] =
    "an unknown process, maybe of another user or container";

std::string DescribeRecordHolder(int fd) {
  struct flock held = WholeFile();
  if (RetryOnInterrupt([&] { return ::fcntl(fd, F_OFD_GETLK, &held); }) != 0 ||
      held.l_type == F_UNLCK) {
    return "a process that has just ended";
  }
  uint64_t pid = held.l_pid > 0 ? static_cast<uint64_t>(held.l_pid) : 0;
  struct stat data;
  if (held.l_pid == -1 && ::fstat(fd, &data) == 0) {
    pid = FindHolder(ToFileInfo(data), KernelLock::Kind::kDescription);
  }
  if (pid > 0) return DescribeProcess(pid);
  if (held.l_pid == 0) return "a process in another container or on a host";
  return kUnknownProcess;
}

std::string DescribeFlockHolder(int fd) {
  struct stat data;
  const uint64_t pid =
      ::fstat(fd, &data) == 0 ? FindFlockHolder(ToFileInfo(data)) : 0;
  return pid > 0 ? DescribeProcess(pid) : kUnknownProcess;
}

Status HeldBy(const std::string& path, const std::string& holder) {
  const bool here = holder.starts_with(kThisProcess);
  return Status(StatusCode::kBusy, path + " is locked by " + holder,
                here ? "use the object that holds it already, or destroy that "
                       "one first"
                     : "stop that process first");
}

// fcntl does not show a process its own locks, so the kernel's tables are read.
// The list of all locks takes 6 to 8 ms, whatever its length (current kernels
// wait for all processors first); our own descriptors take 0.2 ms, and a
// classic lock lives no longer than the descriptor with which it was taken.

// Searching a larger table takes longer than reading the list.
constexpr int kMostSlots = 1 << 14;
constexpr uint64_t kMostText = 1u << 20;

// The thread's own entry, because the entry of the process is empty after its
// first thread has ended.
constexpr char kOwnProc[] = "/proc/thread-self/";

// All open descriptors have numbers below this value.
std::optional<int> DescriptorSlots() {
  const Result<std::string> text = ReadFile(
      FileSystem::Posix(), std::string(kOwnProc) + "status", kMostText);
  if (!text.ok()) return std::nullopt;
  constexpr char kField[] = "\nFDSize:";
  const size_t at = text->find(kField);
  int slots = 0;
  if (at == std::string::npos ||
      std::sscanf(text->c_str() + at, "\nFDSize: %d", &slots) != 1) {
    return std::nullopt;
  }
  return slots;
}

bool IsDescriptorOf(int fd, const FileInfo& file) {
  // DONT_SYNC: the host may have files on a server that is gone, and a query
  // would hang.
  struct statx data;
  if (::statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &data) ==
      0) {
    return data.stx_ino == file.inode &&
           makedev(data.stx_dev_major, data.stx_dev_minor) == file.device;
  }
  if (errno == EBADF) return false;
  struct stat plain;  // a sandbox may forbid the newer call
  return ::fstat(fd, &plain) == 0 && plain.st_ino == file.inode &&
         plain.st_dev == file.device;
}

enum class Locks { kNone, kOthers, kClassic };

// The kernel lists the locks that were taken with a descriptor or its
// duplicates.
Locks LocksOf(int fd) {
  const auto locks =
      ReadKernelLocks(kOwnProc + ("fdinfo/" + std::to_string(fd)));
  if (!locks.ok() || locks->empty()) return Locks::kNone;
  const bool classic =
      std::any_of(locks->begin(), locks->end(), [](const KernelLock& lock) {
        return lock.kind == KernelLock::Kind::kProcess;
      });
  return classic ? Locks::kClassic : Locks::kOthers;
}

bool IsInListOfAllLocks(const FileInfo& file) {
  const auto locks = ReadKernelLocks("/proc/locks");
  if (!locks.ok()) return false;
  return std::any_of(locks->begin(), locks->end(),
                     [&file](const KernelLock& lock) {
                       return lock.kind == KernelLock::Kind::kProcess &&
                              lock.pid == ::getpid() && lock.IsOn(file);
                     });
}

constexpr uint64_t kMostLockText = 16u << 20;
// The prefix of a lock's line in the list of one descriptor.
constexpr char kOfDescriptor[] = "lock:";

KernelLock::Kind KindOf(const std::string& type) {
  if (type == "POSIX") return KernelLock::Kind::kProcess;
  if (type == "OFDLCK") return KernelLock::Kind::kDescription;
  if (type == "FLOCK") return KernelLock::Kind::kFlock;
  return KernelLock::Kind::kOther;
}

// "1: POSIX  ADVISORY  WRITE 412 fe:00:1234 0 EOF". A waiting process has "->"
// in place of the type.
bool ParseLine(const std::string& line, KernelLock* lock) {
  std::istringstream fields(line);
  std::string id, type, mode, access, where;
  fields >> id;
  if (id == kOfDescriptor) fields >> id;
  if (!(fields >> type >> mode >> access >> lock->pid >> where)) return false;
  unsigned long long inode = 0;  // NOLINT: sscanf's own type
  if (std::sscanf(where.c_str(), "%x:%x:%llu", &lock->device_major,
                  &lock->device_minor, &inode) != 3) {
    return false;
  }
  lock->inode = inode;
  lock->kind = KindOf(type);
  return true;
}

}  // namespace

// flock(2) names these file systems under "NFS details" and "CIFS details".
bool FlockIsRecordLockOn(uint64_t file_system_type) {
  constexpr uint64_t kCifs = 0xFF534D42;
  constexpr uint64_t kSmb2 = 0xFE534D42;
  // The C library has some as negative numbers of 32 bits.
  const uint64_t type = file_system_type & 0xFFFFFFFF;
  return type == NFS_SUPER_MAGIC || type == SMB_SUPER_MAGIC || type == kCifs ||
         type == kSmb2;
}

bool FlockIsRecordLock(int fd) {
  struct statfs data;
  return ::fstatfs(fd, &data) == 0 &&
         FlockIsRecordLockOn(static_cast<uint64_t>(data.f_type));
}

Result<std::unique_ptr<FileLock>> LockPosixFile(UniqueFd fd,
                                                const std::string& path) {
  auto lock = std::make_unique<PosixFileLock>(std::move(fd));
  if (!lock->SetRecordLock(F_WRLCK)) {
    const int error = errno;
    if (error == EAGAIN || error == EACCES) {
      return HeldBy(path, DescribeRecordHolder(lock->fd()));
    }
    const bool impossible = error == ENOLCK || error == EINVAL;
    return PosixError(impossible ? EOPNOTSUPP : error, "lock", path);
  }
  // Any other reason that prevents a flock prevents it for every process.
  if (!FlockIsRecordLock(lock->fd()) && !lock->SetFlock(LOCK_EX | LOCK_NB) &&
      errno == EWOULDBLOCK) {
    return HeldBy(path, DescribeFlockHolder(lock->fd()));
  }
  return std::unique_ptr<FileLock>(std::move(lock));
}

bool HoldsClassicLock(const FileInfo& file) {
  const std::optional<int> slots = DescriptorSlots();
  if (!slots || *slots > kMostSlots) return IsInListOfAllLocks(file);
  bool is_open = false;
  bool shows_locks = false;
  for (int fd = 0; fd < *slots; fd++) {
    if (!IsDescriptorOf(fd, file)) continue;
    const Locks locks = LocksOf(fd);
    // Another thread may have reused the number for another file.
    if (!IsDescriptorOf(fd, file)) continue;
    if (locks == Locks::kClassic) return true;
    is_open = true;
    shows_locks |= locks == Locks::kOthers;
  }
  // Open, but without listed locks: not locked, or a kernel that lists none.
  return is_open && !shows_locks && IsInListOfAllLocks(file);
}

bool KernelLock::IsOn(const FileInfo& file) const {
  if (inode != file.inode) return false;
  return device_major == 0 || (device_major == major(file.device) &&
                               device_minor == minor(file.device));
}

Result<std::vector<KernelLock>> ReadKernelLocks(const std::string& path) {
  LEVELKEEP_ASSIGN_OR_RETURN(
      const std::string text,
      ReadFile(FileSystem::Posix(), path, kMostLockText));
  std::vector<KernelLock> locks;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    KernelLock lock;
    if (ParseLine(line, &lock)) locks.push_back(lock);
  }
  return locks;
}

}  // namespace levelkeep
