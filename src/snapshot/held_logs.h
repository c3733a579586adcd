// The write-ahead logs of a snapshot, held by open descriptors. Up to its size
// when it was held, a log stays readable after LevelDB has removed it. Private
// to snapshot.

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

  // Holds the log at its present length. kNotFound if there is no such log.
  Status Hold(uint64_t number);
  // Drops the logs that LevelDB does not replay when it opens `version`.
  void KeepNeeded(const Version& version);
  // Extends the newest log to its present length.
  Status FollowNewest();
  bool Has(uint64_t number) const;
  void Clear() { logs_.clear(); }

  // Finds where the last whole record of each log ends. kCorruption if a log
  // is damaged before that.
  Status Scan();
  // REQUIRES, here and below: Scan() succeeded.
  // kCorruption if sequence numbers are missing between `version` and the logs,
  // or within the logs. LevelDB itself does not notice that a log is missing.
  Status CheckSequence(const Version& version) const;
  // The sequence number of the last write; 0 if the logs hold no write.
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
