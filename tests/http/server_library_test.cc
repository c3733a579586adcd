// The server on cpp-httplib: what the library must not do by itself, and what
// the server adds to the library.

#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "http/server_fixture.h"

namespace levelkeep {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::RawClient;
using test::RawResponse;
using Clients = std::vector<std::unique_ptr<RawClient>>;

// Allows more than a thousand sockets, both ends of each in this process.
// False if the machine does not allow that many files.
bool AllowManyFiles(rlim_t count) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(limit.rlim_max, count));
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= count;
}

// The listening socket of this process with that port; -1 if there is none.
int FindListener(int port) {
  DIR* dir = ::opendir("/proc/self/fd");
  int found = -1;
  while (const dirent* entry = ::readdir(dir)) {
    const int fd = std::atoi(entry->d_name);
    sockaddr_in address{};
    socklen_t length = sizeof(address);
    int listening = 0;
    socklen_t size = sizeof(listening);
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 &&
        listening == 1 &&
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) ==
            0 &&
        ntohs(address.sin_port) == port) {
      found = fd;
    }
  }
  ::closedir(dir);
  return found;
}

class ServerLibraryTest : public test::ServerFixture {
 protected:
  ServerLibraryTest() {
    // Answers with what the handler was given, one item a line.
    const auto show = [](const http::Request& request) {
      http::Response response;
      response.content_type = "text/plain";
      response.body = request.method + " " + request.path + "\n";
      for (const auto& [name, value] : request.query) {
        response.body.append("?").append(name).append("=").append(value);
        response.body += "\n";
      }
      for (const auto& [name, value] : request.headers) {
        response.body.append(name).append(": ").append(value).append("\n");
      }
      return response;
    };
    router_.Add("GET", "/show", show);
    router_.Add("GET", "/show/{name}", show);
  }

  Clients Connect(int count, const std::string& bytes) {
    Clients clients;
    for (int i = 0; i < count; i++) {
      clients.push_back(std::make_unique<RawClient>(port()));
      EXPECT_TRUE(clients.back()->connected());
      clients.back()->Send(bytes);
    }
    return clients;
  }

  std::string Show(const std::string& target, const std::string& lines = "") {
    return Once(Get(target, lines)).body;
  }
};

TEST_F(ServerLibraryTest, EscapesInHeaderValuesStayAsTheyAre) {
  Start();
  EXPECT_EQ(Show("/show", "X-Note: a%0d%0aX-Evil: b%00%25\r\n"),
            "GET /show\nhost: localhost\nx-note: a%0d%0aX-Evil: b%00%25\n");
}

TEST_F(ServerLibraryTest, PathAndQueryAreDecodedOnce) {
  Start();
  const std::string shown =
      Show("/show/a%2562c%20%3F+%23?x=%2526y%3D1&z+%2B=%C3%A4&e=");
  EXPECT_EQ(shown.substr(0, shown.find("host:")),
            "GET /show/a%62c ?+#\n?e=\n?x=%26y=1\n?z +=ä\n");
}

TEST_F(ServerLibraryTest, RangesReachTheRouteAndNeverTheLibrary) {
  Start();
  EXPECT_NE(Show("/show", "Range: bytes=0-3\r\n").find("range: bytes=0-3\n"),
            std::string::npos);
  for (const std::string& range :
       {std::string("bytes=0-1"), std::string("bytes=9-"), std::string("x"),
        std::string("bytes=0-") + [] {
          std::string more;
          for (int i = 0; i < 2000; i++) more += ",0-";
          return more;
        }()}) {
    const RawResponse response =
        Once(Get("/livez", "Range: " + range + "\r\n"));
    EXPECT_EQ(response.status, 200) << range.substr(0, 20);
    EXPECT_EQ(response.body, "{\"status\":\"ok\"}");
    EXPECT_FALSE(response.Has("Content-Range"));
  }
}

