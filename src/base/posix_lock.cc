// Open-file-description locks, and who holds one.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/posix_error.h"
#include "base/posix_file.h"
#include "base/text.h"

namespace levelkeep {
namespace {

class PosixFileLock : public FileLock {
 public:
  explicit PosixFileLock(UniqueFd fd) : fd_(std::move(fd)) {}

 private:
  UniqueFd fd_;  // closing it unlocks
};

struct flock WholeFile() {
  struct flock range = {};  // l_pid must be 0 for the F_OFD_ commands
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  return range;
}

// The kernel gives no pid for an OFD lock, but lists the locks of each
// descriptor. Sees the processes of this user (root: all) in this container.
// Returns 0 if none has it.
uint64_t FindOfdHolder(const struct stat& locked) {
  FileSystem* fs = FileSystem::Posix();
  const auto processes = fs->List("/proc");
  if (!processes.ok()) return 0;
  for (const std::string& process : *processes) {
    const auto pid = ParseUint64(process);
    if (!pid.has_value()) continue;
    const std::string base = "/proc/" + process;
    const auto descriptors = fs->List(base + "/fd");
    if (!descriptors.ok()) continue;  // another user's, or gone
    for (const std::string& number : *descriptors) {
      const auto info = fs->StatFollowing(base + "/fd/" + number);
      if (!info.ok() || info->device != locked.st_dev ||
          info->inode != locked.st_ino) {
        continue;
      }
      const auto text = ReadFile(fs, base + "/fdinfo/" + number, 1 << 20);
      if (text.ok() && text->find("OFDLCK") != std::string::npos) return *pid;
    }
  }
  return 0;
}

std::string DescribeHolder(int fd) {
  struct flock held = WholeFile();
  if (RetryOnInterrupt([&] { return ::fcntl(fd, F_OFD_GETLK, &held); }) != 0 ||
      held.l_type == F_UNLCK) {
    return "a process that has just ended";
  }
  uint64_t pid = held.l_pid > 0 ? static_cast<uint64_t>(held.l_pid) : 0;
  struct stat data;
  if (held.l_pid == -1 && ::fstat(fd, &data) == 0) pid = FindOfdHolder(data);
  if (pid == static_cast<uint64_t>(::getpid())) {
    return "this process itself (pid " + std::to_string(pid) + ")";
  }
  if (pid > 0) return "another process (pid " + std::to_string(pid) + ")";
  if (held.l_pid == 0) return "a process in another container or on a host";
  return "an unknown process, maybe of another user or container";
}

}  // namespace

Result<std::unique_ptr<FileLock>> LockPosixFile(UniqueFd fd,
                                                const std::string& path) {
  struct flock range = WholeFile();
  if (RetryOnInterrupt(
          [&] { return ::fcntl(fd.get(), F_OFD_SETLK, &range); }) == 0) {
    return std::unique_ptr<FileLock>(
        std::make_unique<PosixFileLock>(std::move(fd)));
  }
  const int error = errno;
  if (error == EAGAIN || error == EACCES) {
    return Status(StatusCode::kBusy,
                  path + " is locked by " + DescribeHolder(fd.get()),
                  "stop that process first");
  }
  if (error == ENOLCK || error == EINVAL) {
    return PosixError(EOPNOTSUPP, "lock", path);
  }
  return PosixError(error, "lock", path);
}

}  // namespace levelkeep
