#include "http/server_stream.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace levelkeep::http {

namespace {

constexpr int kPollMs = 200;  // `cut` is noticed after this time

}  // namespace

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
