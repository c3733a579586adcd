#include "eventstore/leveldb_status.h"

#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "base/posix_error.h"

namespace levelkeep {

namespace {

// LevelDB says "IO error: PATH: what strerror says".
std::optional<std::string> PathThatFailed(const std::string& text, int error) {
  const std::string end = ": " + std::generic_category().message(error);
  constexpr std::string_view kBegin = "IO error: ";
  if (!text.starts_with(kBegin) || !text.ends_with(end)) return std::nullopt;
  return text.substr(kBegin.size(), text.size() - kBegin.size() - end.size());
}

}  // namespace

Status FromLevelDb(const leveldb::Status& status, std::string_view context) {
  if (status.ok()) return Status::Ok();
  const std::string text = status.ToString();
  const std::string message = std::string(context) + ": " + text;
  if (status.IsCorruption()) {
    return Status(StatusCode::kCorruption, message,
                  "restore a verified backup; the damaged database is kept "
                  "for undo");
  }
  // A key that is not there has no reason; a file has.
  if (text.ends_with(std::generic_category().message(ENOENT))) {
    return Status(StatusCode::kIoError, message,
                  "a file or folder of the database is gone: look at its disk, "
                  "then restart");
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
  for (const int error : {EACCES, EROFS}) {
    const auto path = PathThatFailed(text, error);
    if (!path) continue;
    const Status denied = PosixError(error, "open", *path);
    return Status(denied.code(), message, denied.hint());
  }
  return Status(StatusCode::kIoError, message);
}

}  // namespace levelkeep
