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
#include <sstream>
#include <string>

#include "base/file_system.h"
#include "base/posix_file.h"
#include "base/status_macros.h"

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

constexpr uint64_t kMostLockText = 16u << 20;
// Before the same line, in the list of one descriptor.
constexpr char kOfDescriptor[] = "lock:";

KernelLock::Kind KindOf(const std::string& type) {
  if (type == "POSIX") return KernelLock::Kind::kProcess;
  if (type == "OFDLCK") return KernelLock::Kind::kDescription;
  if (type == "FLOCK") return KernelLock::Kind::kFlock;
  return KernelLock::Kind::kOther;
}

// "1: POSIX  ADVISORY  WRITE 412 fe:00:1234 0 EOF". One that waits has "->"
// in the place of its type.
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
