// A server with routes that need no backup manager.

#ifndef LEVELKEEP_TESTS_HTTP_SERVER_FIXTURE_H_
#define LEVELKEEP_TESTS_HTTP_SERVER_FIXTURE_H_

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "base/file_system.h"
#include "http/raw_client.h"
#include "http/server.h"
#include "support/temp_dir.h"

namespace levelkeep::test {

// Sends `parts` numbered parts, one each 10 ms. With 0 it never ends.
class CountingStream : public http::BodyStream {
 public:
  explicit CountingStream(int parts) : parts_(parts) {}
  bool Next(std::string* chunk) override {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    *chunk += "part " + std::to_string(++sent_) + "\n";
    return parts_ == 0 || sent_ < parts_;
  }

 private:
  const int parts_;
  int sent_ = 0;
};

class ServerFixture : public testing::Test {
 protected:
  ServerFixture() {
    options_.port = 0;
    AddRoutes();
  }
  ~ServerFixture() override {
    release_ = true;
    server_.reset();
  }

  void Start() {
    server_ = std::make_unique<http::Server>(&router_, options_);
    const Status status = server_->Start();
    ASSERT_TRUE(status.ok()) << status.ToString();
    ASSERT_NE(server_->port(), 0);
  }

  int port() const { return server_->port(); }

  // One request on a connection of its own.
  RawResponse Once(std::string_view bytes, bool head_only = false) {
    RawClient client(port());
    return client.Exchange(bytes, head_only);
  }

  void ExpectAlive() {
    const RawResponse response =
        Once("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "{\"status\":\"ok\"}");
  }

  static std::string Get(const std::string& path,
                         const std::string& lines = "") {
    return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + lines + "\r\n";
  }
  static std::string Post(const std::string& path, const std::string& lines,
                          const std::string& body) {
    return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\n" + lines +
           "\r\n" + body;
  }

  http::ServerOptions options_;
  http::Router router_;
  std::unique_ptr<http::Server> server_;
  // /slow answers when this is set.
  std::atomic<bool> release_{false};
  std::atomic<int> slow_running_{0};
  std::atomic<int> requests_seen_{0};
  TempDir dir_;
  uint64_t file_size_ = 0;

 private:
  void AddRoutes() {
    router_.Add("GET", "/livez",
                [](const http::Request&) {
                  return http::JsonResponse("{\"status\":\"ok\"}");
                },
                {.needs_token = false, .is_urgent = true});
    router_.Add("POST", "/echo", [this](const http::Request& request) {
      requests_seen_++;
      http::Response response;
      response.content_type = "text/plain";
      response.body = request.body;
      return response;
    });
    const auto slow = [this](const http::Request&) {
      slow_running_++;
      while (!release_) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      }
      slow_running_--;
      return http::JsonResponse("{\"slow\":true}");
    };
    router_.Add("POST", "/slow", slow);
    router_.Add("GET", "/slow", slow);
    router_.Add("GET", "/large", [](const http::Request&) {
      return http::JsonResponse(std::string(8 << 20, 'x'));
    });
    router_.Add("GET", "/header", [](const http::Request&) {
      http::Response response = http::JsonResponse("{}");
      response.headers["X-Injected"] = "a\r\nSet-Cookie: b\x7f";
      return response;
    });
    router_.Add("GET", "/not-modified", [](const http::Request&) {
      http::Response response;
      response.status = 304;
      response.content_type = "";
      return response;
    });
    for (const int parts : {0, 3}) {
      router_.Add("GET", "/stream/" + std::to_string(parts),
                  [parts](const http::Request&) {
                    http::Response response;
                    response.content_type = "text/event-stream";
                    response.stream = std::make_shared<CountingStream>(parts);
                    return response;
                  });
    }
    router_.Add("GET", "/file", [this](const http::Request& request) {
      http::Response response;
      response.content_type = "application/octet-stream";
      auto file = FileSystem::Posix()->Open(dir_.Sub("file"), OpenMode::kRead);
      if (!file.ok()) return http::ErrorResponse(file.status());
      response.file = std::move(*file);
      response.file_size = file_size_;
      if (request.query.count("short") > 0) response.file_size += 1;
      return response;
    });
  }
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_HTTP_SERVER_FIXTURE_H_
