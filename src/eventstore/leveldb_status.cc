#include "eventstore/leveldb_status.h"

#include <string>

#include "base/posix_error.h"

namespace levelkeep {

Status FromLevelDb(const leveldb::Status& status, std::string_view context) {
  if (status.ok()) return Status::Ok();
  const std::string text = status.ToString();
  const std::string message = std::string(context) + ": " + text;
  if (status.IsCorruption()) {
    return Status(StatusCode::kCorruption, message,
                  "restore a verified backup; the damaged database is kept "
                  "for undo");
  }
  if (status.IsNotFound()) return Status(StatusCode::kNotFound, message);
  if (status.IsInvalidArgument() || status.IsNotSupportedError()) {
    return Status(StatusCode::kUnsupported, message);
  }
  if (TellsOfNoSpace(text)) {
    return Status(StatusCode::kNoSpace, message,
                  "free some space on the disk of the database; if this goes "
                  "on then, restart: after some failures LevelDB takes no "
                  "writes until it is opened again");
  }
  if (text.find("Permission denied") != std::string::npos ||
      text.find("Read-only file system") != std::string::npos) {
    return Status(StatusCode::kPermissionDenied, message,
                  "give the user that runs LevelKeep write access");
  }
  return Status(StatusCode::kIoError, message);
}

}  // namespace levelkeep
