// Support for tests.
// A TCP server on loopback that says what a test wants.

#ifndef LEVELKEEP_TESTS_NET_SCRIPTED_SERVER_H_
#define LEVELKEEP_TESTS_NET_SCRIPTED_SERVER_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "base/mutex.h"
#include "base/unique_fd.h"

namespace levelkeep::test {

// One end of a connection. Reading and writing wait at most ten seconds.
class Talk {
 public:
  Talk(int fd, std::string* heard) : fd_(fd), heard_(heard) {}

  // False: the other end is gone.
  bool Say(const std::string& text) {
    return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }
  // Reads up to and with `end`; "" if it never comes.
  std::string HearTo(const std::string& end) {
    for (;;) {
      if (const size_t at = rest_.find(end); at != std::string::npos) {
        return Take(at + end.size());
      }
      if (!Hear()) return "";
    }
  }
  std::string HearBytes(size_t count) {
    while (rest_.size() < count) {
      if (!Hear()) return "";
    }
    return Take(count);
  }
  // Returns when the other end has closed the connection, at most after ten
  // seconds.
  void HearNothing() { (void)HearTo("no such text"); }

 private:
  bool Hear() {
    pollfd ready = {fd_, POLLIN, 0};
    char buffer[4096];
    if (::poll(&ready, 1, 10'000) != 1) return false;
    const ssize_t count = ::recv(fd_, buffer, sizeof(buffer), 0);
    if (count <= 0) return false;
    rest_.append(buffer, static_cast<size_t>(count));
    return true;
  }
  std::string Take(size_t count) {
    const std::string part = rest_.substr(0, count);
    rest_.erase(0, count);
    *heard_ += part;
    return part;
  }

  const int fd_;
  std::string* const heard_;
  std::string rest_;
};

// Serves one connection after the other with `script`.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::function<void(Talk*)> script)
      : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
        script_(std::move(script)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    ::bind(listener_.get(), any, size);
    ::listen(listener_.get(), 8);
    ::getsockname(listener_.get(), any, &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~ScriptedServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  int port() const { return port_; }
  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(port_);
  }
  // What was heard on all connections, once they have ended.
  std::string heard() {
    MutexLock lock(&mutex_);
    changed_.wait_for(mutex_, std::chrono::seconds(10), [&] { return !busy_; });
    return heard_;
  }

 private:
  void Serve() {
    for (;;) {
      const UniqueFd fd(::accept(listener_.get(), nullptr, nullptr));
      if (!fd.valid()) return;
      std::string heard;
      Talk talk(fd.get(), &heard);
      SetBusy(true, "");
      script_(&talk);
      SetBusy(false, heard);
    }
  }

  void SetBusy(bool busy, const std::string& heard) {
    MutexLock lock(&mutex_);
    busy_ = busy;
    heard_ += heard;
    changed_.notify_all();
  }

  UniqueFd listener_;
  const std::function<void(Talk*)> script_;
  int port_ = 0;
  Mutex mutex_;
  CondVar changed_;
  bool busy_ = false;
  std::string heard_;
  std::thread thread_;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_NET_SCRIPTED_SERVER_H_
