#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <deque>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "base/file_system.h"
#include "base/log.h"
#include "base/posix_error.h"
#include "base/posix_file.h"
#include "base/text.h"
#include "base/unique_fd.h"

namespace levelkeep {

namespace {

std::deque<std::string> Components(std::string_view path) {
  auto parts = Split(path, '/');
  std::erase(parts, "");
  return {parts.begin(), parts.end()};
}

constexpr int kMostDepth = 16;
constexpr gid_t kSameGroup = static_cast<gid_t>(-1);

// Opens the folder for its path only. Links on the way are followed if they are
// root's: another user's link could lead elsewhere. The folder itself must not
// be a link. Not valid: errno says why.
UniqueFd OpenTrusted(const std::string& path) {
  constexpr int kMostLinks = 40;
  std::deque<std::string> names = Components(path);
  UniqueFd folder(
      ::open(path.starts_with('/') ? "/" : ".", O_PATH | O_CLOEXEC));
  for (int links = 0; folder.valid() && !names.empty();) {
    UniqueFd next(::openat(folder.get(), names.front().c_str(),
                           O_PATH | O_NOFOLLOW | O_CLOEXEC));
    names.pop_front();
    struct stat data;
    if (!next.valid() || ::fstat(next.get(), &data) != 0) return UniqueFd();
    if (!S_ISLNK(data.st_mode)) {
      folder = std::move(next);
      continue;
    }
    std::array<char, PATH_MAX> target = {};
    const ssize_t size =
        ::readlinkat(next.get(), "", target.data(), target.size());
    if (data.st_uid != 0 || names.empty() || ++links > kMostLinks || size < 0) {
      errno = ELOOP;
      return UniqueFd();
    }
    const std::string text(target.data(), static_cast<size_t>(size));
    const auto more = Components(text);
    names.insert(names.begin(), more.begin(), more.end());
    if (text.starts_with('/'))
      folder = UniqueFd(::open("/", O_PATH | O_CLOEXEC));
  }
  return folder;
}

// All groups of `user`, which also give it rights.
std::vector<gid_t> GroupsOf(uid_t user) {
  std::array<char, 4096> buffer = {};
  passwd entry = {};
  passwd* found = nullptr;
  if (::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr) {
    return {};
  }
  std::vector<gid_t> groups(256);
  int count = static_cast<int>(groups.size());
  if (::getgrouplist(entry.pw_name, entry.pw_gid, groups.data(), &count) < 0) {
    return {entry.pw_gid};
  }
  groups.resize(static_cast<size_t>(count));
  return groups;
}

// Tries the access as that user, in a separate thread, which has its own user
// on Linux: the kernel knows best about modes, groups and access lists, and the
// server about a network file system.
bool MayUse(uid_t user, int folder) {
  const std::vector<gid_t> groups = GroupsOf(user);
  const gid_t group = groups.empty() ? gid_t{65534} : groups.front();
  bool may = false;
  const auto ask = [&] {
    // glibc's own calls would change the whole process.
    may = ::syscall(SYS_setgroups, groups.size(), groups.data()) == 0 &&
          ::syscall(SYS_setresgid, group, group, group) == 0 &&
          ::syscall(SYS_setresuid, user, user, user) == 0 &&
          ::faccessat(folder, ".", R_OK | W_OK | X_OK, 0) == 0;
  };
  try {
    std::thread(ask).join();
  } catch (const std::system_error&) {
    return false;  // no thread can be started
  }
  return may;
}

class Giver {
 public:
  explicit Giver(uid_t user) : user_(user) {}

  void GiveOpen(int fd, const std::string& path) {
    if (::fchownat(fd, "", user_, kSameGroup, AT_EMPTY_PATH) == 0) {
      report_.given.push_back(path);
      return;
    }
    const Status failed = PosixError(errno, "give away", path);
    Leave(Status(failed.code(), failed.message(),
                 ::geteuid() != 0
                     ? "only root may give files away: run it as root"
                     : "if user " + std::to_string(user_) +
                           " can't use it, give it away where its file "
                           "system is kept"));
  }

  void Leave(Status why) { report_.left.push_back(std::move(why)); }

