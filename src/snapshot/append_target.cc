#include "snapshot/append_target.h"

#include <utility>

#include "base/status_macros.h"
#include "dbfiles/file_name.h"
#include "dbfiles/log_format.h"
#include "dbfiles/version.h"

namespace levelkeep {

Result<AppendTarget> InspectForAppend(FileSystem* fs, const std::string& name) {
  AppendTarget target;
  LEVELKEEP_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                             fs->Open(name, OpenMode::kRead));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, file->Stat());
  target.size_bytes = info.size_bytes;
  uint64_t boundary = 0;
  const DbFileName parsed = ParseDbFileName(BaseName(name));
  if (parsed.kind == DbFileKind::kLog) {
    LEVELKEEP_ASSIGN_OR_RETURN(const LogScan scan,
                               ScanLog(*file, info.size_bytes, true, nullptr));
    boundary = scan.boundary;
    target.log = std::make_shared<HotLog>();
    target.log->number = parsed.number;
    target.log->mark.Publish({scan.boundary, scan.last_sequence});
  } else {
    LEVELKEEP_ASSIGN_OR_RETURN(ManifestContent content,
                               ReadManifest(*file, info.size_bytes, true));
    boundary = content.boundary;
    target.manifest = std::make_shared<HotManifest>();
    target.manifest->name = BaseName(name);
    *target.manifest->version = std::move(content.version);
  }
  if (boundary != info.size_bytes) {
    return Status(StatusCode::kUnsupported,
                  name + " does not end with a complete record");
  }
  return target;
}

}  // namespace levelkeep
