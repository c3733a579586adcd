#include "base/posix_error.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <optional>
#include <system_error>

#include "base/file_system.h"
#include "base/posix_file.h"
#include "base/text.h"

namespace levelkeep {

namespace {

struct Meaning {
  int error;
  StatusCode code;
  const char* hint = "";
};

constexpr Meaning kMeanings[] = {
    {ENOSPC, StatusCode::kNoSpace,
     "free some space on that file system or use another one"},
    {EDQUOT, StatusCode::kNoSpace,
     "the disk quota is used up: remove files or raise the quota"},
    // Free space would not help.
    {EFBIG, StatusCode::kIoError,
     "the file system or a limit (ulimit -f) forbids files of that size"},
    {EACCES, StatusCode::kPermissionDenied},  // PermissionHint
    {EPERM, StatusCode::kPermissionDenied},
    {EROFS, StatusCode::kPermissionDenied,
     "the file system is mounted read-only"},
    {ENOENT, StatusCode::kNotFound},
    {EEXIST, StatusCode::kAlreadyExists},
    {ENOTEMPTY, StatusCode::kAlreadyExists},
    {ENOTDIR, StatusCode::kInvalidArgument},
    {EISDIR, StatusCode::kInvalidArgument},
    {ENAMETOOLONG, StatusCode::kInvalidArgument},
    {ELOOP, StatusCode::kRefused,
     "symbolic links are not followed here: name the file itself"},
    {EBUSY, StatusCode::kBusy},
    {ETXTBSY, StatusCode::kBusy},
    {EXDEV, StatusCode::kUnsupported,
     "both names must be on the same file system"},
    {EOPNOTSUPP, StatusCode::kUnsupported,
     "this file system can't do it: use a local one"},
    {ENOSYS, StatusCode::kUnsupported,
     "this file system can't do it: use a local one"},
    {EMFILE, StatusCode::kIoError, "raise the limit of open files (ulimit -n)"},
    {ENFILE, StatusCode::kIoError, "raise the limit of open files (ulimit -n)"},
    {EIO, StatusCode::kIoError,
     "the disk reports a failure: look into the kernel's log"},
    {ESTALE, StatusCode::kIoError,
     "the network file system lost it: check the mount"},
};

Meaning MeaningOf(int error) {
  for (const Meaning& meaning : kMeanings) {
    if (meaning.error == error) return meaning;
  }
  return {error, StatusCode::kIoError};
}

struct Obstacle {
  const char* verb;
  std::string path;
};

bool May(int what, const std::string& path) {
  return ::faccessat(AT_FDCWD, path.c_str(), what, AT_EACCESS) == 0 ||
         errno != EACCES;
}

// The first folder on the way that denies entry: folders below it are
// invisible.
std::optional<Obstacle> FindBarrier(const std::string& folder) {
  const std::string parent = ParentPath(folder);
  if (parent != folder) {
    if (auto above = FindBarrier(parent)) return above;
  }
  if (May(X_OK, folder)) return std::nullopt;
  return Obstacle{"enter", folder};
}

std::optional<Obstacle> FindObstacle(const std::string& path) {
  const std::string parent = ParentPath(path);
  if (auto barrier = FindBarrier(parent)) return barrier;
  struct stat data;
  if (::lstat(path.c_str(), &data) == 0) {
    if (!May(R_OK, path)) return Obstacle{"read", path};
    if (S_ISDIR(data.st_mode) && !May(X_OK, path)) {
      return Obstacle{"enter", path};
    }
    if (!May(W_OK, path)) return Obstacle{"write to", path};
  }
  if (!May(W_OK, parent)) return Obstacle{"write to", parent};
  return std::nullopt;
}

// Suggests to give us files in our own folder and files of root. Files of
// another user are not given away, because that user's installation would lose
// them.
std::string Remedy(const Obstacle& obstacle, const struct stat& data) {
  const uid_t self = ::geteuid();
  const std::string quoted = QuotedForShell(obstacle.path);
  const std::string owner = std::to_string(data.st_uid);
  struct stat folder;
  const bool in_our_folder =
      ::stat(ParentPath(obstacle.path).c_str(), &folder) == 0 &&
      folder.st_uid == self;
  if (data.st_uid == self) {
    return (S_ISDIR(data.st_mode) ? "chmod u+rwx " : "chmod u+rw ") + quoted;
  }
  if (self == 0) {
    return "here root may not (a network file system, or a container without "
           "that right): run this as user " +
           owner;
  }
  if (data.st_uid != 0 && !in_our_folder) {
    return "run this as user " + owner + " or as root: sudo -u '#" + owner +
           "' levelkeep …";
  }
  const bool on_the_way = obstacle.verb == std::string_view("enter");
  if (on_the_way && !in_our_folder) return "chmod o+x " + quoted;
  return "chown " + std::to_string(self) + " " + quoted;
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

std::string PermissionHint(const std::string& path) {
  const std::string runs =
      "this process runs as user " + std::to_string(::geteuid());
  const auto obstacle = FindObstacle(path);
  struct stat data;
  if (!obstacle || ::stat(obstacle->path.c_str(), &data) != 0) {
    return runs +
           ": check owner and mode of it and of its folder, the mount options "
           "and the host's security modules";
  }
  std::array<char, 8> mode = {};
  std::snprintf(mode.data(), mode.size(), "%04o", data.st_mode & 07777u);
  return runs + " and may not " + obstacle->verb + " " +
         Printable(obstacle->path, 500) + " (of user " +
         std::to_string(data.st_uid) + ", mode " + mode.data() +
         "): " + Remedy(*obstacle, data);
}

}  // namespace levelkeep
