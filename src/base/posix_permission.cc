#include "base/posix_permission.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <optional>

#include "base/file_system.h"
#include "base/text.h"

namespace levelkeep {
namespace {

struct Obstacle {
  const char* verb;
  std::string path;
  std::string command = "chown " + std::to_string(::geteuid());
};

bool May(int what, const std::string& path) {
  return ::faccessat(AT_FDCWD, path.c_str(), what, AT_EACCESS) == 0 ||
         errno != EACCES;
}

// The first folder on the way that denies entry: nobody can look behind it.
std::optional<Obstacle> FindBarrier(const std::string& folder) {
  const std::string parent = ParentPath(folder);
  if (parent != folder) {
    if (auto above = FindBarrier(parent)) return above;
  }
  if (May(X_OK, folder)) return std::nullopt;
  return Obstacle{"enter", folder, "chmod o+x"};
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

}  // namespace

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
         "): " + obstacle->command + " " + QuotedForShell(obstacle->path);
}

}  // namespace levelkeep
