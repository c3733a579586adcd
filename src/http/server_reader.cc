#include "http/server_reader.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "base/hash.h"
#include "http/message.h"
#include "http/server_binding.h"

namespace levelkeep::http {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr size_t kReadBytes = 16 << 10;
constexpr milliseconds kLingerTime(1000);
constexpr size_t kMaxLingerBytes = 4 << 20;
constexpr int kRoomPollMs = 20;
constexpr size_t kBodyBytesPerSecond = 256 << 10;

// Returns 0 if the peer has closed or the deadline has passed.
size_t Receive(int fd, steady_clock::time_point deadline, char* buffer,
               size_t size) {
  while (true) {
    const ssize_t n = ::recv(fd, buffer, size, MSG_DONTWAIT);
    if (n >= 0) return static_cast<size_t>(n);
    if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) return 0;
    const auto left =
        std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) return 0;
    pollfd entry{fd, POLLIN, 0};
    ::poll(&entry, 1,
           static_cast<int>(std::min<int64_t>(left.count(), 60'000)));
  }
}

}  // namespace

std::string FormatRefusal(const Response& response) {
  std::string text = "HTTP/1.1 " + std::to_string(response.status) + " ";
  text.append(StatusText(response.status)).append("\r\nConnection: close\r\n");
  text += "Date: " + HttpDate(std::time(nullptr)) + "\r\n";
  text += "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";
  for (const auto& [name, value] : response.headers) {
    text.append(name).append(": ").append(value).append("\r\n");
  }
  text += "X-Request-Id: " + RandomId() + "\r\n";
  text += "Content-Type: " + response.content_type + "\r\n";
  text += "Content-Length: " + std::to_string(response.body.size());
  return text.append("\r\n\r\n").append(response.body);
}

void Linger(int fd) {
  ::shutdown(fd, SHUT_WR);
  const auto deadline = steady_clock::now() + kLingerTime;
  char buffer[kReadBytes];
  size_t total = 0;
  while (total < kMaxLingerBytes && steady_clock::now() < deadline) {
    const size_t n = Receive(fd, deadline, buffer, sizeof(buffer));
    if (n == 0) return;
    total += n;
  }
}

ConnectionReader::ConnectionReader(int fd, const Router* router,
                                   const ServerOptions* options, Budget* bodies,
                                   const std::atomic<bool>* cut)
    : fd_(fd),
      options_(options),
      bodies_(bodies),
      cut_(cut),
      reader_([router](Request* request) {
        router->Resolve(request);
        return MaxBodyBytes(*request);
      }) {}

// A deadline begins with a state; single bytes do not extend it.
ConnectionReader::SteadyTime ConnectionReader::Deadline(bool first) const {
  const auto now = steady_clock::now();
  switch (reader_.state()) {
    case RequestReader::State::kIdle:
      return now + (first ? options_->head_timeout : options_->idle_timeout);
    case RequestReader::State::kHead:
      return now + options_->head_timeout;
    default:
      break;
  }
  return now + options_->body_timeout +
         std::chrono::seconds(BodyBytes() / kBodyBytesPerSecond);
}

// The size of the whole body; if that is not known, the largest possible size.
size_t ConnectionReader::BodyBytes() const {
  const RequestHead& head = reader_.head();
  return head.chunked ? MaxBodyBytes(head.request)
                      : static_cast<size_t>(head.content_length);
}

// Limits the memory of clients that send large bodies at the same time: bytes
// without room stay in the socket.
bool ConnectionReader::HasRoom(SteadyTime deadline) {
  if (room_ != nullptr || reader_.state() != RequestReader::State::kBody ||
      reader_.head().request.body.size() < Budget::kSmallBytes) {
    return true;
  }
  while ((room_ = bodies_->TryTake(BodyBytes())) == nullptr) {
    if (steady_clock::now() >= deadline) {
      Refuse({503, "overloaded", "too many large requests at once"});
      return false;
    }
    // Wakes up only if the connection ends.
    pollfd entry{fd_, 0, 0};
    if (::poll(&entry, 1, kRoomPollMs) > 0) return false;
  }
  reader_.mutable_head()->request.body.reserve(BodyBytes());
  return true;
}

RequestHead* ConnectionReader::Next() {
  if (!first_) reader_.Next();
  room_.reset();
  auto deadline = Deadline(first_);
  auto seen = reader_.state();
  first_ = false;
  while (true) {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    if (reader_.TakeContinue() &&
        !SendAll(fd_, kContinue, options_->send_timeout, *cut_)) {
      return nullptr;
    }
    const auto state = reader_.state();
    if (state == RequestReader::State::kRequest) return reader_.mutable_head();
    if (state == RequestReader::State::kRefused) {
      Refuse(reader_.refusal());
      return nullptr;
    }
    if (state != seen) {
      seen = state;
      deadline = Deadline(false);
    }
    if (!HasRoom(deadline) || !Read(deadline)) return nullptr;
  }
}

bool ConnectionReader::Read(SteadyTime deadline) {
  char buffer[kReadBytes];
  // The deadline also holds if bytes keep arriving.
  const bool late = steady_clock::now() >= deadline;
  const size_t n = late ? 0 : Receive(fd_, deadline, buffer, sizeof(buffer));
  if (n > 0) {
    reader_.Append(std::string_view(buffer, n));
    return true;
  }
  if (reader_.state() != RequestReader::State::kIdle &&
      steady_clock::now() >= deadline) {
    Refuse({408, "request_timeout", "the request did not arrive in time"});
  }
  return false;
}

void ConnectionReader::Refuse(const Refusal& refusal) const {
  SendAll(fd_,
          FormatRefusal(
              ErrorResponse(refusal.status, refusal.code, refusal.detail)),
          options_->send_timeout, *cut_);
}

}  // namespace levelkeep::http
