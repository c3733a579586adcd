// Digest files beside a backup, as sha256sum and md5sum write them.

#ifndef LEVELKEEP_FORMAT_SIDECAR_H_
#define LEVELKEEP_FORMAT_SIDECAR_H_

#include <string>
#include <string_view>

namespace levelkeep {

// The hex digits of "<64 hex>  <name>"; empty if the text is something else
// or speaks of another file.
std::string ParseSha256Sidecar(std::string_view text, std::string_view name);

// "backup_….tar.gz.sha256" -> "backup_….tar.gz"; empty if `file_name` is not
// the name of a sidecar of a backup.
std::string BackupOfSidecar(std::string_view file_name);

}  // namespace levelkeep

#endif  // LEVELKEEP_FORMAT_SIDECAR_H_
