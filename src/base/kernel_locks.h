// The kernel's own lists of locks: /proc/locks, and those that it shows with
// a descriptor. Private to base.

#ifndef LEVELKEEP_BASE_KERNEL_LOCKS_H_
#define LEVELKEEP_BASE_KERNEL_LOCKS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

// A lock that somebody holds.
struct KernelLock {
  enum class Kind {
    kProcess,      // fcntl's classic record lock
    kDescription,  // a record lock of an open file description
    kFlock,        // flock(2)
    kOther,        // a lease, a share mode ...
  };
  Kind kind = Kind::kOther;
  int64_t pid = 0;  // who took it; 0 or -1 where the kernel does not tell
  unsigned device_major = 0;
  unsigned device_minor = 0;
  uint64_t inode = 0;

  // Devices without a number of their own (btrfs, overlay) are listed with
  // another one than stat() gives: there the inode alone decides.
  bool IsOn(const FileInfo& file) const;
};

// The locks that a file of the kernel lists. Who only waits for one is left
// out.
Result<std::vector<KernelLock>> ReadKernelLocks(const std::string& path);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_KERNEL_LOCKS_H_
