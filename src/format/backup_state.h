// backups/.levelkeep/NAME.json: what LevelKeep remembers about one backup
// outside the archive.

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

// The last verification of a backup. Valid while size, mtime and recorded
// digest of the archive stay unchanged.
struct VerifyRecord {
  VerifyDepth depth = VerifyDepth::kStructure;
  bool passed = false;
  Time at;
  std::string message;  // what is wrong
};

// The last check that could not be done; kept until a check succeeds. It says
// nothing about the backup. Size and mtime identify the archive.
struct NotChecked {
  Time at;
  std::string reason;
  uint64_t times = 0;  // consecutive failures to check, including this one
  uint64_t size_bytes = 0;
  int64_t mtime_ns = 0;
};

// How long the database stayed as it is in the backup: the last time when a
// backup was skipped because nothing had changed. Size and mtime identify the
// archive.
struct Covered {
  Time until;
  uint64_t size_bytes = 0;
  int64_t mtime_ns = 0;
};

// A copy of the facts that a listing shows of an archive, for archives that
// can't be opened here (stored elsewhere, or encrypted). Size, mtime and digest
// identify the archive.
struct ManifestFacts {
  Manifest manifest;  // without its files
  uint64_t size_bytes = 0;
  int64_t mtime_ns = 0;
  std::string sha256;
};

// A copy of the archive in another place; see destination/destination.h.
struct BackupCopy {
  std::string destination;  // Destination::Id()
  std::string object;       // name and version of the copy
  std::string version;
  uint64_t size_bytes = 0;
  std::string sha256;
  Time at;  // when the copy was made

  bool operator==(const BackupCopy&) const = default;
};

// Value type.
struct BackupState {
  bool pinned = false;
  std::string warning;  // what went wrong around the backup: a hook failed
  std::optional<VerifyRecord> verification;
  // Size, mtime and digest of the archive that was verified.
  uint64_t size_bytes = 0;
  int64_t mtime_ns = 0;
  std::string sha256;  // empty: an older version did not know it
  std::optional<NotChecked> not_checked;
  std::optional<Covered> covered;
  std::optional<ManifestFacts> facts;
  // Copies other than the archive in `backups/`, which may be missing.
  std::vector<BackupCopy> copies;
};

// "backup_….tar.gz.json" -> "backup_….tar.gz"; empty if `file_name` is not
// the name of a backup's state file.
std::string BackupOfState(std::string_view file_name);

std::string EncodeBackupState(const BackupState& state);
// kCorruption if the document is malformed. Unknown fields are ignored.
Result<BackupState> DecodeBackupState(std::string_view json);

// Whether `next` may replace `old` for the same bytes: a shallow verification
// that passes does not override the result of a deeper one.
bool SupersedesVerification(const VerifyRecord& old, const VerifyRecord& next);

// The pause after a check could not be done `times` times: 1 min, doubled each
// time, at most 6 h.
std::chrono::minutes PauseBeforeRecheck(uint64_t times);

}  // namespace levelkeep

#endif  // LEVELKEEP_FORMAT_BACKUP_STATE_H_
