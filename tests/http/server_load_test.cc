// Clients that stall must cost other clients nothing.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "http/server_fixture.h"

namespace levelkeep {
namespace {

using std::chrono::milliseconds;
using test::RawClient;
using test::RawResponse;

class ServerLoadTest : public test::ServerFixture {
 protected:
  using Clients = std::vector<std::unique_ptr<RawClient>>;

  // Waits until so many requests are in the handler of /slow.
  void AwaitAtWork(int count) {
    while (slow_running_ < count) {
      std::this_thread::sleep_for(milliseconds(2));
    }
  }
  // Opens connections that each send the same beginning of a request.
  Clients Stall(int count, const std::string& bytes) {
    Clients clients;
    for (int i = 0; i < count; i++) {
      clients.push_back(std::make_unique<RawClient>(port()));
      EXPECT_TRUE(clients.back()->connected());
      clients.back()->Send(bytes);
    }
    return clients;
  }
};

TEST_F(ServerLoadTest, HealthAnswersWhileHundredsOfClientsStall) {
  // No stalled client is timed out here: the answers must come all the same.
  options_.head_timeout = options_.body_timeout = options_.idle_timeout =
      std::chrono::hours(1);
  options_.stop_grace = milliseconds(100);
  options_.workers = 4;
  Start();
  const Clients silent = Stall(100, "");
  const Clients in_line = Stall(50, "GET /live");
  const Clients in_head = Stall(50, "GET /livez HTTP/1.1\r\nHost: loc");
  const Clients in_body =
      Stall(50, Post("/echo", "Content-Length: 10\r\n", "abc"));
  const Clients in_chunk =
      Stall(50, Post("/echo", "Transfer-Encoding: chunked\r\n", "a\r\nabc"));
  const Clients not_reading = Stall(20, Get("/large"));
  for (int i = 0; i < 20; i++) ExpectAlive();
}

TEST_F(ServerLoadTest, HealthAnswersWhileAllChangesWait) {
  options_.workers = 4;
  Start();
  const Clients slow = Stall(20, Post("/slow", "", ""));
  AwaitAtWork(3);
  for (int i = 0; i < 20; i++) ExpectAlive();
  EXPECT_EQ(slow_running_, 3) << "a quarter of the workers is for reads";
  release_ = true;
  for (const auto& client : slow) EXPECT_EQ(client->Receive().status, 200);
}

TEST_F(ServerLoadTest, HealthAnswersWhileAllHandlersRead) {
  options_.workers = 4;
  Start();
  const Clients slow = Stall(20, Get("/slow"));
  AwaitAtWork(4);
  for (int i = 0; i < 20; i++) ExpectAlive();
  EXPECT_EQ(slow_running_, 4);
  release_ = true;
  for (const auto& client : slow) EXPECT_EQ(client->Receive().status, 200);
}

TEST_F(ServerLoadTest, LargeBodiesShareTheirMemory) {
  options_.large_body_bytes = 100'000;
  options_.body_timeout = milliseconds(500);
  Start();
  const std::string lines = "Content-Length: 60000\r\n";
  const std::string body(60'000, 'x');
  RawClient first(port());
  first.Send(Post("/slow", lines, body));
  AwaitAtWork(1);
  // The first request keeps its share of the memory until it is answered.
  const RawResponse refused = Once(Post("/echo", lines, body));
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(refused.Has("\r\nRetry-After: 5\r\n"));
  EXPECT_NE(refused.body.find("\"code\":\"overloaded\""), std::string::npos);
  // Small bodies need no share.
  EXPECT_EQ(Once(Post("/echo", "Content-Length: 2\r\n", "ok")).status, 200);
  release_ = true;
  EXPECT_EQ(first.Receive().status, 200);
  EXPECT_EQ(Once(Post("/echo", lines, body)).body, body);
}

TEST_F(ServerLoadTest, NewClientsGetInWhenIdleOnesFillTheHouse) {
  options_.max_connections = 30;
  options_.head_timeout = options_.idle_timeout = std::chrono::hours(1);
  Start();
  const Clients idle = Stall(200, "");
  for (int i = 0; i < 5; i++) ExpectAlive();
}

TEST_F(ServerLoadTest, RequestsAtWorkAreNotEvicted) {
  options_.max_connections = 3;
  options_.workers = 8;
  Start();
  const Clients slow = Stall(3, Post("/slow", "", ""));
  AwaitAtWork(3);
  RawClient turned_away(port());
  const RawResponse response = turned_away.Receive();
  EXPECT_EQ(response.status, 503);
  EXPECT_TRUE(response.Has("\r\nRetry-After: 5\r\n"));
  EXPECT_TRUE(turned_away.IsClosed());
  release_ = true;
  for (const auto& client : slow) EXPECT_EQ(client->Receive().status, 200);
}

TEST_F(ServerLoadTest, AFloodThatIsTurnedAwayIsOneLineASecond) {
  options_.max_connections = 1;
  Start();
  const Clients slow = Stall(1, Post("/slow", "", ""));
  AwaitAtWork(1);
  testing::internal::CaptureStderr();
  ASSERT_TRUE(ConfigureLogging(LogOptions()).ok());
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; i++) {
    EXPECT_EQ(RawClient(port()).Receive().status, 503);
  }
  const auto took = std::chrono::steady_clock::now() - start;
  FlushLogs();
  const std::string log = testing::internal::GetCapturedStderr();
  int lines = 0;
  for (size_t at = log.find("was refused"); at != std::string::npos;
       at = log.find("was refused", at + 1)) {
    lines++;
  }
  EXPECT_GE(lines, 1) << log;
  EXPECT_LE(lines, 1 + took / std::chrono::seconds(1)) << log;
  release_ = true;
  EXPECT_EQ(slow[0]->Receive().status, 200);
}

TEST_F(ServerLoadTest, SlowHeadsAndBodiesTimeOut) {
  options_.head_timeout = options_.body_timeout = milliseconds(100);
  options_.idle_timeout = milliseconds(100);
  Start();
  RawClient head(port()), body(port()), silent(port()), kept(port());
  head.Send("GET /livez HTTP/1.1\r\n");
  body.Send(Post("/echo", "Content-Length: 10\r\n", "abc"));
  EXPECT_EQ(kept.Exchange(Get("/livez")).status, 200);
  for (RawClient* client : {&head, &body}) {
    const RawResponse response = client->Receive();
    EXPECT_EQ(response.status, 408);
    EXPECT_TRUE(client->IsClosed());
  }
  EXPECT_TRUE(silent.IsClosed());
  EXPECT_TRUE(kept.IsClosed());
  EXPECT_EQ(requests_seen_, 0);
}

TEST_F(ServerLoadTest, DrippingBytesDoesNotExtendTheDeadline) {
  options_.head_timeout = milliseconds(300);
  Start();
  RawClient client(port());
  const auto started = std::chrono::steady_clock::now();
  bool open = client.Send("GET /livez HTTP/1.1\r\nX: ");
  while (open &&
         std::chrono::steady_clock::now() - started < std::chrono::minutes(1)) {
    std::this_thread::sleep_for(milliseconds(20));
    open = client.Send("a");
  }
  EXPECT_FALSE(open) << "bytes were still taken after a minute";
}

TEST_F(ServerLoadTest, ManyClientsAtOnceAreAllAnswered) {
  Start();
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; t++) {
    threads.emplace_back([&] {
      RawClient client(port());
      for (int i = 0; i < 100; i++) {
        const std::string body = std::to_string(i);
        const RawResponse response = client.Exchange(Post(
            "/echo", "Content-Length: " + std::to_string(body.size()) + "\r\n",
            body));
        if (response.status == 200 && response.body == body) answered++;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, 1600);
  EXPECT_EQ(requests_seen_, 1600);
}

}  // namespace
}  // namespace levelkeep
