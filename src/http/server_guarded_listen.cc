// Starts and stops listening.

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <thread>

#include "base/log.h"
#include "base/text.h"
#include "http/server_guarded.h"

namespace levelkeep::http {

namespace {

using std::chrono::steady_clock;

constexpr int kBacklog = 512;
constexpr std::chrono::milliseconds kRebindPause(100);
// How long cancelled requests may take to return.
constexpr std::chrono::seconds kCancelGrace(5);

Status CannotListen(const ServerOptions& options, int error) {
  const std::string what = "cannot listen on " + Printable(options.host) +
                           ", port " + std::to_string(options.port) + ": ";
  if (error == EADDRINUSE) {
    return Status(StatusCode::kBusy, what + "the port is taken",
                  "stop the other program, or set API_PORT to a free port");
  }
  if (error == EACCES || error == EPERM) {
    return Status(StatusCode::kPermissionDenied, what + "not permitted",
                  "ports below 1024 are for privileged processes; set "
                  "API_PORT to a higher one");
  }
  if (error == EMFILE || error == ENFILE) {
    return Status(StatusCode::kIoError, what + "too many open files",
                  "raise the limit of open files");
  }
  return Status(StatusCode::kInvalidArgument,
                what + "this machine has no such address",
                "set API_HOST to one of its own addresses, e.g. 127.0.0.1");
}

}  // namespace

Status GuardedServer::Bind() {
  set_tcp_nodelay(true);
  // Replaces the library's SO_REUSEPORT, with which two servers could share a
  // port unnoticed. With SO_REUSEADDR, a restart need not wait for connections
  // of the previous process.
  set_socket_options([](socket_t socket) {
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  });
  MutexLock lock(&mutex_);
  return BindTo(options_.port);
}

Status GuardedServer::BindTo(int port) {
  std::string host = options_.host;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  constexpr int kFlags = AI_PASSIVE | AI_NUMERICSERV;
  errno = 0;  // stays 0 if the host name is not known
  binds_++;
  if (port == 0) {
    port = bind_to_any_port(host, kFlags);
  } else if (!bind_to_port(host, port, kFlags)) {
    port = -1;
  }
  if (port <= 0) return CannotListen(options_, errno);
  port_ = port;
  // The library listens with a backlog of 5 only.
  ::listen(svr_sock_, kBacklog);
  return Status::Ok();
}

void GuardedServer::Listen() {
  while (true) {
    listen_after_bind();
    // The library stops on some errors of accept() that pass, e.g. too many
    // open files in the whole system.
    while (true) {
      {
        MutexLock lock(&mutex_);
        if (stopping_) return;
        stop();  // does nothing here, but makes newer versions bind again
        const Status status = BindTo(port_);
        LogWarn("Http",
                "accepting failed; listening again: " + status.ToString());
        if (status.ok()) break;
      }
      std::this_thread::sleep_for(kRebindPause);
    }
  }
}

void GuardedServer::StopAccepting() {
  MutexLock lock(&mutex_);
  stopping_ = true;
  // Not stop(), which would make the library leave answers half sent.
  ::shutdown(svr_sock_, SHUT_RDWR);
}

void GuardedServer::EndConnections() {
  connections_.EndReading();
  transfers_.EndStreams();
  if (!connections_.WaitForWork(steady_clock::now() + options_.stop_grace)) {
    if (options_.cancel) options_.cancel();
    gate_.Close();
    cut_ = true;
    connections_.WaitForWork(steady_clock::now() + kCancelGrace);
  }
  connections_.EndAll();
}

}  // namespace levelkeep::http
