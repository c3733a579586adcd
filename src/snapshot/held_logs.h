// The write-ahead logs of a snapshot, held by open descriptors: they can be
// read after LevelDB has removed them, as far as they went. Private to the
// module.

#ifndef LEVELKEEP_SNAPSHOT_HELD_LOGS_H_
#define LEVELKEEP_SNAPSHOT_HELD_LOGS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "dbfiles/look.h"
#include "dbfiles/version.h"
#include "levelkeep/status.h"
#include "snapshot/file_set.h"

namespace levelkeep {

// Thread safety: one thread at a time.
class HeldLogs {
 public:
  HeldLogs(FileSystem* fs, std::string db_dir)
      : fs_(fs), db_dir_(std::move(db_dir)) {}

  // As long as it is now. kNotFound if there is none.
  Status Hold(uint64_t number);
  // Lets go of those that LevelDB does not replay when it opens `version`.
  void KeepNeeded(const Version& version);
  // Takes the newest one's present length; what it had before stays in it.
  Status FollowNewest();
  bool Has(uint64_t number) const;
  void Clear() { logs_.clear(); }

  // Finds where the last whole record of each one ends. kCorruption: damage
  // before that.
  Status Scan();
  // REQUIRES, here and below: Scan() succeeded.
  // kCorruption: sequence numbers are missing behind `version`'s or within
  // the logs. LevelDB itself does not notice a log that is gone.
  Status CheckSequence(const Version& version) const;
  // Of the last write; 0 if there is none.
  uint64_t last_sequence() const;
  void AddTo(FileSetBuilder* builder) const;

 private:
  struct Log : ScannedLog {
    std::shared_ptr<File> file;
    uint64_t size_bytes = 0;
  };

  FileSystem* const fs_;
  const std::string db_dir_;
  std::vector<Log> logs_;  // by number
};

}  // namespace levelkeep

#endif  // LEVELKEEP_SNAPSHOT_HELD_LOGS_H_
