#include <sys/sysmacros.h>

#include <cstdio>
#include <sstream>

#include "base/kernel_locks.h"
#include "base/status_macros.h"

namespace levelkeep {
namespace {

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