TEST_F(ServerLibraryTest, NoHeaderOfAClientStandsForAnythingOfOurs) {
  Start();
  const std::string shown =
      Show("/show",
           "REMOTE_ADDR: 10.0.0.1\r\nX-Levelkeep-Range: bytes=0-0\r\n"
           "X-Forwarded-For: 10.0.0.2\r\nKeep-Alive: max=0\r\n"
           "Upgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n");
  EXPECT_EQ(shown,
            "GET /show\nconnection: Upgrade\nhost: localhost\n"
            "keep-alive: max=0\nremote_addr: 10.0.0.1\n"
            "sec-websocket-key: eA==\nsec-websocket-version: 13\n"
            "upgrade: websocket\nx-forwarded-for: 10.0.0.2\n"
            "x-levelkeep-range: bytes=0-0\n");
}

TEST_F(ServerLibraryTest, HeadPromisesNoRangesForTheLibrary) {
  Start();
  const RawResponse head =
      Once("HEAD /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", true);
  EXPECT_EQ(head.status, 200);
  EXPECT_FALSE(head.Has("Accept-Ranges: bytes"));
}

TEST_F(ServerLibraryTest, AnswersAreNotCompressed) {
  Start();
  for (const char* path : {"/large", "/stream/3"}) {
    const RawResponse response =
        Once(Get(path, "Accept-Encoding: gzip, br\r\n"));
    EXPECT_EQ(response.status, 200);
    EXPECT_FALSE(response.Has("Content-Encoding"));
  }
}

TEST_F(ServerLibraryTest, FormsArriveAsTheyWereSent) {
  Start();
  const std::string large(60000, 'x');
  const std::string parts =
      "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n";
  for (const auto& [type, body] :
       {std::pair<std::string, std::string>{"application/x-www-form-urlencoded",
                                            large},
        {"multipart/form-data; boundary=b", parts},
        {"multipart/form-data", parts}}) {
    const RawResponse response =
        Once(Post("/echo",
                  "Content-Type: " + type + "\r\nContent-Length: " +
                      std::to_string(body.size()) + "\r\n",
                  body));
    EXPECT_EQ(response.status, 200) << type;
    EXPECT_EQ(response.body, body) << type;
  }
}

TEST_F(ServerLibraryTest, MethodsOnlyWeKnowGetOurAnswer) {
  Start();
  for (const char* method : {"TRACE", "PROPFIND", "OPTIONS", "PATCH", "PRI"}) {
    RawClient client(port());
    const std::string request =
        std::string(method) + " /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const RawResponse response = client.Exchange(request);
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_TRUE(response.Has("\r\nAllow: GET, HEAD\r\n"));
    EXPECT_FALSE(response.Has("Connection: close"));
    EXPECT_EQ(client.Exchange(Get("/livez")).status, 200);
  }
}

TEST_F(ServerLibraryTest, LongPathsAndHeadersAreNoLoad) {
  Start();
  EXPECT_EQ(Once(Get("/" + std::string(8000, 'a'))).status, 404);
  EXPECT_EQ(
      Once(Get("/" + std::string(2600, '"') + "?" + std::string(5000, '"')))
          .status,
      404);
  const std::string value(20000, '%');
  EXPECT_NE(Show("/show", "X-Long: " + value + "\r\n").find(value),
            std::string::npos);
}

TEST_F(ServerLibraryTest, ClientsBeyondTheLimitAreTurnedAway) {
  ASSERT_TRUE(AllowManyFiles(4096)) << "raise the limit of open files";
  options_.workers = 1024;
  std::mutex mutex;
  std::condition_variable changed;
  int waiting = 0;
  bool go_on = false;
  router_.Add("POST", "/wait", [&](const http::Request&) {
    std::unique_lock<std::mutex> lock(mutex);
    waiting++;
    changed.notify_all();
    changed.wait(lock, [&] { return go_on; });
    return http::JsonResponse("{}");
  });
  Start();
  const Clients working = Connect(512, Post("/wait", "", ""));
  {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return waiting == 512; });
  }
  for (int i = 0; i < 60; i++) {
    RawClient client(port());
    client.Send(Get("/livez"));
    const RawResponse response = client.Receive();
    EXPECT_EQ(response.status, 503);
    EXPECT_TRUE(response.Has("\r\nRetry-After: 5\r\n"));
    EXPECT_TRUE(response.Has("\r\nConnection: close\r\n"));
    EXPECT_NE(response.body.find("\"code\":\"overloaded\""), std::string::npos);
  }
  {
    std::lock_guard<std::mutex> lock(mutex);
    go_on = true;
  }
  changed.notify_all();
  for (const auto& client : working) EXPECT_EQ(client->Receive().status, 200);
  ExpectAlive();
}

