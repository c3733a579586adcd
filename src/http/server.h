// The HTTP server of `levelkeep serve`: cpp-httplib behind the request guard.
//
// The library listens, accepts, routes and writes answers; each connection has
// a thread. LevelKeep reads the requests: the library and the handlers see a
// request only after all of it was read and checked (request_reader.h).
// docs/http-api.md has the list of what is refused.

#ifndef LEVELKEEP_HTTP_SERVER_H_
#define LEVELKEEP_HTTP_SERVER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "http/router.h"
#include "levelkeep/status.h"

namespace levelkeep::http {

struct ServerOptions {
  std::string host = "127.0.0.1";  // a name or an address
  int port = 5050;                 // 0: any free port
  // A unix socket to listen on instead; its owner alone can connect. Whoever
  // starts the server has removed what was there, and removes it after Stop.
  std::string unix_path;
  // At the limit the connection that has been reading longest is closed for a
  // new one; if all are busy with requests, the new one gets 503.
  size_t max_connections = 512;
  int workers = 32;           // handlers at once; a quarter for GET and HEAD
  size_t max_downloads = 32;  // at once; more get 503
  size_t max_streams = 32;    // at once; more get 503
  // Memory for request bodies, and for answers that are being sent; bodies and
  // answers of 16 KiB or more count. If it is used up: wait, or 503.
  size_t large_body_bytes = 8 << 20;
  size_t large_answer_bytes = 8 << 20;
  std::chrono::milliseconds head_timeout{5000};   // from its first byte
  std::chrono::milliseconds body_timeout{5000};   // + 1 s per 256 KiB
  std::chrono::milliseconds idle_timeout{15000};  // between requests
  std::chrono::milliseconds send_timeout{10000};  // without any progress
  // A client that reads fewer bytes per second than this, measured over
  // pace_window, is closed: places for downloads are scarce. Event streams are
  // exempt. 0: no limit.
  uint64_t least_pace = 8 << 10;
  std::chrono::milliseconds pace_window{20000};
  // For Stop: how long running requests may take before `cancel` is called.
  std::chrono::milliseconds stop_grace{10000};
  std::function<void()> cancel;  // asks running requests to end
};

// Thread safety: all methods may be called concurrently.
class Server {
 public:
  // `router` has all its routes and outlives this object; not owned.
  Server(const Router* router, ServerOptions options);
  ~Server();  // Stop()
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Binds the port and starts to answer. Call once. kBusy if the port is taken,
  // kInvalidArgument for an invalid host, kPermissionDenied. For a unix socket
  // any failure has the system's code (kUnsupported: the file system has no
  // sockets).
  Status Start();
  // The port that is listened on; 0 before Start.
  int port() const;
  // Stops accepting, ends event streams, lets running requests finish for
  // `stop_grace`, then cancels them; returns when all threads have ended.
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_SERVER_H_
