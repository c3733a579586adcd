#include "http/server.h"

#include <httplib.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <ctime>
#include <exception>
#include <thread>
#include <utility>

#include "base/file_system.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/posix_error.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "http/message.h"
#include "http/request_head.h"
#include "http/server_binding.h"
#include "http/server_limits.h"
#include "http/server_reader.h"

namespace levelkeep::http {

namespace {

using Phase = ConnectionSet::Phase;

// Files up to this size are sent like any other body.
constexpr uint64_t kSmallFileBytes = 64 << 10;

// Runs the library's task, a call of process_and_close_socket(), at once: that
// call gives the connection a thread or refuses it.
class InlineQueue : public httplib::TaskQueue {
 public:
  // The return type is void in 0.11.4, and bool later.
  using Result = decltype(std::declval<httplib::TaskQueue&>().enqueue({}));
  Result enqueue(std::function<void()> task) override {
    task();
    return Result(true);
  }
  void shutdown() override {}
};

Response InlineSmallFile(Response response) {
  if (response.file == nullptr || response.file_size > kSmallFileBytes) {
    return response;
  }
  std::string content(static_cast<size_t>(response.file_size), '\0');
  const Status status = ReadExactly(*response.file, response.file_offset,
                                    content.data(), content.size());
  if (!status.ok()) return ErrorResponse(status);
  response.body = std::move(content);
  response.file.reset();
  return response;
}

// The request of this thread's connection. The library does not tell a handler
// which connection it is called for.
thread_local RequestHead* current = nullptr;
thread_local ServerStream* current_stream = nullptr;

using std::chrono::steady_clock;

constexpr int kBacklog = 512;
constexpr std::chrono::milliseconds kRebindPause(100);
// How long cancelled requests may take to return.
constexpr std::chrono::seconds kCancelGrace(5);

Status CannotListen(const ServerOptions& options, int error) {
  if (!options.unix_path.empty()) {
    return PosixError(error, "listen on the socket", options.unix_path);
  }
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

// The library's loop accepts connections. Its step for one connection,
// process_and_close_socket(), is replaced: we read and check requests, and the
// library's process_request() runs the handler and writes the answer.
class Server::Impl : public httplib::Server {
 public:
  Impl(const Router* router, const ServerOptions& options);

  // As in http::Server.
  Status Start();
  int port() const { return port_; }
  void Stop();

 private:
  bool process_and_close_socket(socket_t socket) override;
  // Answers 503 at once, without its own thread.
  void TurnAway(int fd);
  Status StartOnSocket() REQUIRES_LOCK(start_mutex_);
  Status BindTo(int port);
  Status BindToSocket();
  // Accepts until `stopping_`.
  void Listen();
  // Lets running requests finish, then cancels them; returns when all
  // connections have ended. REQUIRES: Listen has returned.
  void EndConnections();
  void Converse(ConnectionSet::Connection* connection);
  // False if the connection must end.
  bool Exchange(int fd, RequestHead* head);
  Response Handle(Request request);
  void FinishHead(httplib::Response* response) const;

  const Router* const router_;
  const ServerOptions options_;
  WorkGate gate_;
  TransferLimits transfers_;
  Budget bodies_;
  std::atomic<int> port_{0};
  std::atomic<int> binds_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> cut_{false};  // true: end all waiting for clients
  std::chrono::steady_clock::time_point last_turned_away_;
  Mutex start_mutex_;  // guards starting and stopping
  bool started_ GUARDED_BY(start_mutex_) = false;
  std::thread listener_ GUARDED_BY(start_mutex_);
  Mutex mutex_;                // guards binding against Stop
  ConnectionSet connections_;  // last: its threads use the others
};

Server::Impl::Impl(const Router* router, const ServerOptions& options)
    : router_(router),
      options_(options),
      gate_(std::max(options.workers, 2)),
      transfers_(options.max_downloads, options.max_streams,
                 options.large_answer_bytes),
      bodies_(options.large_body_bytes),
      connections_(options.max_connections,
                   [this](ConnectionSet::Connection* connection) {
                     Converse(connection);
                   }) {
  new_task_queue = [] { return new InlineQueue; };
  // Runs before the library's routing: no regular expression sees a path of
  // 8 KiB, and methods that the library does not know get our 405.
  set_pre_routing_handler(
      [this](const httplib::Request& from, httplib::Response& to) {
        Response response = Handle(std::move(current->request));
        if (response.stream != nullptr) current_stream->pace()->Lift();
        ToLibrary(std::move(response), from.version, &to);
        // Otherwise the library would offer ranges for every answer.
        if (from.method == "HEAD" && !to.has_header("Accept-Ranges")) {
          to.set_header("Accept-Ranges", "none");
        }
        return HandlerResponse::Handled;
      });
  // The library's default sends the text of what() to the client.
  set_exception_handler([](const httplib::Request&, httplib::Response& to,
                           std::exception_ptr) { to.status = 500; });
  set_post_routing_handler(
      [this](const httplib::Request&, httplib::Response& response) {
        FinishHead(&response);
      });
}

bool Server::Impl::process_and_close_socket(socket_t socket) {
  UniqueFd fd(socket);
  if (!connections_.Add(&fd) && !stopping_) TurnAway(fd.get());
  return true;
}

void Server::Impl::TurnAway(int fd) {
  const auto now = std::chrono::steady_clock::now();
  if (now - last_turned_away_ >= std::chrono::seconds(1)) {
    // At most one line per second, even in a flood.
    last_turned_away_ = now;
    LogWarn("Http", "a connection was refused: all request slots are busy");
  }
  const std::string text = FormatRefusal(
      ErrorResponse(503, "overloaded", "all request slots are busy",
                    "try again in a few seconds"));
  (void)::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  // A close with unread input would reset the connection, and the client could
  // lose the answer. Waiting for more input would delay all other clients.
  char buffer[16 << 10];
  (void)::recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
}

void Server::Impl::Converse(ConnectionSet::Connection* connection) {
  const int fd = connection->fd();
  {
    // The reader is destroyed, with all input, before waiting for the client.
    ConnectionReader reader(fd, router_, &options_, &bodies_, &cut_);
    do {
      RequestHead* head = reader.Next();
      if (head == nullptr) break;
      if (!connections_.Enter(Phase::kWorking, connection)) return;
      if (!Exchange(fd, head)) break;
    } while (connections_.Enter(Phase::kReading, connection));
  }
  if (connections_.Enter(Phase::kLeaving, connection)) Linger(fd);
}

bool Server::Impl::Exchange(int fd, RequestHead* head) {
  const int binds = binds_;
  ServerStream stream(fd, options_.send_timeout,
                      {options_.least_pace, options_.pace_window}, &cut_);
  bool closed = false;
  current = head;
  current_stream = &stream;
  // Only these two fields of the request matter to the library when it writes
  // an answer.
  const std::function<void(httplib::Request&)> set_up =
      [head](httplib::Request& request) {
        request.method = head->request.method;
        request.version = head->http_1_0 ? "HTTP/1.0" : "HTTP/1.1";
      };
  const auto process = [&](auto* self) {
    // cpp-httplib has the addresses as arguments since 0.18.
    if constexpr (requires {
                    self->process_request(stream, false, closed, set_up);
                  }) {
      return self->process_request(stream, false, closed, set_up);
    } else {
      return self->process_request(stream, "", 0, "", 0, false, closed, set_up);
    }
  };
  // The listening socket must be open: without it the library leaves answers
  // half sent.
  const bool done = process(this);
  if (stream.pace()->exceeded()) {
    LogInfo("Http", "a client that took less than " +
                        FormatBytes(options_.least_pace) +
                        " of an answer per second was closed");
  }
  return done && stream.ok() && head->keep_alive && !stopping_ &&
         binds == binds_;
}

Response Server::Impl::Handle(Request request) {
  const bool is_head = request.method == "HEAD";
  if (request.route != nullptr && request.route->options.is_urgent) {
    return router_->Handle(std::move(request));
  }
  const bool changes = request.method != "GET" && !is_head;
  if (!gate_.Enter(changes)) {
    Response response =
        ErrorResponse(503, "cancelled", "the server is stopping");
    response.headers["X-Request-Id"] = RandomId();
    return response;
  }
  Response response = router_->Handle(std::move(request));  // throws nothing
  gate_.Leave(changes);
  if (is_head) return response;
  return transfers_.Admit(InlineSmallFile(std::move(response)));
}

// Corrects the headers that the library has added to an answer.
void Server::Impl::FinishHead(httplib::Response* response) const {
  httplib::Headers& headers = response->headers;
  headers.emplace("Date", HttpDate(std::time(nullptr)));
  headers.erase("Connection");
  headers.erase("Keep-Alive");
  const bool stream =
      response->content_provider_ && response->content_length_ == 0;
  const bool close = stopping_ || stream || !current->keep_alive;
  if (close) {
    headers.emplace("Connection", "close");
  } else if (current->http_1_0) {
    headers.emplace("Connection", "keep-alive");
  }
  if (response->status == 204 || response->status == 304) {
    headers.erase("Content-Length");
  }
}

Status Server::Impl::Start() {
  MutexLock start_lock(&start_mutex_);
  if (started_) {
    return Status(StatusCode::kInternal, "the HTTP server was started twice");
  }
  if (!options_.unix_path.empty()) return StartOnSocket();
  set_tcp_nodelay(true);
  // Replaces the library's SO_REUSEPORT, with which two servers could share a
  // port unnoticed. With SO_REUSEADDR, a restart need not wait for connections
  // of the previous process.
  set_socket_options([](socket_t socket) {
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  });
  {
    MutexLock lock(&mutex_);
    LEVELKEEP_RETURN_IF_ERROR(BindTo(options_.port));
  }
  started_ = true;
  listener_ = std::thread([this] { Listen(); });
  return Status::Ok();
}

// Linux gives the file of a socket the mode of the descriptor before bind(), so
// that nobody else can connect at any time.
Status Server::Impl::StartOnSocket() {
  set_address_family(AF_UNIX);
  set_socket_options([](socket_t socket) { ::fchmod(socket, 0600); });
  {
    MutexLock lock(&mutex_);
    LEVELKEEP_RETURN_IF_ERROR(BindTo(0));
  }
  started_ = true;
  listener_ = std::thread([this] { Listen(); });
  return Status::Ok();
}

Status Server::Impl::BindTo(int port) {
  if (!options_.unix_path.empty()) return BindToSocket();
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

// The library's port has no meaning here.
Status Server::Impl::BindToSocket() {
  errno = 0;
  if (binds_++ > 0) (void)FileSystem::Posix()->RemoveFile(options_.unix_path);
  if (!bind_to_port(options_.unix_path, 1))
    return CannotListen(options_, errno);
  ::listen(svr_sock_, kBacklog);
  return Status::Ok();
}

void Server::Impl::Listen() {
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

void Server::Impl::Stop() {
  MutexLock start_lock(&start_mutex_);
  if (!listener_.joinable()) return;
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    // Not stop(), which would make the library leave answers half sent.
    ::shutdown(svr_sock_, SHUT_RDWR);
  }
  listener_.join();
  EndConnections();
}

void Server::Impl::EndConnections() {
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

Server::Server(const Router* router, ServerOptions options)
    : impl_(std::make_unique<Impl>(router, options)) {}

Server::~Server() { Stop(); }

Status Server::Start() { return impl_->Start(); }

int Server::port() const { return impl_->port(); }

void Server::Stop() { impl_->Stop(); }

}  // namespace levelkeep::http
