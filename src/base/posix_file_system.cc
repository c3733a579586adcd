// The FileSystem of Linux. No other file of LevelKeep opens, renames, removes
// or syncs files.

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>

#include "base/file_system.h"
#include "base/posix_error.h"
#include "base/posix_file.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"

namespace levelkeep {
namespace {

// O_NONBLOCK: opening a FIFO must not hang.
constexpr int kSafeOpen = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

int FlagsOf(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY | O_NOFOLLOW;
    case OpenMode::kReadWrite:
      return O_RDWR | O_NOFOLLOW;
    case OpenMode::kCreateNew:
      return O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW;
    case OpenMode::kAppend:
      return O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW;
    case OpenMode::kReadFollowing:
      return O_RDONLY;
  }
  return O_RDONLY | O_NOFOLLOW;
}

Result<UniqueFd> OpenRegular(const std::string& path, int flags, mode_t mode,
                             FileInfo* info) {
  UniqueFd fd = OpenOrMake(path, flags | kSafeOpen, mode);
  if (!fd.valid()) {
    if (errno == ELOOP) return NotRegular(path, "a symbolic link");
    if (errno == EISDIR) return NotRegular(path, "a folder");
    if (errno == ENXIO) return NotRegular(path, "a pipe, socket or device");
    return PosixError(errno, (flags & O_EXCL) != 0 ? "create" : "open", path);
  }
  // A file that we just created is not checked, because a failing check would
  // leave it there.
  if ((flags & O_EXCL) != 0) return fd;
  struct stat data;
  if (::fstat(fd.get(), &data) != 0) {
    return PosixError(errno, "look at", path);
  }
  *info = ToFileInfo(data);
  if (info->type == FileType::kDirectory) return NotRegular(path, "a folder");
  if (info->type != FileType::kRegular) {
    return NotRegular(path, "a pipe, socket or device");
  }
  return fd;
}

int RenameWithFlags(const std::string& source, const std::string& target,
                    unsigned flags) {
  return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, source.c_str(),
                                    AT_FDCWD, target.c_str(), flags));
}

bool FlagsNotSupported(int error) {
  return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
}

int AccessMask(Access access) {
  switch (access) {
    case Access::kReadWrite:
      return R_OK | W_OK;
    case Access::kChange:
      return R_OK | W_OK | X_OK;
    default:
      return R_OK;
  }
}

Status CheckOwner(const std::string& path) {
  struct stat data;
  const uid_t user = ::geteuid();
  if (user == 0 || ::lstat(path.c_str(), &data) != 0 || data.st_uid == user) {
    return Status::Ok();
  }
  return PosixError(EPERM, "set the mode of", path);
}

class PosixFileSystem : public FileSystem {
 public:
  Result<std::unique_ptr<File>> Open(const std::string& path,
                                     OpenMode mode) override {
    FileInfo info;
    LEVELKEEP_ASSIGN_OR_RETURN(UniqueFd fd,
                               OpenRegular(path, FlagsOf(mode), 0600, &info));
    return NewPosixFile(std::move(fd), path, info.size_bytes,
                        mode == OpenMode::kAppend);
  }

  Result<FileInfo> Stat(const std::string& path) override {
    struct stat data;
    if (::lstat(path.c_str(), &data) != 0) {
      return PosixError(errno, "look at", path);
    }
    return ToFileInfo(data);
  }

  Result<FileInfo> StatFollowing(const std::string& path) override {
    struct stat data;
    if (::stat(path.c_str(), &data) != 0) {
      return PosixError(errno, "look at", path);
    }
    return ToFileInfo(data);
  }

  Result<std::vector<std::string>> List(const std::string& path) override {
    LEVELKEEP_ASSIGN_OR_RETURN(UniqueFd fd, OpenDirectory(path));
    return ReadNames(std::move(fd), path);
  }

  Status CreateDirectory(const std::string& path) override {
    if (::mkdir(path.c_str(), 0700) != 0) {
      return PosixError(errno, "create folder", path);
    }
    GiveToOwnerOf(ParentPath(path), path);
    return Status::Ok();
  }

  Status RemoveFile(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return PosixError(errno, "remove", path);
    return Status::Ok();
  }

  Status RemoveDirectory(const std::string& path) override {
    if (::rmdir(path.c_str()) != 0) {
      return PosixError(errno, "remove folder", path);
    }
    return Status::Ok();
  }

  Status Rename(const std::string& source, const std::string& target) override {
    if (::rename(source.c_str(), target.c_str()) != 0) {
      return PosixError(errno, "rename", source, " to " + target);
    }
    return Status::Ok();
  }

  Status RenameNoReplace(const std::string& source,
                         const std::string& target) override {
    if (RenameWithFlags(source, target, RENAME_NOREPLACE) == 0) {
      return Status::Ok();
    }
    const int error = FlagsNotSupported(errno) ? EOPNOTSUPP : errno;
    return PosixError(error, "rename", source, " to " + target);
  }

