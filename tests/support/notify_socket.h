// Support for tests.
// The socket of a supervisor, as systemd has it.

#ifndef LEVELKEEP_TESTS_SUPPORT_NOTIFY_SOCKET_H_
#define LEVELKEEP_TESTS_SUPPORT_NOTIFY_SOCKET_H_

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <cstddef>
#include <string>

#include "base/unique_fd.h"

namespace levelkeep::test {

class NotifySocket {
 public:
  // As in Supervisor: a path, or '@' and a name.
  explicit NotifySocket(const std::string& address)
      : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un own = {};
    own.sun_family = AF_UNIX;
    address.copy(own.sun_path, sizeof(own.sun_path) - 1);
    if (own.sun_path[0] == '@') own.sun_path[0] = '\0';
    is_bound_ = ::bind(fd_.get(), reinterpret_cast<sockaddr*>(&own),
                       static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) +
                                              address.size())) == 0;
  }
  bool is_bound() const { return is_bound_; }

  // The next message; empty if none comes within that time.
  std::string Next(int milliseconds = 10'000) {
    const timeval limit = {milliseconds / 1000, milliseconds % 1000 * 1000};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    std::array<char, 4096> text;
    const ssize_t size = ::recv(fd_.get(), text.data(), text.size(), 0);
    return size < 0 ? "" : std::string(text.data(), static_cast<size_t>(size));
  }

 private:
  UniqueFd fd_;
  bool is_bound_ = false;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_SUPPORT_NOTIFY_SOCKET_H_
