// fcntl can't tell a process of its own locks, so the kernel's tables are
// read. Its list of all locks takes 6 to 8 ms, whatever it holds (current
// kernels wait for all processors before they list); our own descriptors take
// 0.2 ms, and a classic lock lives no longer than the descriptor it was taken
// with.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <string>

#include "base/classic_lock.h"
#include "base/kernel_locks.h"

namespace levelkeep {
namespace {

// Larger tables take longer to look through than the list takes to read.
constexpr int kMostSlots = 1 << 14;
constexpr uint64_t kMostText = 1u << 20;

// The thread's own entry: that of the process is empty once its first thread
// has ended.
constexpr char kOwnProc[] = "/proc/thread-self/";

// No open descriptor has a number as high as this.
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
  // DONT_SYNC: the host may have files on a server that is gone, and to ask
  // it would hang.
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

// The kernel shows with a descriptor the locks that were taken with it or
// with its duplicates.
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

}  // namespace

bool HoldsClassicLock(const FileInfo& file) {
  const std::optional<int> slots = DescriptorSlots();
  if (!slots || *slots > kMostSlots) return IsInListOfAllLocks(file);
  bool is_open = false;
  bool shows_locks = false;
  for (int fd = 0; fd < *slots; fd++) {
    if (!IsDescriptorOf(fd, file)) continue;
    const Locks locks = LocksOf(fd);
    // Another thread may have given the number to another file meanwhile.
    if (!IsDescriptorOf(fd, file)) continue;
    if (locks == Locks::kClassic) return true;
    is_open = true;
    shows_locks |= locks == Locks::kOthers;
  }
  // Open, and nothing is shown: not locked, or a kernel that shows nothing.
  return is_open && !shows_locks && IsInListOfAllLocks(file);
}

}  // namespace levelkeep
