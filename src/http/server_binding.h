// What cpp-httplib reads a request from and writes its answer to. Answers for
// it are shared by our own server and Mount().

#ifndef LEVELKEEP_HTTP_SERVER_BINDING_H_
#define LEVELKEEP_HTTP_SERVER_BINDING_H_

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>

#include "http/message.h"

namespace levelkeep::http {

// `version` is the request's: "HTTP/1.0" knows no chunks. What a header can't
// hold is left out of it. The connection ends after a stream.
void ToLibrary(Response from, const std::string& version,
               httplib::Response* to);
// Without control characters.
std::string HeaderValue(const std::string& text);

// Tells a client that reads too slowly: one that takes less than so many bytes
// a second, over a window of time in which it was waited for.
// Thread safety: one thread at a time.
class PaceLimit {
 public:
  // 0 bytes a second: no client is too slow.
  PaceLimit(uint64_t bytes_per_second, std::chrono::milliseconds window)
      : bytes_per_second_(bytes_per_second), window_(window) {}

  void Sent(size_t bytes) { bytes_ += bytes; }
  void Waited(std::chrono::nanoseconds time);
  bool exceeded() const { return exceeded_; }
  void Lift() { bytes_per_second_ = 0; }

 private:
  uint64_t bytes_per_second_;
  const std::chrono::nanoseconds window_;
  // Of the present window.
  std::chrono::nanoseconds waited_{0};
  uint64_t bytes_ = 0;
  bool has_waited_ = false;
  bool exceeded_ = false;
};

// Sends without ever waiting longer than `timeout` for progress, nor for a
// client beyond `pace` (may be null), and once `cut` is set not at all. False:
// the connection is of no more use.
bool SendAll(int fd, std::string_view data, std::chrono::milliseconds timeout,
             const std::atomic<bool>& cut, PaceLimit* pace = nullptr);

// The library's parser is given a constant. All that a client sent was read
// and checked before, and is set into the parsed request afterwards: so no
// byte of a client ever reaches that parser, and what it does to paths,
// headers, ranges and bodies in one version or the other does not matter.
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

  // Whether all was sent.
  bool ok() const { return ok_; }
  PaceLimit* pace() { return &pace_; }

  ssize_t read(char* data, size_t size);
  ssize_t write(const char* data, size_t size);
  bool is_readable() const { return !input_.empty(); }
  bool wait_readable() const { return !input_.empty(); }
  // Whether the peer still listens.
  bool is_writable() const;
  bool wait_writable() const { return is_writable(); }
  // Nobody asks for addresses.
  void get_remote_ip_and_port(std::string&, int&) const {}
  void get_local_ip_and_port(std::string&, int&) const {}
  // None: 0.11.4 answers 500 when the number is beyond FD_SETSIZE.
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
