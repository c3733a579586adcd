// The names of backups: backup_YYYY-MM-DD_HHMMSS[-N][_LABEL].tar.gz, UTC.
//
// Files with other names are invisible to list, rotate, restore by name and
// HTTP. That is also the defence against path traversal.

#ifndef LEVELKEEP_FORMAT_BACKUP_NAME_H_
#define LEVELKEEP_FORMAT_BACKUP_NAME_H_

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "levelkeep/status.h"

namespace levelkeep {

struct BackupName {
  Time time;        // whole seconds
  int counter = 1;  // 2 or more if the second is taken already
  std::string label;
};

std::string FormatBackupName(const BackupName& name);
std::optional<BackupName> ParseBackupName(std::string_view file_name);
// kInvalidArgument with a hint if `file_name` does not parse.
Status RequireBackupName(std::string_view file_name);
// [A-Za-z0-9][A-Za-z0-9._-]{0,63}, not ending in ".tar.gz"; empty is fine.
// The message of kInvalidArgument says what is wrong with the label.
Status ValidateLabel(std::string_view label);

}  // namespace levelkeep

#endif  // LEVELKEEP_FORMAT_BACKUP_NAME_H_
