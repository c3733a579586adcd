// cpp-httplib's server with our own way of reading requests.

#ifndef LEVELKEEP_HTTP_SERVER_GUARDED_H_
#define LEVELKEEP_HTTP_SERVER_GUARDED_H_

#include <httplib.h>

#include <atomic>
#include <chrono>

#include "base/mutex.h"
#include "http/request_head.h"
#include "http/router.h"
#include "http/server.h"
#include "http/server_limits.h"
#include "levelkeep/status.h"

namespace levelkeep::http {

// The library's loop accepts; process_and_close_socket(), its step for one
// connection, is ours: it reads and checks requests and gives each to the
// library's process_request(), which runs the handler and writes the answer.
// Thread safety: Listen and Stop may be called concurrently.
class GuardedServer : public httplib::Server {
 public:
  // `router` outlives this object.
  GuardedServer(const Router* router, const ServerOptions& options);
  ~GuardedServer() override;  // EndAll()

  // Errors as of http::Server::Start.
  Status Bind();
  int port() const { return port_; }
  // Accepts until StopAccepting. REQUIRES: Bind succeeded.
  void Listen();
  void StopAccepting();
  // Lets requests that run finish, then cancels them; returns when all
  // connections have ended. REQUIRES: Listen has returned.
  void EndConnections();

 private:
  bool process_and_close_socket(socket_t socket) override;
  // Answers 503 at once, without a thread.
  void TurnAway(int fd);
  Status BindTo(int port);
  void Converse(ConnectionSet::Connection* connection);
  // False: the connection is to end.
  bool Exchange(int fd, RequestHead* head);
  Response Handle(Request request);
  void FinishHead(httplib::Response* response) const;

  const Router* const router_;
  const ServerOptions options_;
  WorkGate gate_;
  TransferLimits transfers_;
  MemoryBudget bodies_;
  std::atomic<int> port_{0};
  std::atomic<int> binds_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> cut_{false};  // nobody is waited for any more
  std::chrono::steady_clock::time_point last_turned_away_;
  Mutex mutex_;                // of binding, against StopAccepting
  ConnectionSet connections_;  // last: its threads use the others
};

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_SERVER_GUARDED_H_
