// The File of the real disk; private to the posix_*.cc files.

#ifndef LEVELKEEP_BASE_POSIX_FILE_H_
#define LEVELKEEP_BASE_POSIX_FILE_H_

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/file_system.h"
#include "base/unique_fd.h"

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

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_POSIX_FILE_H_
