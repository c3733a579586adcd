#include "http/server_socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/text.h"

namespace levelkeep::http {

namespace {

constexpr int kBacklog = 512;

struct AddressListDeleter {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

Status CannotListen(const std::string& host, int port, int error) {
  const std::string where = Printable(host) + ", port " + std::to_string(port);
  if (error == EADDRINUSE) {
    return Status(StatusCode::kBusy,
                  "cannot listen on " + where + ": the port is taken",
                  "stop the other program, or set API_PORT to a free port");
  }
  if (error == EACCES || error == EPERM) {
    return Status(StatusCode::kPermissionDenied,
                  "cannot listen on " + where + ": not permitted",
                  "ports below 1024 are for privileged processes; set "
                  "API_PORT to a higher one");
  }
  if (error == EADDRNOTAVAIL) {
    return Status(
        StatusCode::kInvalidArgument,
        "cannot listen on " + where + ": this machine has no such address",
        "set API_HOST to one of its own addresses");
  }
  return Status(StatusCode::kIoError,
                "cannot listen on " + where + ": " + std::strerror(error));
}

// An invalid descriptor on failure; errno says why.
UniqueFd Bind(const addrinfo& address) {
  UniqueFd fd(::socket(address.ai_family,
                       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fd;
  const int on = 1;
  const int off = 0;
  // A restart need not wait for connections of the process before it.
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (address.ai_family == AF_INET6) {
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  }
  if (::bind(fd.get(), address.ai_addr, address.ai_addrlen) != 0 ||
      ::listen(fd.get(), kBacklog) != 0) {
    const int error = errno;
    fd.Reset();
    errno = error;
  }
  return fd;
}

}  // namespace

Result<UniqueFd> ListenOn(const std::string& host, int port) {
  std::string name = host;
  if (name.size() > 2 && name.front() == '[' && name.back() == ']') {
    name = name.substr(1, name.size() - 2);
  }
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (::getaddrinfo(name.c_str(), std::to_string(port).c_str(), &hints,
                    &found) != 0) {
    return Status(StatusCode::kInvalidArgument,
                  "API_HOST " + Printable(host) + " is no known address",
                  "use an address of this machine, e.g. 127.0.0.1");
  }
  const std::unique_ptr<addrinfo, AddressListDeleter> list(found);
  int error = EADDRNOTAVAIL;
  for (const addrinfo* it = list.get(); it != nullptr; it = it->ai_next) {
    UniqueFd fd = Bind(*it);
    if (fd.valid()) return fd;
    error = errno;
  }
  return CannotListen(host, port, error);
}

int LocalPort(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return 0;
  }
  if (address.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<sockaddr_in6*>(&address)->sin6_port);
  }
  return ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

UniqueFd AcceptFrom(int listener, int* error) {
  UniqueFd fd(
      ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  *error = fd.valid() ? 0 : errno;
  if (fd.valid()) {
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  return fd;
}

SendResult SendSome(int fd, const char* data, size_t size, size_t* sent) {
  while (*sent < size) {
    const ssize_t n = ::send(fd, data + *sent, size - *sent, MSG_NOSIGNAL);
    if (n >= 0) {
      *sent += static_cast<size_t>(n);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return SendResult::kSome;
    } else if (errno != EINTR) {
      return SendResult::kFailed;
    }
  }
  return SendResult::kAll;
}

}  // namespace levelkeep::http
