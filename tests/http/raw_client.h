// A client that sends any bytes and reads real answers.

#ifndef LEVELKEEP_TESTS_HTTP_RAW_CLIENT_H_
#define LEVELKEEP_TESTS_HTTP_RAW_CLIENT_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace levelkeep::test {

struct RawResponse {
  int status = 0;  // 0: the connection ended without an answer
  std::string head;
  std::string body;

  bool Has(const std::string& text) const {
    return head.find(text) != std::string::npos;
  }
};

class RawClient {
 public:
  explicit RawClient(int port) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    // A server that hangs makes the test fail, not hang.
    const timeval patience{30, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address),
                           sizeof(address)) == 0;
  }
  ~RawClient() { ::close(fd_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }

  // False when the server has closed the connection.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

  void FinishSending() { ::shutdown(fd_, SHUT_WR); }

  // One response with Content-Length, or up to the end of the connection.
  // `head_only`: the request was HEAD.
  RawResponse Receive(bool head_only = false) {
    RawResponse response;
    while (input_.find("\r\n\r\n") == std::string::npos) {
      if (!Fill()) return response;
    }
    const size_t end = input_.find("\r\n\r\n") + 4;
    response.head = input_.substr(0, end);
    input_.erase(0, end);
    response.status = std::atoi(response.head.c_str() + 9);
    if (response.status == 100 || response.status == 204 ||
        response.status == 304 || head_only) {
      return response;
    }
    const size_t at = response.head.find("\r\nContent-Length: ");
    if (at == std::string::npos) {
      while (Fill()) {
      }
      response.body = std::exchange(input_, "");
      return response;
    }
    const size_t size =
        static_cast<size_t>(std::atoll(response.head.c_str() + at + 18));
    while (input_.size() < size && Fill()) {
    }
    response.body = input_.substr(0, size);
    input_.erase(0, response.body.size());
    return response;
  }

  RawResponse Exchange(std::string_view bytes, bool head_only = false) {
    Send(bytes);
    return Receive(head_only);
  }

  // Waits for the end of the connection; false if bytes come instead.
  bool IsClosed() { return input_.empty() && !Fill(); }
  // Receives more bytes into input(). False at the end of the connection.
  bool Fill() {
    char buffer[65536];
    const ssize_t n = ::recv(fd_, buffer, sizeof(buffer), 0);
    if (n <= 0) return false;
    input_.append(buffer, static_cast<size_t>(n));
    return true;
  }
  const std::string& input() const { return input_; }

 private:
  int fd_ = -1;
  bool connected_ = false;
  std::string input_;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_HTTP_RAW_CLIENT_H_
