// What happens to one connection: read, dispatch, answer, linger, close.

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/hash.h"
#include "http/response_head.h"
#include "http/server_loop.h"
#include "http/server_socket.h"

namespace levelkeep::http {

namespace {

constexpr size_t kReadBytes = 64 << 10;
constexpr std::chrono::milliseconds kLingerTime(1000);
constexpr size_t kMaxLingerBytes = 4 << 20;
constexpr size_t kBodyBytesPerSecond = 256 << 10;

using std::chrono::steady_clock;

}  // namespace

void ServerLoop::OnEvent(uint64_t id, uint32_t events) {
  const auto it = connections_.find(id);
  if (it == connections_.end()) return;
  Connection* connection = it->second.get();
  switch (connection->phase) {
    case Phase::kReading:
      Read(connection);
      break;
    case Phase::kHandling:
      // Nothing is watched now but errors, which would be told for ever.
      if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
        connection->broken = true;
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, connection->fd.get(), nullptr);
      }
      break;
    case Phase::kSending:
      Send(connection);
      break;
    case Phase::kLingering:
      Linger(connection);
      break;
  }
}

void ServerLoop::OnDeadline(Connection* connection) {
  if (connection->phase == Phase::kReading &&
      connection->reader.state() != RequestReader::State::kIdle) {
    Refuse(connection,
           {408, "request_timeout", "the request did not arrive in time"});
    return;
  }
  Close(connection);
}

void ServerLoop::Read(Connection* connection) {
  char buffer[kReadBytes];
  // One buffer a turn: nobody gets ahead by sending fast.
  const ssize_t n = ::recv(connection->fd.get(), buffer, sizeof(buffer), 0);
  if (n > 0) {
    connection->reader.Append(std::string_view(buffer, static_cast<size_t>(n)));
    AfterRead(connection);
  } else if (n == 0 ||
             (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
    Close(connection);
  }
}

void ServerLoop::AfterRead(Connection* connection) {
  RequestReader& reader = connection->reader;
  if (reader.TakeContinue()) {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    size_t sent = 0;
    if (SendSome(connection->fd.get(), kContinue.data(), kContinue.size(),
                 &sent) != SendResult::kAll) {
      Close(connection);
      return;
    }
  }
  switch (reader.state()) {
    case RequestReader::State::kRefused:
      Refuse(connection, reader.refusal());
      break;
    case RequestReader::State::kRequest:
      Dispatch(connection);
      break;
    default:
      SetReadDeadline(connection);
  }
}

// Deadlines begin with a state and do not move with single bytes.
void ServerLoop::SetReadDeadline(Connection* connection) {
  const RequestReader::State state = connection->reader.state();
  if (state == connection->seen) return;
  connection->seen = state;
  const auto now = steady_clock::now();
  if (state == RequestReader::State::kIdle) {
    connection->deadline = now + options_.idle_timeout;
  } else if (state == RequestReader::State::kHead) {
    connection->deadline = now + options_.head_timeout;
  } else {
    const auto& head = connection->reader.head();
    const size_t most = head.chunked ? api_->MaxBodyBytes(head.request.method,
                                                          head.request.path)
                                     : static_cast<size_t>(head.content_length);
    connection->deadline = now + options_.body_timeout +
                           std::chrono::seconds(most / kBodyBytesPerSecond);
  }
}

void ServerLoop::Dispatch(Connection* connection) {
  connection->phase = Phase::kHandling;
  connection->deadline = SteadyTime::max();
  Watch(connection, 0);
  workers_->Submit(connection->id, connection->reader.head().request);
}

void ServerLoop::Answer(Connection* connection, Response response) {
  if (connection->broken) {
    Close(connection);
    return;
  }
  const RequestHead& head = connection->reader.head();
  const bool only_head = head.request.method == "HEAD";
  ResponseFraming framing;
  framing.http_1_0 = head.http_1_0;
  framing.keep_alive = head.keep_alive && !stopping_;
  const bool transfer =
      !only_head && MayHaveBody(response) &&
      (response.stream != nullptr || response.file != nullptr);
  if (transfer) {
    ResponseFraming closing = framing;
    closing.keep_alive = false;
    std::string bytes = FormatResponseHead(response, closing);
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, connection->fd.get(), nullptr);
    if (transfers_->Start(&connection->fd, std::move(bytes), response,
                          !framing.http_1_0)) {
      connections_.erase(connection->id);
      return;
    }
    epoll_event event{};
    event.data.u64 = connection->id;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection->fd.get(), &event);
    const auto headers = response.headers;
    response = ErrorResponse(503, "too_many_transfers",
                             "as many downloads or event streams as allowed "
                             "are running already",
                             "try again in a few seconds");
    response.headers["Retry-After"] = "5";
    response.headers["Cache-Control"] = "no-store";
    if (const auto it = headers.find("X-Request-Id"); it != headers.end()) {
      response.headers.insert(*it);
    }
  }
  std::string bytes = FormatResponseHead(response, framing);
  if (!only_head && MayHaveBody(response)) bytes += response.body;
  connection->close_after = !framing.keep_alive;
  StartSending(connection, std::move(bytes));
}

