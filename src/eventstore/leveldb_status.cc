#include "eventstore/leveldb_status.h"

#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "base/posix_error.h"

namespace levelkeep {

namespace {

// Parses LevelDB's "IO error: PATH: TEXT OF strerror".
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
  // A missing key has no reason in its text; a missing file has.
  if (text.ends_with(std::generic_category().message(ENOENT))) {
    return Status(
        StatusCode::kIoError, message,
        "a file or folder of the database is missing: check its disk, "
        "then restart");
  }
  if (status.IsNotFound()) return Status(StatusCode::kNotFound, message);
  if (status.IsInvalidArgument() || status.IsNotSupportedError()) {
    return Status(StatusCode::kUnsupported, message);
  }
  if (TellsOfNoSpace(text)) {
    return Status(StatusCode::kNoSpace, message,
                  "free some space on the disk of the database; if the error "
                  "stays, restart: after some failures LevelDB accepts no "
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
