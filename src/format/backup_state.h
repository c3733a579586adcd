// backups/.levelkeep/NAME.json: what LevelKeep remembers about one backup
// beside the archive itself.

#ifndef LEVELKEEP_FORMAT_BACKUP_STATE_H_
#define LEVELKEEP_FORMAT_BACKUP_STATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "levelkeep/status.h"

namespace levelkeep {

enum class VerifyDepth { kStructure, kChecksums, kFull };
std::string VerifyDepthName(VerifyDepth depth);
std::optional<VerifyDepth> ParseVerifyDepth(std::string_view text);

// The last verification of a backup, kept beside it in
// backups/.levelkeep/NAME.json, valid while size, mtime and recorded digest
// of the archive stay what they were.
struct VerifyRecord {
  VerifyDepth depth = VerifyDepth::kStructure;
  bool passed = false;
  Time at;
  std::string message;  // what was wrong
};

// Value type.
struct BackupState {
  bool pinned = false;
  std::optional<VerifyRecord> verification;
  // Of the archive that `verification` speaks of.
  uint64_t size_bytes = 0;
  int64_t mtime_ns = 0;
  std::string sha256;  // as its sidecar said then; may be empty
};

std::string EncodeBackupState(const BackupState& state);
// kCorruption if it is no such document. Unknown fields are ignored.
Result<BackupState> DecodeBackupState(std::string_view json);

// Whether `next` may take the place of `old` for the same bytes: a shallow
// pass says nothing about what a deeper check found.
bool SupersedesVerification(const VerifyRecord& old, const VerifyRecord& next);

}  // namespace levelkeep

#endif  // LEVELKEEP_FORMAT_BACKUP_STATE_H_
