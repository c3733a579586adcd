// Digest files beside a backup, as sha256sum and md5sum write them.

#ifndef LEVELKEEP_FORMAT_SIDECAR_H_
#define LEVELKEEP_FORMAT_SIDECAR_H_

#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"

namespace levelkeep {

// The hex digits of "<64 hex>  <name>"; empty if the text is something else
// or speaks of another file.
std::string ParseSha256Sidecar(std::string_view text, std::string_view name);

// The digest of `name`, in lower case, from what sha256sum, md5sum, openssl or
// the BSD tools write: "HEX  NAME", "HEX *NAME", "HEX", "SHA256 (NAME) = HEX".
// Of several lines the one that names it; a single one counts whatever it
// names, since an archive may have been renamed. Empty: there is none.
std::string ParseDigest(std::string_view text, DigestKind kind,
                        std::string_view name);

// ".sha256" and ".md5", in any case: what kind of digest such a file holds.
std::optional<DigestKind> DigestKindOfName(std::string_view file_name);
std::string_view DigestName(DigestKind kind);    // "SHA-256", "MD5"
std::string_view DigestSuffix(DigestKind kind);  // ".sha256", ".md5"

// "backup_….tar.gz.sha256" -> "backup_….tar.gz"; empty if `file_name` is not
// the name of a sidecar of a backup.
std::string BackupOfSidecar(std::string_view file_name);

}  // namespace levelkeep

#endif  // LEVELKEEP_FORMAT_SIDECAR_H_
