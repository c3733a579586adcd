// BACKUP_DIR/.levelkeep/in-use/: which backups are being read, by any process,
// so that rotation leaves them. A mark is an empty file ID-NAME that its reader
// holds a lock on; the lock ends with the reader, however it ends.

#ifndef LEVELKEEP_CATALOG_IN_USE_H_
#define LEVELKEEP_CATALOG_IN_USE_H_

#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "destination/folder_destination.h"
#include "levelkeep/status.h"

namespace levelkeep {

// A backup stays marked until the object is destroyed.
using InUseMark = std::shared_ptr<const void>;

// Thread safety: all methods may be called concurrently.
class InUse {
 public:
  // `fs` must outlive this object and all marks, `folder`, that of the backups,
  // this object.
  InUse(FileSystem* fs, FolderDestination* folder,
        const std::string& backup_dir);

  // Marks the backup `name` as being read. Null if that is impossible here (a
  // folder that is mounted read-only): reading goes on without a mark.
  InUseMark Mark(const std::string& name);
  enum class LeftOvers { kRemove, kLeave };
  // The backups that are marked now. Marks of processes that have ended count
  // for nothing; kRemove removes them.
  Result<std::vector<std::string>> Names(LeftOvers left_overs) const;

 private:
  FileSystem* const fs_;
  FolderDestination* const folder_;
  const std::string directory_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_CATALOG_IN_USE_H_
