#include "http/server_binding.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "base/text.h"

namespace levelkeep::http {

namespace {

constexpr size_t kStreamPieceBytes = 64 << 10;

// The providers below own the response, and so its place.
using Held = std::shared_ptr<const Response>;

void SetFile(const Held& from, httplib::Response* to) {
  if (from->file_size == 0) {  // the library refuses a provider of 0 bytes
    to->set_content("", from->content_type);
    return;
  }
  to->set_content_provider(
      static_cast<size_t>(from->file_size), from->content_type,
      [from](size_t offset, size_t length, httplib::DataSink& sink) {
        std::string part(std::min<size_t>(length, 256 << 10), '\0');
        // The length was sent already: a connection that closes early is the
        // only way to tell the client about a failure.
        return ReadExactly(*from->file, from->file_offset + offset, part.data(),
                           part.size())
                   .ok() &&
               sink.write(part.data(), part.size());
      });
}

void SetLargeBody(const Held& from, httplib::Response* to) {
  to->set_content_provider(
      from->body.size(), from->content_type,
      [from](size_t offset, size_t length, httplib::DataSink& sink) {
        return sink.write(from->body.data() + offset, length);
      });
}

// A template, because some versions between 0.11 and 0.18 lack is_writable().
template <class Sink>
bool PeerListens(const Sink& sink) {
  if constexpr (requires { sink.is_writable(); }) {
    return sink.is_writable();
  } else {
    return true;
  }
}

void SetStream(const Held& from, const std::string& version,
               httplib::Response* to) {
  const auto provider = [from](size_t, httplib::DataSink& sink) {
    std::string part;
    const bool more = from->stream->Next(&part);
    if (!PeerListens(sink)) return false;
    // In pieces, because the library copies each one to frame it. An empty
    // piece is never written: it would mean the end.
    for (size_t at = 0; at < part.size(); at += kStreamPieceBytes) {
      const size_t size = std::min(part.size() - at, kStreamPieceBytes);
      if (!sink.write(part.data() + at, size)) return false;
    }
    if (!more) sink.done();
    // False even after a regular end: it makes the library close.
    return more;
  };
  if (version == "HTTP/1.0") {
    to->set_content_provider(from->content_type, provider);
  } else {
    to->set_chunked_content_provider(from->content_type, provider);
  }
}

// `text` without control characters.
std::string HeaderValue(std::string text) {
  std::erase_if(text, IsAsciiControl);
  return text;
}

constexpr int kPollMs = 200;  // `cut` is noticed after this time

}  // namespace

void ToLibrary(Response from, const std::string& version,
               httplib::Response* to) {
  to->status = from.status;
  for (const auto& [name, value] : from.headers) {
    to->set_header(name, HeaderValue(value));
  }
  const auto held = std::make_shared<Response>(std::move(from));
  if (held->stream != nullptr) {
    SetStream(held, version, to);
  } else if (held->file != nullptr) {
    SetFile(held, to);
  } else if (held->place != nullptr) {
    SetLargeBody(held, to);
  } else if (!held->content_type.empty()) {
    to->body = std::move(held->body);
    to->set_header("Content-Type", held->content_type);
  }
}

void PaceLimit::Waited(std::chrono::nanoseconds time) {
  // Bytes before the first wait only filled buffers.
  if (!has_waited_) bytes_ = 0;
  has_waited_ = true;
  waited_ += time;
  if (waited_ < window_) return;
  const std::chrono::duration<double> seconds = waited_;
  exceeded_ = static_cast<double>(bytes_) <
              static_cast<double>(bytes_per_second_) * seconds.count();
  waited_ = {};
  bytes_ = 0;
}

bool SendAll(int fd, std::string_view data, std::chrono::milliseconds timeout,
             const std::atomic<bool>& cut, PaceLimit* pace) {
  using std::chrono::steady_clock;
  auto deadline = steady_clock::now() + timeout;
  while (!data.empty()) {
    const ssize_t n =
        ::send(fd, data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) {
      data.remove_prefix(static_cast<size_t>(n));
      if (pace != nullptr) pace->Sent(static_cast<size_t>(n));
      deadline = steady_clock::now() + timeout;
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return false;
    const auto begin = steady_clock::now();
    if (cut || begin > deadline) return false;
    pollfd entry{fd, POLLOUT, 0};
    ::poll(&entry, 1, kPollMs);
    if (pace == nullptr) continue;
    pace->Waited(steady_clock::now() - begin);
    if (pace->exceeded()) return false;
  }
  return true;
}

ssize_t ServerStream::read(char* data, size_t size) {
  const size_t n = input_.copy(data, size);
  input_.remove_prefix(n);
  return static_cast<ssize_t>(n);
}

ssize_t ServerStream::write(const char* data, size_t size) {
  ok_ = ok_ &&
        SendAll(fd_, std::string_view(data, size), timeout_, *cut_, &pace_);
  return ok_ ? static_cast<ssize_t>(size) : -1;
}

bool ServerStream::is_writable() const {
  pollfd entry{fd_, POLLRDHUP, 0};
  return ok_ && ::poll(&entry, 1, 0) == 0;
}

}  // namespace levelkeep::http
