// The File of the real disk, who owns what it makes and who may not do what,
// and the kernel's own lists of locks; private to the posix_*.cc files.

#ifndef LEVELKEEP_BASE_POSIX_FILE_H_
#define LEVELKEEP_BASE_POSIX_FILE_H_

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/unique_fd.h"
#include "levelkeep/status.h"

namespace levelkeep {

FileInfo ToFileInfo(const struct stat& data);

// `append_offset` is where Append starts; with `shared_end` each Append goes
// to the file's end at that moment (the descriptor has O_APPEND).
std::unique_ptr<File> NewPosixFile(UniqueFd fd, std::string path,
                                   uint64_t append_offset, bool shared_end);

// The lock on an open file; see FileSystem::Lock (posix_lock.cc).
Result<std::unique_ptr<FileLock>> LockPosixFile(UniqueFd fd,
                                                const std::string& path);
// A file server's (NFS, SMB), where flock(2) takes a record lock of the whole
// file? By statfs's type.
bool FlockIsRecordLock(uint64_t file_system_type);

// As open(2), which sets errno. A file that root makes belongs to whom the
// folder belongs to.
UniqueFd OpenOrMake(const std::string& path, int flags, mode_t mode);

// As root, unless `model` is not there or is root's: gives the file or folder
// to whom `model` belongs to, unless it has several names. False: there is
// nobody to give it to, and nothing was done.
bool GiveToOwnerOf(const std::string& model, const std::string& path);

// After a call on `path` was denied: the user that this process runs as, the
// folder or file that it may not enter, write or read, whose that is, and the
// command that mends it. Less, where owner and mode would allow it.
std::string PermissionHint(const std::string& path);

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

#endif  // LEVELKEEP_BASE_POSIX_FILE_H_
