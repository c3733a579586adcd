// The directory that an archive is extracted into. Private to archive.

#ifndef LEVELKEEP_ARCHIVE_TARGET_DIRECTORY_H_
#define LEVELKEEP_ARCHIVE_TARGET_DIRECTORY_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Creates files of allow-listed names, never over something that is there.
// Thread safety: all methods may be called concurrently.
class TargetDirectory {
 public:
  // `fs` outlives it. An empty `path`: nothing is written (a check).
  TargetDirectory(FileSystem* fs, std::string path);

  bool writes() const { return !path_.empty(); }
  // kInvalidArgument if it is not empty.
  Status CheckEmpty() const;
  // REQUIRES: writes(). kInternal unless `name` is that of a database file.
  Result<std::unique_ptr<File>> Create(const std::string& name);
  // Makes the creation of all files durable.
  Status Sync();

 private:
  FileSystem* const fs_;
  const std::string path_;
};

// Written files on their way to the device: syncing each only after several
// others were written lets the device work in the meantime.
// Thread safety: one thread at a time.
class SyncQueue {
 public:
  SyncQueue();
  // The file's content is complete.
  Status Add(std::unique_ptr<File> file, uint64_t size_bytes);
  // Syncs and closes all that are left.
  Status Finish();

 private:
  Status SyncOldest();

  const size_t length_;
  std::deque<std::unique_ptr<File>> files_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_TARGET_DIRECTORY_H_
