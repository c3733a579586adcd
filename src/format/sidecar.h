// Digest files beside a backup, as sha256sum and md5sum write them.

#ifndef LEVELKEEP_FORMAT_SIDECAR_H_
#define LEVELKEEP_FORMAT_SIDECAR_H_

#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"

namespace levelkeep {

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

#endif  // LEVELKEEP_FORMAT_SIDECAR_H_
