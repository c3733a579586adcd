#include "base/posix_owner.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/file_system.h"
#include "base/log.h"
#include "base/posix_error.h"

namespace levelkeep {
namespace {

struct Owner {
  uid_t user = 0;
  gid_t group = 0;
};

// Nothing: we are not root, or root is whom it belongs to.
std::optional<Owner> FindOwner(const std::string& path) {
  struct stat data;
  if (::geteuid() != 0 || ::stat(path.c_str(), &data) != 0 ||
      data.st_uid == 0) {
    return std::nullopt;
  }
  return Owner{data.st_uid, data.st_gid};
}

// A container may lack the right, a file system may have no owners: what was
// made is there all the same.
void Give(int fd, const std::string& path, const Owner& owner) {
  if (::fchownat(fd, "", owner.user, owner.group, AT_EMPTY_PATH) == 0) return;
  static std::atomic<bool> said = false;
  if (said.exchange(true)) return;
  const std::string user = std::to_string(owner.user);
  LogWarn("FileSystem", path + " belongs to root and can't be given to user " +
                            user + " (" + std::strerror(errno) +
                            "): if a service of that user works there, run "
                            "chown " +
                            user + " " + path);
}

// Already theirs, or with a name in a folder that is not theirs.
bool IsToBeGiven(const struct stat& data, const Owner& owner) {
  if (S_ISREG(data.st_mode) && data.st_nlink != 1) return false;
  if (!S_ISREG(data.st_mode) && !S_ISDIR(data.st_mode)) return false;
  return data.st_uid != owner.user || data.st_gid != owner.group;
}

}  // namespace

UniqueFd OpenOrMake(const std::string& path, int flags, mode_t mode) {
  const auto open = [&](int with) {
    return UniqueFd(
        RetryOnInterrupt([&] { return ::open(path.c_str(), with, mode); }));
  };
  const std::optional<Owner> owner =
      (flags & O_CREAT) != 0 ? FindOwner(ParentPath(path)) : std::nullopt;
  if (!owner) return open(flags);
  // Only what we made is given away: somebody else's may come in between.
  constexpr int kTries = 10;
  for (int i = 0; i < kTries; ++i) {
    if ((flags & O_EXCL) == 0) {
      UniqueFd there = open(flags & ~O_CREAT);
      if (there.valid() || errno != ENOENT) return there;
    }
    UniqueFd made = open(flags | O_EXCL);
    if (made.valid()) Give(made.get(), path, *owner);
    if (made.valid() || (flags & O_EXCL) != 0 || errno != EEXIST) return made;
  }
  return UniqueFd();
}

bool GiveToOwnerOf(const std::string& model, const std::string& path) {
  const std::optional<Owner> owner = FindOwner(model);
  if (!owner) return false;
  const UniqueFd fd(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat data;
  if (fd.valid() && ::fstat(fd.get(), &data) == 0 &&
      IsToBeGiven(data, *owner)) {
    Give(fd.get(), path, *owner);
  }
  return true;
}

}  // namespace levelkeep
