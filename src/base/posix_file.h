// The File of the real disk, the owners and permissions of files, and the
// kernel's lists of locks; private to the posix_*.cc files.

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
// True if flock(2) takes a record lock of the whole file on the file's file
// system, or on that type (from statfs), which a file server (NFS, SMB)
// provides.
bool FlockIsRecordLock(int fd);
bool FlockIsRecordLockOn(uint64_t file_system_type);

// The names in an open folder, as FileSystem::List.
Result<std::vector<std::string>> ReadNames(UniqueFd folder,
                                           const std::string& path);

// As open(2), which sets errno. A file that root creates gets the owner of its
// folder.
UniqueFd OpenOrMake(const std::string& path, int flags, mode_t mode);

// If called as root and `model` exists and is not root's: gives the file or
// folder to the owner of `model`, unless it has several names. False: there is
// no other owner, and nothing was done.
bool GiveToOwnerOf(const std::string& model, const std::string& path);

// After a call on `path` was denied: the user of this process, the folder or
// file that it may not enter, write or read, the owner of that, and the command
// that gives access. Less text if owner and mode would allow the call.
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
  int64_t pid = 0;  // the holder; 0 or -1 if the kernel does not tell
  unsigned device_major = 0;
  unsigned device_minor = 0;
  uint64_t inode = 0;

  // Devices without their own number (btrfs, overlay) have another number here
  // than in stat(): then the inode alone decides.
  bool IsOn(const FileInfo& file) const;
};

// The locks in a list of the kernel, without processes that only wait for a
// lock.
Result<std::vector<KernelLock>> ReadKernelLocks(const std::string& path);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_POSIX_FILE_H_
