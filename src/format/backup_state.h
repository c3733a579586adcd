// backups/.levelkeep/NAME.json: what LevelKeep remembers about one backup
// beside the archive itself.

#ifndef LEVELKEEP_FORMAT_BACKUP_STATE_H_
#define LEVELKEEP_FORMAT_BACKUP_STATE_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "format/manifest.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"

namespace levelkeep {

// The last verification of a backup, kept beside it in
// backups/.levelkeep/NAME.json, valid while size, mtime and recorded digest
// of the archive stay what they were.
struct VerifyRecord {
  VerifyDepth depth = VerifyDepth::kStructure;
  bool passed = false;
  Time at;
  std::string message;  // what was wrong
};

// The last check that could not be done, kept until one could: it says nothing
// about the backup. Of the archive with this size and mtime.
struct NotChecked {
  Time at;
  std::string reason;
  uint64_t times = 0;  // one after the other, that one among them
  uint64_t size_bytes = 0;
  int64_t mtime_ns = 0;
};

// What an archive says of itself, as far as a listing shows it, so that one
// that can't be opened here (it lies elsewhere, or is encrypted) has it all the
// same. Of the archive with this size, mtime and digest.
struct ManifestFacts {
  Manifest manifest;  // without its files
  uint64_t size_bytes = 0;
  int64_t mtime_ns = 0;
  std::string sha256;
};

// The archive once more, in another place; see destination/destination.h.
struct BackupCopy {
  std::string destination;  // Destination::Id()
  std::string object;       // its name and version there
  std::string version;
  uint64_t size_bytes = 0;
  std::string sha256;
  Time at;  // when it was put there

  bool operator==(const BackupCopy&) const = default;
};

// Value type.
struct BackupState {
  bool pinned = false;
  std::optional<VerifyRecord> verification;
  // Of the archive that `verification` speaks of.
  uint64_t size_bytes = 0;
  int64_t mtime_ns = 0;
  std::string sha256;  // empty: an older version did not know it
  std::optional<NotChecked> not_checked;
  std::optional<ManifestFacts> facts;
  // Besides the archive in `backups/`, which may be gone.
  std::vector<BackupCopy> copies;
};

// "backup_….tar.gz.json" -> "backup_….tar.gz"; empty if `file_name` is not
// the name of a backup's state file.
std::string BackupOfState(std::string_view file_name);

std::string EncodeBackupState(const BackupState& state);
// kCorruption if it is no such document. Unknown fields are ignored.
Result<BackupState> DecodeBackupState(std::string_view json);

// Whether `next` may take the place of `old` for the same bytes: a shallow
// pass says nothing about what a deeper check found.
bool SupersedesVerification(const VerifyRecord& old, const VerifyRecord& next);

// How long a backup rests whose check could not be done `times` times: 1 min,
// then twice as long each time, 6 h at most.
std::chrono::minutes PauseBeforeRecheck(uint64_t times);

}  // namespace levelkeep

#endif  // LEVELKEEP_FORMAT_BACKUP_STATE_H_
