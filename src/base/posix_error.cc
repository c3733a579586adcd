#include "base/posix_error.h"

#include <system_error>

#include "base/posix_permission.h"

namespace levelkeep {
namespace {

struct Meaning {
  StatusCode code;
  const char* hint;
};

Meaning MeaningOf(int error) {
  switch (error) {
    case ENOSPC:
      return {StatusCode::kNoSpace,
              "free some space on that file system or use another one"};
    case EDQUOT:
      return {StatusCode::kNoSpace,
              "the disk quota is used up: remove files or raise the quota"};
    case EFBIG:  // not for lack of space: freeing some would not help
      return {StatusCode::kIoError,
              "the file system or a limit (ulimit -f) forbids files of that "
              "size"};
    case EACCES:
    case EPERM:
      return {StatusCode::kPermissionDenied, ""};  // PermissionHint
    case EROFS:
      return {StatusCode::kPermissionDenied,
              "the file system is mounted read-only"};
    case ENOENT:
      return {StatusCode::kNotFound, ""};
    case EEXIST:
    case ENOTEMPTY:
      return {StatusCode::kAlreadyExists, ""};
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
      return {StatusCode::kInvalidArgument, ""};
    case ELOOP:
      return {StatusCode::kRefused,
              "symbolic links are not followed here: name the file itself"};
    case EBUSY:
    case ETXTBSY:
      return {StatusCode::kBusy, ""};
    case EXDEV:
      return {StatusCode::kUnsupported,
              "both names must be on the same file system"};
    case EOPNOTSUPP:
    case ENOSYS:
      return {StatusCode::kUnsupported,
              "this file system can't do it: use a local one"};
    case EMFILE:
    case ENFILE:
      return {StatusCode::kIoError,
              "raise the limit of open files (ulimit -n)"};
    case EIO:
      return {StatusCode::kIoError,
              "the disk reports a failure: look into the kernel's log"};
    case ESTALE:
      return {StatusCode::kIoError,
              "the network file system lost it: check the mount"};
    default:
      return {StatusCode::kIoError, ""};
  }
}

}  // namespace

Status PosixError(int error, std::string_view action, const std::string& path,
                  std::string_view other) {
  const Meaning meaning = MeaningOf(error);
  std::string message = "cannot ";
  message += action;
  message += ' ';
  message += path;
  message += other;
  message += ": ";
  message += std::generic_category().message(error);
  const bool denied = error == EACCES || error == EPERM;
  return Status(meaning.code, std::move(message),
                denied ? PermissionHint(path) : meaning.hint);
}

bool TellsOfNoSpace(std::string_view text) {
  return text.find("No space left") != std::string_view::npos ||
         text.find("quota exceeded") != std::string_view::npos;
}

}  // namespace levelkeep