void ServerLoop::Refuse(Connection* connection, const Refusal& refusal) {
  Response response =
      ErrorResponse(refusal.status, refusal.code, refusal.detail);
  response.headers["X-Request-Id"] = RandomId();
  response.headers["X-Content-Type-Options"] = "nosniff";
  response.headers["Cache-Control"] = "no-store";
  ResponseFraming framing;
  // What follows on this connection can't be told from the refused request.
  framing.keep_alive = false;
  connection->close_after = true;
  StartSending(connection,
               FormatResponseHead(response, framing) + response.body);
}

void ServerLoop::StartSending(Connection* connection, std::string bytes) {
  connection->phase = Phase::kSending;
  connection->out = std::move(bytes);
  connection->sent = 0;
  connection->deadline = steady_clock::now() + options_.send_timeout;
  Send(connection);
}

void ServerLoop::Send(Connection* connection) {
  const size_t before = connection->sent;
  switch (SendSome(connection->fd.get(), connection->out.data(),
                   connection->out.size(), &connection->sent)) {
    case SendResult::kFailed:
      Close(connection);
      break;
    case SendResult::kSome:
      if (connection->sent > before) {
        connection->deadline = steady_clock::now() + options_.send_timeout;
      }
      Watch(connection, EPOLLOUT);
      break;
    case SendResult::kAll:
      AfterSend(connection);
      break;
  }
}

void ServerLoop::AfterSend(Connection* connection) {
  connection->out = std::string();
  if (connection->close_after) {
    // A close with unread input would reset the connection, and the client
    // could lose the answer.
    ::shutdown(connection->fd.get(), SHUT_WR);
    connection->phase = Phase::kLingering;
    connection->deadline = steady_clock::now() + kLingerTime;
    Watch(connection, EPOLLIN);
    return;
  }
  connection->phase = Phase::kReading;
  connection->seen = RequestReader::State::kRequest;
  connection->reader.Next();
  Watch(connection, EPOLLIN);
  AfterRead(connection);
}

void ServerLoop::Linger(Connection* connection) {
  char buffer[kReadBytes];
  const ssize_t n = ::recv(connection->fd.get(), buffer, sizeof(buffer), 0);
  if (n > 0) connection->lingered_bytes += static_cast<size_t>(n);
  const bool again =
      n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  if ((n <= 0 && !again) || connection->lingered_bytes > kMaxLingerBytes) {
    Close(connection);
  }
}

void ServerLoop::Watch(Connection* connection, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = connection->id;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, connection->fd.get(), &event);
}

void ServerLoop::Close(Connection* connection) {
  connections_.erase(connection->id);
}

}  // namespace levelkeep::http
