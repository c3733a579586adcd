// What cpp-httplib reads a request from and writes its answer to.

#ifndef LEVELKEEP_HTTP_SERVER_STREAM_H_
#define LEVELKEEP_HTTP_SERVER_STREAM_H_

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>

namespace levelkeep::http {

// Sends without ever waiting longer than `timeout` for progress, and once
// `cut` is set not at all. False: the connection is of no more use.
bool SendAll(int fd, std::string_view data, std::chrono::milliseconds timeout,
             const std::atomic<bool>& cut);

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
  ServerStream(int fd, std::chrono::milliseconds timeout,
               const std::atomic<bool>* cut)
      : fd_(fd), timeout_(timeout), cut_(cut) {}

  // Whether all was sent.
  bool ok() const { return ok_; }

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
  const std::atomic<bool>* const cut_;
  std::string_view input_ = "GET / HTTP/1.1\r\n\r\n";
  bool ok_ = true;
};
// NOLINTEND(modernize-use-override)

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_SERVER_STREAM_H_
