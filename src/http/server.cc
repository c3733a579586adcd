#include "http/server.h"

#include <thread>

#include "base/mutex.h"
#include "base/status_macros.h"
#include "http/server_guarded.h"

namespace levelkeep::http {

struct Server::Impl {
  Impl(const Router* router, const ServerOptions& options)
      : server(router, options) {}

  GuardedServer server;
  Mutex mutex;  // guards starting and stopping
  bool started GUARDED_BY(mutex) = false;
  std::thread thread GUARDED_BY(mutex);
};

Server::Server(const Router* router, ServerOptions options)
    : impl_(std::make_unique<Impl>(router, options)) {}

Server::~Server() { Stop(); }

Status Server::Start() {
  MutexLock lock(&impl_->mutex);
  if (impl_->started) {
    return Status(StatusCode::kInternal, "the HTTP server was started twice");
  }
  LEVELKEEP_RETURN_IF_ERROR(impl_->server.Bind());
  impl_->started = true;
  impl_->thread = std::thread([server = &impl_->server] { server->Listen(); });
  return Status::Ok();
}

int Server::port() const { return impl_->server.port(); }

void Server::Stop() {
  MutexLock lock(&impl_->mutex);
  if (!impl_->thread.joinable()) return;
  impl_->server.StopAccepting();
  impl_->thread.join();
  impl_->server.EndConnections();
}

}  // namespace levelkeep::http
