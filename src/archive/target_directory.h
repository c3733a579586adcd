// The directory that an archive is extracted into. Private to archive.

#ifndef LEVELKEEP_ARCHIVE_TARGET_DIRECTORY_H_
#define LEVELKEEP_ARCHIVE_TARGET_DIRECTORY_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "base/file_system.h"
#include "base/process.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Creates files with permitted names; never replaces an existing file.
// Thread safety: all methods may be called concurrently.
class TargetDirectory {
 public:
  // `fs` outlives this object. With an empty `path`, nothing is written
  // (check).
  TargetDirectory(FileSystem* fs, std::string path);

  bool writes() const { return !path_.empty(); }
  // kInvalidArgument if the directory is not empty.
  Status CheckEmpty() const;
  // REQUIRES: writes(). kInternal unless `name` is that of a database file.
  Result<std::unique_ptr<File>> Create(const std::string& name);
  // Makes the creation of all files durable.
  Status Sync();

 private:
  FileSystem* const fs_;
  const std::string path_;
};

// Written files on their way to the device. A file is synced only after several
// others were written, so that the device can work in the meantime.
// Thread safety: one thread at a time.
class SyncQueue {
 public:
  // Adds a file whose content is complete.
  Status Add(std::unique_ptr<File> file, uint64_t size_bytes);
  // Syncs and closes the remaining files.
  Status Finish();

 private:
  Status SyncOldest();

  const size_t length_ = FewFilesMayBeOpen() ? 1 : 8;
  std::deque<std::unique_ptr<File>> files_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_TARGET_DIRECTORY_H_
