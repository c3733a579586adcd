// The stream from which cpp-httplib reads a request and to which it writes the
// answer. Our own server and Mount() both use its conversion of answers.

#ifndef LEVELKEEP_HTTP_SERVER_BINDING_H_
#define LEVELKEEP_HTTP_SERVER_BINDING_H_

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>

#include "http/message.h"

namespace levelkeep::http {

// `version` is the request's: "HTTP/1.0" has no chunks. Characters that a
// header can't hold are left out. The connection ends after a stream.
void ToLibrary(Response from, const std::string& version,
               httplib::Response* to);

// Detects a client that reads too slowly: fewer bytes per second than the
// limit, measured over a window of time in which the server waited for it.
// Thread safety: one thread at a time.
class PaceLimit {
 public:
  // With 0 bytes per second, no client is too slow.
  PaceLimit(uint64_t bytes_per_second, std::chrono::milliseconds window)
      : bytes_per_second_(bytes_per_second), window_(window) {}

  void Sent(size_t bytes) { bytes_ += bytes; }
  void Waited(std::chrono::nanoseconds time);
  bool exceeded() const { return exceeded_; }
  void Lift() { bytes_per_second_ = 0; }

 private:
  uint64_t bytes_per_second_;
  const std::chrono::nanoseconds window_;
  // Counters of the present window.
  std::chrono::nanoseconds waited_{0};
  uint64_t bytes_ = 0;
  bool has_waited_ = false;
  bool exceeded_ = false;
};

// Sends `data`. Waits at most `timeout` for progress, not for a client that
// violates `pace` (may be null), and not at all once `cut` is set. False: the
// connection can't be used any more.
bool SendAll(int fd, std::string_view data, std::chrono::milliseconds timeout,
             const std::atomic<bool>& cut, PaceLimit* pace = nullptr);

// The library's parser gets a constant as input. The real request was read and
// checked before, and is copied into the parsed request afterwards. So no byte
// of a client reaches that parser, and its treatment of paths, headers, ranges
// and bodies, which differs between versions, does not matter.
//
// The virtual functions have other names in other versions of the library
// (is_writable became wait_writable), hence no `override`.
// NOLINTBEGIN(modernize-use-override)
// Thread safety: one thread at a time.
class ServerStream : public httplib::Stream {
 public:
  // `cut` outlives this object.
  ServerStream(int fd, std::chrono::milliseconds timeout, PaceLimit pace,
               const std::atomic<bool>* cut)
      : fd_(fd), timeout_(timeout), pace_(pace), cut_(cut) {}

  // Whether everything was sent.
  bool ok() const { return ok_; }
  PaceLimit* pace() { return &pace_; }

  ssize_t read(char* data, size_t size);
  ssize_t write(const char* data, size_t size);
  bool is_readable() const { return !input_.empty(); }
  bool wait_readable() const { return !input_.empty(); }
  // Whether the peer still reads.
  bool is_writable() const;
  bool wait_writable() const { return is_writable(); }
  // LevelKeep never uses these addresses.
  void get_remote_ip_and_port(std::string&, int&) const {}
  void get_local_ip_and_port(std::string&, int&) const {}
  // No socket: 0.11.4 answers 500 if its number is above FD_SETSIZE.
  socket_t socket() const { return INVALID_SOCKET; }
  time_t duration() const { return 0; }

 private:
  const int fd_;
  const std::chrono::milliseconds timeout_;
  PaceLimit pace_;
  const std::atomic<bool>* const cut_;
  std::string_view input_ = "GET / HTTP/1.1\r\n\r\n";
  bool ok_ = true;
};
// NOLINTEND(modernize-use-override)

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_SERVER_BINDING_H_