TEST_F(ServerLibraryTest, SixHundredIdleClientsKeepNobodyOut) {
  ASSERT_TRUE(AllowManyFiles(4096)) << "raise the limit of open files";
  options_.head_timeout = std::chrono::hours(1);
  Start();
  const Clients idle = Connect(600, "");
  for (int i = 0; i < 5; i++) ExpectAlive();
}

TEST_F(ServerLibraryTest, StopIsQuickWhateverClientsDo) {
  options_.head_timeout = options_.body_timeout = options_.idle_timeout =
      options_.send_timeout = std::chrono::hours(1);
  options_.stop_grace = milliseconds(300);
  Start();
  file_size_ = 64 << 20;
  test::WriteFile(dir_.Sub("file"), std::string(file_size_, 'x'));
  const Clients silent = Connect(50, "");
  const Clients in_head = Connect(50, "GET /livez HTTP/1.1\r\nHost: loc");
  const Clients in_body =
      Connect(50, Post("/echo", "Content-Length: 10\r\n", "abc"));
  const Clients kept = Connect(20, Get("/livez"));
  for (const auto& client : kept) EXPECT_EQ(client->Receive().status, 200);
  const Clients refused = Connect(20, "x y z\r\n\r\n");
  const Clients not_reading = Connect(10, Get("/large"));
  const Clients downloads = Connect(10, Get("/file"));
  const Clients streams = Connect(10, Get("/stream/0"));
  for (const auto& client : streams) ASSERT_TRUE(client->Fill());
  const auto started = steady_clock::now();
  server_->Stop();
  // No timeout of an hour was waited for.
  EXPECT_LT(steady_clock::now() - started, std::chrono::minutes(1));
  for (const auto& client : silent) EXPECT_TRUE(client->IsClosed());
  for (const auto& client : in_body) EXPECT_TRUE(client->IsClosed());
  for (const auto& client : streams) {
    EXPECT_TRUE(client->Receive().body.ends_with("0\r\n\r\n"));
  }
}

TEST_F(ServerLibraryTest, AFailedAcceptIsNotTheEnd) {
  Start();
  const int old_port = port();
  RawClient kept(port());
  EXPECT_EQ(kept.Exchange(Get("/livez")).status, 200);
  const int listener = FindListener(old_port);
  ASSERT_GE(listener, 0);
  ASSERT_EQ(::shutdown(listener, SHUT_RDWR), 0);  // accept() now fails
  int status = 0;
  for (int i = 0; i < 1000 && status == 0; i++) {
    RawClient client(old_port);
    if (client.connected()) status = client.Exchange(Get("/livez")).status;
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_EQ(status, 200);
  EXPECT_EQ(port(), old_port);
}

TEST_F(ServerLibraryTest, IPv6LoopbackIsServedWithAndWithoutBrackets) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  const int probe = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool has_address = ::bind(probe, reinterpret_cast<sockaddr*>(&address),
                                  sizeof(address)) == 0;
  ::close(probe);
  for (const char* host : {"::1", "[::1]"}) {
    options_.host = host;
    server_ = std::make_unique<http::Server>(&router_, options_);
    const Status status = server_->Start();
    // Containers often have no IPv6; then Start says so.
    EXPECT_EQ(status.code(),
              has_address ? StatusCode::kOk : StatusCode::kInvalidArgument)
        << status.ToString();
    if (!status.ok()) continue;
    const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin6_port = htons(static_cast<uint16_t>(port()));
    EXPECT_EQ(
        ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)),
        0)
        << host;
    ::close(fd);
  }
}

}  // namespace
}  // namespace levelkeep
