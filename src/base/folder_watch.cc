#include "base/folder_watch.h"

#include <linux/magic.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <iterator>
#include <utility>

#include "base/posix_error.h"

namespace levelkeep {

namespace {

// File systems on which other machines, or programs in user space, change files
// without the kernel's knowledge.
constexpr uint32_t kRemote[] = {
    0x6969,      // NFS
    0x517b,      // SMB
    0xff534d42,  // CIFS
    0xfe534d42,  // SMB 2
    0x65735546,  // FUSE
    0x01021997,  // 9P
    0x00c36400,  // Ceph
};

bool IsRemote(const std::string& folder) {
  struct statfs info = {};
  if (::statfs(folder.c_str(), &info) != 0) return false;
  return std::ranges::find(kRemote, static_cast<uint32_t>(info.f_type)) !=
         std::end(kRemote);
}

}  // namespace

Result<std::unique_ptr<FolderWatch>> FolderWatch::Open(
    const std::string& folder) {
  const auto unsupported = [&](const std::string& why) {
    return Status(StatusCode::kUnsupported,
                  folder + " can't be watched: " + why);
  };
  if (IsRemote(folder)) return unsupported("other machines may change it");
  UniqueFd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!watch.valid() || !wake.valid()) {
    return unsupported("the limit of watches or open files is reached");
  }
  constexpr uint32_t kEvents =
      IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
  if (::inotify_add_watch(watch.get(), folder.c_str(), kEvents) < 0) {
    if (errno == ENOSPC || errno == ENOMEM) {
      return unsupported("the limit of watches is reached");
    }
    return PosixError(errno, "watch", folder);
  }
  return std::unique_ptr<FolderWatch>(
      new FolderWatch(std::move(watch), std::move(wake), folder));
}

Result<std::vector<std::string>> FolderWatch::Wait(
    const std::stop_token& stop) {
  const int wake = wake_.get();
  const std::stop_callback on_stop(stop, [wake] {
    const uint64_t one = 1;
    (void)!::write(wake, &one, sizeof(one));
  });
  while (!stop.stop_requested()) {
    pollfd entries[] = {{watch_.get(), POLLIN, 0}, {wake, POLLIN, 0}};
    const int ready = RetryOnInterrupt(
        [&] { return ::poll(entries, std::size(entries), -1); });
    if (ready < 0) return PosixError(errno, "wait for changes of", folder_);
    if ((entries[0].revents & POLLIN) == 0) continue;
    auto names = Read();
    if (!names.ok() || !names->empty()) return names;
  }
  return std::vector<std::string>();
}

Result<std::vector<std::string>> FolderWatch::Read() const {
  alignas(inotify_event) char buffer[4096];
  std::vector<std::string> names;
  for (;;) {
    const ssize_t size = RetryOnInterrupt(
        [&] { return ::read(watch_.get(), buffer, sizeof(buffer)); });
    if (size <= 0) return names;  // EAGAIN: all events are read
    for (ssize_t at = 0; at < size;) {
      const auto* const event =
          reinterpret_cast<const inotify_event*>(buffer + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if ((event->mask &
           (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) != 0) {
        return Status(StatusCode::kNotFound, folder_ + " is gone");
      }
      const bool lost = (event->mask & IN_Q_OVERFLOW) != 0;
      names.emplace_back(lost || event->len == 0 ? "" : event->name);
    }
  }
}

}  // namespace levelkeep
