#include "base/supervisor.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/posix_error.h"
#include "base/text.h"
#include "base/unique_fd.h"

namespace levelkeep {

namespace {

// A longer watchdog would overflow the arithmetic with times; it is as good as
// none.
constexpr uint64_t kLongestWatchdog = uint64_t{1000} * 3600 * 24 * 365 * 1000;

std::string TakeVariable(const char* name) {
  const char* const value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

}  // namespace

Supervisor Supervisor::TakeFromEnvironment() {
  std::string address = TakeVariable("NOTIFY_SOCKET");
  const auto limit = ParseUint64(TakeVariable("WATCHDOG_USEC"));
  const std::string process = TakeVariable("WATCHDOG_PID");
  std::optional<std::chrono::microseconds> watchdog;
  const bool ours = process.empty() || process == std::to_string(::getpid());
  if (ours && limit && *limit > 0 && *limit < kLongestWatchdog) {
    watchdog = std::chrono::microseconds(*limit);
  }
  return Supervisor(std::move(address), watchdog);
}

Status Supervisor::Tell(std::string_view message) const {
  if (!listens()) return Status::Ok();
  sockaddr_un target = {};
  target.sun_family = AF_UNIX;
  const bool known = address_[0] == '/' || address_[0] == '@';
  if (!known || address_.size() >= sizeof(target.sun_path)) {
    return Status(StatusCode::kInvalidArgument,
                  "NOTIFY_SOCKET is \"" + Printable(address_) +
                      "\": allowed is a path, or @ and a name, of up to 107 "
                      "bytes");
  }
  std::memcpy(target.sun_path, address_.data(), address_.size());
  // The abstract namespace: the name begins with a zero byte.
  if (address_[0] == '@') target.sun_path[0] = '\0';
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return PosixError(errno, "reach", address_);
  const timeval limit = {1, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  const auto size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  const ssize_t sent = RetryOnInterrupt([&] {
    return ::sendto(socket.get(), message.data(), message.size(), MSG_NOSIGNAL,
                    reinterpret_cast<const sockaddr*>(&target), size);
  });
  if (sent < 0) return PosixError(errno, "send to", address_);
  return Status::Ok();
}

}  // namespace levelkeep
