// The last drills of one database's backups, in its folder in BACKUP_DIR
// (databases/ID/drills): one small record, which is replaced as a whole.

#ifndef LEVELKEEP_CATALOG_DRILL_RECORDS_H_
#define LEVELKEEP_CATALOG_DRILL_RECORDS_H_

#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/mutex.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Thread safety: any thread may call all methods. Of two processes that add at
// the same time, one may be forgotten: the lock for verifications excludes
// that.
class DrillRecords {
 public:
  static constexpr size_t kMost = 20;

  // `fs` must outlive this object.
  DrillRecords(FileSystem* fs, const std::string& folder)
      : fs_(fs), path_(JoinPath(folder, "drills")) {}

  // The newest first. Empty if there is no record or a damaged one. Reads the
  // file only if it has changed.
  Result<std::vector<DrillReport>> Load();
  // Durable on return; a crash leaves the drills with the new one or without.
  // Drills before the last kMost are forgotten.
  Status Add(const DrillReport& report);

 private:
  FileSystem* const fs_;
  const std::string path_;
  Mutex mutex_;
  std::optional<FileInfo> seen_ GUARDED_BY(mutex_);
  std::vector<DrillReport> drills_ GUARDED_BY(mutex_);  // of `seen_`
};

}  // namespace levelkeep

#endif  // LEVELKEEP_CATALOG_DRILL_RECORDS_H_
