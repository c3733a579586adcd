#include "http/server.h"

#include <atomic>
#include <optional>
#include <thread>

#include "base/log.h"
#include "base/status_macros.h"
#include "http/server_loop.h"
#include "http/server_socket.h"
#include "http/server_transfers.h"
#include "http/server_workers.h"

namespace levelkeep::http {

struct Server::Impl {
  Impl(Api* api_in, const ServerOptions& options_in)
      : api(api_in),
        options(options_in),
        transfers(
            {options.max_downloads, options.max_streams, options.send_timeout}),
        loop(api, &transfers, options) {}

  Status Start();
  void Stop();

  Api* const api;
  const ServerOptions options;
  TransferSet transfers;
  ServerLoop loop;
  std::atomic<int> port{0};

  Mutex mutex;  // of starting and stopping
  bool started GUARDED_BY(mutex) = false;
  std::optional<WorkerPool> workers GUARDED_BY(mutex);
  std::thread thread GUARDED_BY(mutex);
};

Status Server::Impl::Start() {
  MutexLock lock(&mutex);
  if (started) {
    return Status(StatusCode::kInternal, "the HTTP server was started twice");
  }
  LEVELKEEP_ASSIGN_OR_RETURN(UniqueFd listener,
                             ListenOn(options.host, options.port));
  port = LocalPort(listener.get());
  LEVELKEEP_RETURN_IF_ERROR(loop.Open(std::move(listener)));
  started = true;
  workers.emplace(api, std::max(options.workers, 2),
                  [this](uint64_t connection, Response response) {
                    loop.Complete(connection, std::move(response));
                  });
  thread = std::thread([this, pool = &*workers] { loop.Run(pool); });
  return Status::Ok();
}

void Server::Impl::Stop() {
  MutexLock lock(&mutex);
  if (!thread.joinable()) return;
  loop.RequestStop();
  thread.join();
  // A handler that is still at it has been told to stop.
  workers.reset();
  transfers.Cut();
}

Server::Server(Api* api, ServerOptions options)
    : impl_(std::make_unique<Impl>(api, options)) {}

Server::~Server() { Stop(); }

Status Server::Start() { return impl_->Start(); }

int Server::port() const { return impl_->port; }

void Server::Stop() { impl_->Stop(); }

}  // namespace levelkeep::http
