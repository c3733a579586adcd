#include "http/server_guarded.h"

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <exception>
#include <functional>
#include <string>
#include <utility>

#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "http/http_date.h"
#include "http/server_binding.h"
#include "http/server_reader.h"
#include "http/server_stream.h"

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

bool Changes(const Request& request) {
  return request.method != "GET" && request.method != "HEAD";
}

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

}  // namespace

GuardedServer::GuardedServer(const Router* router, const ServerOptions& options)
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

GuardedServer::~GuardedServer() { connections_.EndAll(); }

bool GuardedServer::process_and_close_socket(socket_t socket) {
  UniqueFd fd(socket);
  if (!connections_.Add(&fd) && !stopping_) TurnAway(fd.get());
  return true;
}

void GuardedServer::TurnAway(int fd) {
  const auto now = std::chrono::steady_clock::now();
  if (now - last_turned_away_ >= std::chrono::seconds(1)) {
    // At most one line per second, even in a flood.
    last_turned_away_ = now;
    LogWarn("Http", "a connection was refused: all request slots are busy");
  }
  Response response =
      ErrorResponse(503, "overloaded", "all request slots are busy",
                    "try again in a few seconds");
  response.headers["Retry-After"] = "5";
  const std::string text = FormatRefusal(response);
  (void)::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  // A close with unread input would reset the connection, and the client could
  // lose the answer. Waiting for more input would delay all other clients.
  char buffer[16 << 10];
  (void)::recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
}

void GuardedServer::Converse(ConnectionSet::Connection* connection) {
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

bool GuardedServer::Exchange(int fd, RequestHead* head) {
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

Response GuardedServer::Handle(Request request) {
  const bool is_head = request.method == "HEAD";
  if (request.route != nullptr && request.route->options.is_urgent) {
    return router_->Handle(std::move(request));
  }
  const bool changes = Changes(request);
  if (!gate_.Enter(changes)) {
    Response response =
        ErrorResponse(503, "cancelled", "the server is stopping");
    response.headers["Retry-After"] = "5";
    response.headers["X-Request-Id"] = RandomId();
    return response;
  }
  Response response = router_->Handle(std::move(request));  // throws nothing
  gate_.Leave(changes);
  if (is_head) return response;
  return transfers_.Admit(InlineSmallFile(std::move(response)));
}

// Corrects the headers that the library has added to an answer.
void GuardedServer::FinishHead(httplib::Response* response) const {
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

}  // namespace levelkeep::http