  Status Exchange(const std::string& a, const std::string& b) override {
    if (RenameWithFlags(a, b, RENAME_EXCHANGE) == 0) return Status::Ok();
    // If both exist, a file system that reports an existing target ignores the
    // flag (exFAT with fuse 3.17).
    const bool unknown =
        FlagsNotSupported(errno) || errno == EEXIST || errno == ENOTEMPTY;
    const int error = unknown ? EOPNOTSUPP : errno;
    return PosixError(error, "exchange", a, " with " + b);
  }

  Status Link(const std::string& source, const std::string& target) override {
    if (::linkat(AT_FDCWD, source.c_str(), AT_FDCWD, target.c_str(), 0) != 0) {
      return PosixError(errno, "link", source, " to " + target);
    }
    return Status::Ok();
  }

  Status SetMode(const std::string& path, uint32_t mode) override {
    if (::fchmodat(AT_FDCWD, path.c_str(), mode, AT_SYMLINK_NOFOLLOW) == 0) {
      return Status::Ok();
    }
    const int error = errno == EOPNOTSUPP ? ELOOP : errno;
    return PosixError(error, "set the mode of", path);
  }

  void GiveOwnerOf(const std::string& model, const std::string& path) override {
    if (!GiveToOwnerOf(model, path)) GiveToOwnerOf(ParentPath(model), path);
  }

  Status SetModifiedTime(const std::string& path, int64_t mtime_ns) override {
    constexpr int64_t kSecond = 1'000'000'000;
    const timespec times[2] = {
        {0, UTIME_OMIT},
        {static_cast<time_t>(mtime_ns / kSecond),
         static_cast<decltype(timespec::tv_nsec)>(mtime_ns % kSecond)}};
    if (::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0) {
      return Status::Ok();
    }
    return PosixError(errno, "set the time of", path);
  }

  // Only on overlayfs: there the kernel checks the layer first, then refuses a
  // target that is not empty. Other file systems might really rename.
  Status TryRename(const std::string& path,
                   const std::string& occupied) override {
    struct statfs data;
    if (::statfs(path.c_str(), &data) != 0 ||
        data.f_type != OVERLAYFS_SUPER_MAGIC) {
      return Status::Ok();
    }
    if (::rename(path.c_str(), occupied.c_str()) != 0) {
      return errno == EXDEV ? PosixError(EXDEV, "rename", path) : Status::Ok();
    }
    return Rename(occupied, path);  // `occupied` was empty
  }

  // Old kernels and sandboxes return other errors, which say nothing.
  Status CheckAccess(const std::string& path, Access access) override {
    if (access == Access::kOwn) return CheckOwner(path);
    if (::faccessat(AT_FDCWD, path.c_str(), AccessMask(access), AT_EACCESS) ==
            0 ||
        (errno != EACCES && errno != EROFS)) {
      return Status::Ok();
    }
    return PosixError(errno, access == Access::kChange ? "write to" : "open",
                      path);
  }

  Status SyncDirectory(const std::string& path) override {
    LEVELKEEP_ASSIGN_OR_RETURN(UniqueFd fd, OpenDirectory(path));
    // EINVAL: a network or FUSE file system without this operation; nothing
    // more can be done.
    if (::fsync(fd.get()) != 0 && errno != EINVAL) {
      return PosixError(errno, "sync folder", path);
    }
    return Status::Ok();
  }

  Result<uint64_t> FreeSpace(const std::string& path) override {
    struct statvfs data;
    if (RetryOnInterrupt([&] { return ::statvfs(path.c_str(), &data); }) != 0) {
      return PosixError(errno, "ask for the free space of", path);
    }
    return uint64_t{data.f_bavail} * uint64_t{data.f_frsize};
  }

  Result<uint64_t> DiskSize(const std::string& path) override {
    struct statvfs data;
    if (RetryOnInterrupt([&] { return ::statvfs(path.c_str(), &data); }) != 0) {
      return PosixError(errno, "ask for the size of the disk of", path);
    }
    return uint64_t{data.f_blocks} * uint64_t{data.f_frsize};
  }

  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    FileInfo info;
    LEVELKEEP_ASSIGN_OR_RETURN(
        UniqueFd fd,
        OpenRegular(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0644, &info));
    return LockPosixFile(std::move(fd), path);
  }

 private:
  static Result<UniqueFd> OpenDirectory(const std::string& path) {
    UniqueFd fd(RetryOnInterrupt([&] {
      return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }));
    if (!fd.valid()) return PosixError(errno, "open folder", path);
    return fd;
  }
};

}  // namespace

Result<std::vector<std::string>> ReadNames(UniqueFd folder,
                                           const std::string& path) {
  const std::unique_ptr<DIR, decltype([](DIR* dir) { ::closedir(dir); })>
      stream(::fdopendir(folder.get()));
  if (stream == nullptr) return PosixError(errno, "list", path);
  folder.Release();  // the stream owns it now
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return PosixError(errno, "list", path);
  std::sort(names.begin(), names.end());
  return names;
}

FileSystem* FileSystem::Posix() {
  static PosixFileSystem* const kInstance = new PosixFileSystem();
  return kInstance;
}

}  // namespace levelkeep