  // Gives away the file `name` in the open folder, with its content if it is a
  // folder.
  void Give(int folder, const std::string& name, const std::string& path,
            int depth) {
    const UniqueFd fd(
        ::openat(folder, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat data;
    // The file is gone, or it is a service's own special file.
    if (!fd.valid() || ::fstat(fd.get(), &data) != 0) return;
    const bool is_folder = S_ISDIR(data.st_mode);
    const bool only_name = S_ISREG(data.st_mode) && data.st_nlink == 1;
    if (!is_folder && !only_name) return;
    if (data.st_uid != user_) GiveOpen(fd.get(), path);
    if (is_folder && depth < kMostDepth) {
      GiveIn(fd.get(), path, nullptr, depth + 1);
    }
  }

  // `folder` may be open for its path only.
  void GiveIn(int folder, const std::string& path,
              const std::function<bool(const std::string&)>& wanted,
              int depth) {
    UniqueFd fd(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid()) return Leave(PosixError(errno, "open folder", path));
    const auto names = ReadNames(std::move(fd), path);
    if (!names.ok()) return Leave(names.status());
    for (const std::string& name : *names) {
      if (wanted && !wanted(name)) continue;
      Give(folder, name, JoinPath(path, name), depth);
    }
  }

  GiveReport TakeReport() { return std::move(report_); }

 private:
  const uid_t user_;
  GiveReport report_;
};

// Changes the mode first, so that nobody else can write when it is given away.
void GiveItself(const GiveRequest& request, int fd, Giver* giver) {
  struct stat data;
  if (::fstat(fd, &data) != 0) {
    return giver->Leave(PosixError(errno, "look at", request.folder));
  }
  if (data.st_uid == request.user || MayUse(request.user, fd)) return;
  constexpr mode_t kKept = S_ISGID | S_ISVTX;
  if (::fchmod(fd, request.mode | (data.st_mode & kKept)) != 0) {
    return giver->Leave(PosixError(errno, "set the mode of", request.folder));
  }
  giver->GiveOpen(fd, request.folder);
}

struct Owner {
  uid_t user = 0;
  gid_t group = 0;
};

// No value: this process is not root, or the owner is root.
std::optional<Owner> FindOwner(const std::string& path) {
  struct stat data;
  if (::geteuid() != 0 || ::stat(path.c_str(), &data) != 0 ||
      data.st_uid == 0) {
    return std::nullopt;
  }
  return Owner{data.st_uid, data.st_gid};
}

// A container may lack the right, or a file system may have no owners: the new
// file exists all the same.
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

// False if the file has that owner already, or may have a name in another
// folder.
bool IsToBeGiven(const struct stat& data, const Owner& owner) {
  if (S_ISREG(data.st_mode) && data.st_nlink != 1) return false;
  if (!S_ISREG(data.st_mode) && !S_ISDIR(data.st_mode)) return false;
  return data.st_uid != owner.user || data.st_gid != owner.group;
}

}  // namespace

GiveReport GiveFolder(const GiveRequest& request) {
  const std::string& path = request.folder;
  Giver giver(request.user);
  const UniqueFd place = OpenTrusted(path);
  const UniqueFd fd(place.valid() ? ::openat(place.get(), ".",
                                             O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                                  : -1);
  if (fd.valid()) {
    GiveItself(request, fd.get(), &giver);
    giver.GiveIn(fd.get(), path, request.wanted, 0);
    return giver.TakeReport();
  }
  const int error = errno;
  if (error == ELOOP) {
    giver.Leave(Status(StatusCode::kRefused,
                       path + " is a symbolic link or leads over one that is "
                              "not root's, which is not followed",
                       "set the folder to where the link leads"));
  } else if (error != ENOENT) {
    giver.Leave(PosixError(error, "open folder", path));
  }
  return giver.TakeReport();
}

UniqueFd OpenOrMake(const std::string& path, int flags, mode_t mode) {
  const auto open = [&](int with) {
    return UniqueFd(
        RetryOnInterrupt([&] { return ::open(path.c_str(), with, mode); }));
  };
  const std::optional<Owner> owner =
      (flags & O_CREAT) != 0 ? FindOwner(ParentPath(path)) : std::nullopt;
  if (!owner) return open(flags);
  // Gives away only a file that this call created; another process may create
  // it first.
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
