// Messages of a service to its supervisor, in the protocol of systemd's
// sd_notify(3): lines NAME=value in one datagram to a socket.
//
// Without libsystemd, because the protocol is forty lines, and the program must
// also run where that library is missing (images, static builds).

#ifndef LEVELKEEP_BASE_SUPERVISOR_H_
#define LEVELKEEP_BASE_SUPERVISOR_H_

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "levelkeep/status.h"

namespace levelkeep {

// Thread safety: const methods from several threads.
class Supervisor {
 public:
  // There is none: Tell does nothing.
  Supervisor() = default;
  // `address`: a path, or '@' and a name in the abstract namespace.
  explicit Supervisor(
      std::string address,
      std::optional<std::chrono::microseconds> watchdog = std::nullopt)
      : address_(std::move(address)), watchdog_(watchdog) {}

  // Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment:
  // child processes must not speak for this one. A watchdog that is meant for
  // another process does not count. REQUIRES: no other thread runs.
  static Supervisor TakeFromEnvironment();

  bool listens() const { return !address_.empty(); }
  // The supervisor ends this process if it is not told "WATCHDOG=1" for so
  // long. No value: there is no watchdog.
  std::optional<std::chrono::microseconds> watchdog() const {
    return watchdog_;
  }

  // Sends one message, e.g. "READY=1\nSTATUS=listening". Waits one second at
  // most. kInvalidArgument: the address is none that this version knows.
  Status Tell(std::string_view message) const;

 private:
  std::string address_;
  std::optional<std::chrono::microseconds> watchdog_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_SUPERVISOR_H_
