// The names of backups: backup_YYYY-MM-DD_HHMMSS[-N][_LABEL].tar.gz, UTC.
//
// What does not parse is invisible to list, rotate, restore by name and
// HTTP; that is also the defence against path traversal. And the digest files
// beside a backup, as sha256sum and md5sum write them.

#ifndef LEVELKEEP_FORMAT_BACKUP_NAME_H_
#define LEVELKEEP_FORMAT_BACKUP_NAME_H_

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/hash.h"
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

// The hex digits of "<64 hex>  <name>"; empty if the text has another form or
// names another file.
std::string ParseSha256Sidecar(std::string_view text, std::string_view name);

// The digest of `name`, in lower case, from what sha256sum, md5sum, openssl or
// the BSD tools write: "HEX  NAME", "HEX *NAME", "HEX", "SHA256 (NAME) = HEX".
// If there are several lines, the one with `name` counts. A single line counts
// whatever its name, because the archive may have been renamed. Empty if the
// text has no digest.
std::string ParseDigest(std::string_view text, DigestKind kind,
                        std::string_view name);

// The digest kind of a file named *.sha256 or *.md5 (in upper or lower case).
std::optional<DigestKind> DigestKindOfName(std::string_view file_name);
std::string_view DigestName(DigestKind kind);    // "SHA-256", "MD5"
std::string_view DigestSuffix(DigestKind kind);  // ".sha256", ".md5"

// "backup_….tar.gz.sha256" -> "backup_….tar.gz"; empty if `file_name` is not
// the name of a sidecar of a backup.
std::string BackupOfSidecar(std::string_view file_name);

}  // namespace levelkeep

#endif  // LEVELKEEP_FORMAT_BACKUP_NAME_H_
