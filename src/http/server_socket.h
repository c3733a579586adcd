// Sockets; the only files that call the operating system for the network are
// server_*.cc.

#ifndef LEVELKEEP_HTTP_SERVER_SOCKET_H_
#define LEVELKEEP_HTTP_SERVER_SOCKET_H_

#include <chrono>
#include <string>

#include "base/unique_fd.h"
#include "levelkeep/status.h"

namespace levelkeep::http {

// A non-blocking socket that listens on the first address of `host` that can
// be bound.
Result<UniqueFd> ListenOn(const std::string& host, int port);
// The local port of a bound socket; 0 on failure.
int LocalPort(int fd);
// A non-blocking, close-on-exec connection, or an invalid one. `error` is
// then errno.
UniqueFd AcceptFrom(int listener, int* error);

enum class SendResult { kAll, kSome, kFailed };
// Sends without blocking; `*sent` grows by what went out.
SendResult SendSome(int fd, const char* data, size_t size, size_t* sent);

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_SERVER_SOCKET_H_
