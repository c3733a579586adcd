#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "base/file_system.h"
#include "base/give.h"
#include "base/posix_error.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"

namespace levelkeep {
namespace {

constexpr int kMostDepth = 16;
constexpr gid_t kSameGroup = static_cast<gid_t>(-1);

class Giver {
 public:
  explicit Giver(uid_t user) : user_(user) {}

  Status GiveOpen(int fd, const std::string& path) {
    if (::fchownat(fd, "", user_, kSameGroup, AT_EMPTY_PATH) != 0) {
      const Status failed = PosixError(errno, "give away", path);
      return Status(failed.code(), failed.message(),
                    "only root may give files away: run it as root");
    }
    given_.push_back(path);
    return Status::Ok();
  }

  // Gives what `name` in the open folder is, and all that is in it.
  Status Give(int folder, const std::string& name, const std::string& path,
              int depth) {
    const UniqueFd fd(
        ::openat(folder, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat data;
    // Gone meanwhile, or a service's own business.
    if (!fd.valid() || ::fstat(fd.get(), &data) != 0) return Status::Ok();
    const bool is_folder = S_ISDIR(data.st_mode);
    const bool only_name = S_ISREG(data.st_mode) && data.st_nlink == 1;
    if (!is_folder && !only_name) return Status::Ok();
    if (data.st_uid != user_) {
      LEVELKEEP_RETURN_IF_ERROR(GiveOpen(fd.get(), path));
    }
    if (!is_folder || depth >= kMostDepth) return Status::Ok();
    return GiveIn(fd.get(), path, nullptr, depth + 1);
  }

  // `folder` may be open for its path alone.
  Status GiveIn(int folder, const std::string& path,
                const std::function<bool(const std::string&)>& wanted,
                int depth) {
    UniqueFd fd(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid()) return PosixError(errno, "open folder", path);
    const std::unique_ptr<DIR, CloseFolder> stream(::fdopendir(fd.get()));
    if (stream == nullptr) return PosixError(errno, "list", path);
    const int opened = fd.Release();  // the stream's now
    for (;;) {
      errno = 0;
      const dirent* const entry = ::readdir(stream.get());
      if (entry == nullptr) break;
      const std::string name = entry->d_name;
      if (name == "." || name == ".." || (wanted && !wanted(name))) continue;
      LEVELKEEP_RETURN_IF_ERROR(
          Give(opened, name, JoinPath(path, name), depth));
    }
    return errno == 0 ? Status::Ok() : PosixError(errno, "list", path);
  }

  std::vector<std::string> TakeGiven() { return std::move(given_); }

 private:
  struct CloseFolder {
    void operator()(DIR* stream) const { ::closedir(stream); }
  };

  const uid_t user_;
  std::vector<std::string> given_;
};

}  // namespace

Result<std::vector<std::string>> GiveFolder(const GiveRequest& request) {
  const std::string& path = request.folder;
  const UniqueFd fd(
      ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) {
    if (errno == ENOENT) return std::vector<std::string>();
    struct stat data;
    if (errno == ENOTDIR && ::lstat(path.c_str(), &data) == 0 &&
        S_ISLNK(data.st_mode)) {
      return Status(StatusCode::kRefused,
                    path + " is a symbolic link, which is not followed",
                    "set the folder to where the link leads");
    }
    return PosixError(errno, "open folder", path);
  }
  Giver giver(request.user);
  struct stat data;
  if (::fstat(fd.get(), &data) != 0) {
    return PosixError(errno, "look at", path);
  }
  if (data.st_uid != request.user) {
    if (::fchmod(fd.get(), request.mode) != 0) {
      return PosixError(errno, "set the mode of", path);
    }
    LEVELKEEP_RETURN_IF_ERROR(giver.GiveOpen(fd.get(), path));
  }
  LEVELKEEP_RETURN_IF_ERROR(giver.GiveIn(fd.get(), path, request.wanted, 0));
  return giver.TakeGiven();
}

}  // namespace levelkeep
