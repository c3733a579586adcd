// The server over real sockets: exchanges, framing, transfers, stopping.

#include "http/server.h"

#include <gtest/gtest.h>

#include <fstream>

#include "http/server_fixture.h"

namespace levelkeep {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::RawClient;
using test::RawResponse;

class ServerTest : public test::ServerFixture {
 protected:
  void WaitForSlow(int count) {
    while (slow_running_ < count) {
      std::this_thread::sleep_for(milliseconds(2));
    }
  }
};

TEST_F(ServerTest, AnswersAndKeepsTheConnection) {
  Start();
  RawClient client(port());
  for (int i = 0; i < 3; i++) {
    const RawResponse response =
        client.Exchange(Post("/echo", "Content-Length: 5\r\n", "hello"));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "hello");
    EXPECT_TRUE(response.Has("\r\nContent-Type: text/plain\r\n"));
    EXPECT_TRUE(response.Has("\r\nDate: "));
    EXPECT_TRUE(response.Has("\r\nX-Request-Id: "));
    EXPECT_FALSE(response.Has("Connection: close"));
  }
  EXPECT_EQ(client.Exchange(Get("/livez", "Connection: close\r\n")).status,
            200);
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  Start();
  RawClient client(port());
  client.Send(
      Post("/echo", "Content-Length: 1\r\n", "1") +
      Post("/echo", "Transfer-Encoding: chunked\r\n", "1\r\n2\r\n0\r\n\r\n") +
      Get("/nowhere") + Post("/echo", "Content-Length: 1\r\n", "3"));
  EXPECT_EQ(client.Receive().body, "1");
  EXPECT_EQ(client.Receive().body, "2");
  EXPECT_EQ(client.Receive().status, 404);
  EXPECT_EQ(client.Receive().body, "3");
}

TEST_F(ServerTest, EarlyErrorsNeverLeaveABodyBehindAsTheNextRequest) {
  Start();
  const std::string smuggled = Get("/livez");
  const std::string length =
      "Content-Length: " + std::to_string(smuggled.size()) + "\r\n";
  // Refused by a handler: the body was read, the connection goes on.
  for (const std::string& lines :
       {std::string("Host: evil.example\r\n"), std::string()}) {
    RawClient client(port());
    const std::string host = lines.empty() ? "Host: localhost\r\n" : lines;
    client.Send("POST /nowhere HTTP/1.1\r\n" + host + length + "\r\n" +
                smuggled + Post("/echo", "Content-Length: 4\r\n", "next"));
    EXPECT_EQ(client.Receive().status, lines.empty() ? 404 : 403);
    EXPECT_EQ(client.Receive().body, "next");
  }
  // Refused by the guard: the connection ends.
  for (const std::string& lines :
       {std::string("Content-Length: 99999999\r\n"),
        length + "Transfer-Encoding: chunked\r\n",
        length + "Content-Encoding: gzip\r\n", length + "Expect: x\r\n"}) {
    RawClient client(port());
    const RawResponse response =
        client.Exchange(Post("/echo", lines, smuggled));
    EXPECT_GE(response.status, 400) << lines;
    EXPECT_TRUE(response.Has("\r\nConnection: close\r\n"));
    EXPECT_TRUE(client.IsClosed()) << lines;
  }
  EXPECT_EQ(requests_seen_, 2);
}

TEST_F(ServerTest, RefusalsOfTheGuardAreProblemsToo) {
  Start();
  const RawResponse response = Once("GET /livez HTTP/1.1\r\n\r\n");
  EXPECT_EQ(response.status, 400);
  EXPECT_TRUE(response.Has("\r\nContent-Type: application/problem+json\r\n"));
  EXPECT_TRUE(response.Has("\r\nX-Request-Id: "));
  EXPECT_TRUE(response.Has("\r\nX-Content-Type-Options: nosniff\r\n"));
  EXPECT_EQ(response.body,
            "{\"type\":\"about:blank\",\"title\":\"Bad Request\","
            "\"status\":400,\"detail\":\"the Host header is missing\","
            "\"success\":false,\"code\":\"bad_request\",\"hint\":\"\"}");
  ExpectAlive();
}

TEST_F(ServerTest, HostileRequestsGetTheirStatusAndNothingBreaks) {
  Start();
  const std::pair<std::string, int> cases[] = {
      {Get("/" + std::string(9000, 'a')), 414},
      {std::string(300000, 'a'), 414},
      {Get("/livez", "X: " + std::string(300000, 'a') + "\r\n"), 431},
      {Get("/livez",
           [] {
             std::string lines;
             for (int i = 0; i < 3000; i++) lines += "A: b\r\n";
             return lines;
           }()),
       431},
      {Post("/echo", "Content-Length: 70000\r\n", std::string(70000, 'x')),
       413},
      {Post("/echo", "Transfer-Encoding: chunked\r\n",
            "fffff\r\n" + std::string(1000000, 'x')),
       413},
      {Post("/echo", "Content-Length: 1\r\nContent-Length: 2\r\n", "x"), 400},
      {Post("/echo", "Content-Length: -1\r\n", "x"), 400},
      {Get("/livez", "Range: bytes=0-\r\nRange: bytes=0-\r\n"), 400},
      {Get("/livez", "Transfer-Encoding: gzip\r\n"), 501},
      {"\x16\x03\x01" + std::string(500, '\n'), 400},
      {"GET /livez HTTP/3.0\r\nHost: localhost\r\n\r\n", 505},
      {Get("/%00"), 400},
      {"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
      {"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
      {"TRACE /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 405},
      {Get("/livez", "Host: evil\r\n"), 400},
  };
  for (const auto& [bytes, status] : cases) {
    EXPECT_EQ(Once(bytes).status, status) << bytes.substr(0, 60);
    ExpectAlive();
  }
}

TEST_F(ServerTest, ExpectContinueIsAnsweredBeforeTheBody) {
  Start();
  RawClient client(port());
  const std::string head =
      Post("/echo", "Content-Length: 5\r\nExpect: 100-continue\r\n", "");
  EXPECT_EQ(client.Exchange(head).status, 100);
  const RawResponse response = client.Exchange("hello");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "hello");
}

TEST_F(ServerTest, HeadHasTheLengthAndNoBody) {
  Start();
  RawClient client(port());
  const RawResponse response =
      client.Exchange("HEAD /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", true);
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.Has("\r\nContent-Length: 15\r\n"));
  EXPECT_EQ(client.Exchange(Get("/livez")).body, "{\"status\":\"ok\"}");
}

TEST_F(ServerTest, NotModifiedHasNeitherBodyNorLength) {
  Start();
  RawClient client(port());
  const RawResponse response = client.Exchange(Get("/not-modified"));
  EXPECT_EQ(response.status, 304);
  EXPECT_FALSE(response.Has("Content-Length"));
  EXPECT_FALSE(response.Has("Content-Type:"));
  EXPECT_EQ(client.Exchange(Get("/livez")).status, 200);
}

TEST_F(ServerTest, HeaderValuesCannotBeginAnotherHeader) {
  Start();
  const RawResponse response = Once(Get("/header"));
  EXPECT_TRUE(response.Has("\r\nX-Injected: aSet-Cookie: b\r\n"));
}

TEST_F(ServerTest, HttpOneDotZeroIsServed) {
  Start();
  RawClient client(port());
  EXPECT_EQ(client.Exchange("GET /livez HTTP/1.0\r\n\r\n").status, 200);
  EXPECT_TRUE(client.IsClosed());
  RawClient keeping(port());
  const std::string request =
      "GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
  EXPECT_TRUE(keeping.Exchange(request).Has("\r\nConnection: keep-alive\r\n"));
  EXPECT_EQ(keeping.Exchange(request).status, 200);
}

TEST_F(ServerTest, LargeAnswersReachSlowReaders) {
  Start();
  RawClient client(port());
  client.Send(Get("/large"));
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_EQ(client.Receive().body.size(), 8u << 20);
  EXPECT_EQ(client.Exchange(Get("/livez")).status, 200);
}

TEST_F(ServerTest, FilesOfAnySizeArriveWhole) {
  Start();
  for (const size_t size :
       std::initializer_list<size_t>{0, 1, 65536, 65537, 5000000}) {
    std::string content(size, '\0');
    for (size_t i = 0; i < size; i++) content[i] = static_cast<char>(i % 251);
    test::WriteFile(dir_.Sub("file"), content);
    file_size_ = size;
    EXPECT_EQ(Once(Get("/file")).body, content) << size;
    const RawResponse head =
        Once("HEAD /file HTTP/1.1\r\nHost: localhost\r\n\r\n", true);
    EXPECT_TRUE(
        head.Has("\r\nContent-Length: " + std::to_string(size) + "\r\n"));
  }
}

TEST_F(ServerTest, AFileThatEndsEarlyEndsTheConnection) {
  Start();
  test::WriteFile(dir_.Sub("file"), std::string(1000000, 'x'));
  file_size_ = 1000000;
  RawClient client(port());
  const RawResponse response = client.Exchange(Get("/file?short"));
  EXPECT_TRUE(response.Has("\r\nContent-Length: 1000001\r\n"));
  EXPECT_LT(response.body.size(), 1000001u);
  ExpectAlive();
}

TEST_F(ServerTest, StreamsAreChunkedAndEnd) {
  Start();
  const RawResponse response = Once(Get("/stream/3"));
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.Has("\r\nTransfer-Encoding: chunked\r\n"));
  EXPECT_EQ(response.body,
            "7\r\npart 1\n\r\n7\r\npart 2\n\r\n7\r\npart 3\n\r\n0\r\n\r\n");
  const RawResponse old = Once("GET /stream/3 HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.body, "part 1\npart 2\npart 3\n");
}

TEST_F(ServerTest, StreamsAreCappedAndTheirPlacesComeBack) {
  options_.max_streams = 2;
  Start();
  auto first = std::make_unique<RawClient>(port());
  RawClient second(port());
  first->Send(Get("/stream/0"));
  second.Send(Get("/stream/0"));
  ASSERT_TRUE(first->Fill());
  ASSERT_TRUE(second.Fill());
  RawClient third(port());
  const RawResponse refused = third.Exchange(Get("/stream/0"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(refused.Has("\r\nRetry-After: 5\r\n"));
  EXPECT_NE(refused.body.find("too_many_transfers"), std::string::npos);
  EXPECT_EQ(third.Exchange(Get("/livez")).status, 200);
  first.reset();  // its place is free once the server has noticed
  int status = 503;
  for (int i = 0; i < 500 && status == 503; i++) {
    status = Once(Get("/stream/3")).status;
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_EQ(status, 200);
}

TEST_F(ServerTest, DownloadsAreCapped) {
  options_.max_downloads = 1;
  Start();
  file_size_ = 64 << 20;
  test::WriteFile(dir_.Sub("file"), std::string(file_size_, 'x'));
  RawClient stalled(port());
  stalled.Send(Get("/file"));
  ASSERT_TRUE(stalled.Fill());  // and the client reads no more
  EXPECT_EQ(Once(Get("/file")).status, 503);
  ExpectAlive();
  EXPECT_EQ(Once(Get("/stream/3")).status, 200);
}

TEST_F(ServerTest, AReaderThatStallsIsDropped) {
  options_.send_timeout = milliseconds(200);
  options_.max_downloads = 1;
  Start();
  file_size_ = 64 << 20;
  test::WriteFile(dir_.Sub("file"), std::string(file_size_, 'x'));
  RawClient stalled(port());
  stalled.Send(Get("/file"));
  ASSERT_TRUE(stalled.Fill());
  int status = 503;
  for (int i = 0; i < 500 && status == 503; i++) {
    std::this_thread::sleep_for(milliseconds(20));
    status = Once("GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n").status;
  }
  EXPECT_EQ(status, 200);
}

TEST_F(ServerTest, StopLetsARunningRequestFinish) {
  Start();
  RawClient client(port());
  RawClient idle(port());
  EXPECT_EQ(idle.Exchange(Get("/livez")).status, 200);
  client.Send(Post("/slow", "", ""));
  WaitForSlow(1);
  const int old_port = port();
  std::thread stopper([this] { server_->Stop(); });
  EXPECT_TRUE(idle.IsClosed());
  release_ = true;
  const RawResponse response = client.Receive();
  EXPECT_EQ(response.body, "{\"slow\":true}");
  EXPECT_TRUE(response.Has("\r\nConnection: close\r\n"));
  stopper.join();
  EXPECT_FALSE(RawClient(old_port).connected());
}

TEST_F(ServerTest, StopEndsStreamsProperlyAndStalledDownloads) {
  options_.stop_grace = milliseconds(300);
  Start();
  file_size_ = 64 << 20;
  test::WriteFile(dir_.Sub("file"), std::string(file_size_, 'x'));
  RawClient stalled(port());
  stalled.Send(Get("/file"));
  ASSERT_TRUE(stalled.Fill());
  RawClient stream(port());
  stream.Send(Get("/stream/0"));
  ASSERT_TRUE(stream.Fill());
  const auto started = steady_clock::now();
  server_->Stop();
  EXPECT_LT(steady_clock::now() - started, std::chrono::seconds(20));
  const RawResponse response = stream.Receive();
  EXPECT_TRUE(response.body.ends_with("0\r\n\r\n"));
}

TEST_F(ServerTest, StopTwiceAndWithoutStart) {
  Start();
  server_->Stop();
  server_->Stop();
  http::Server never(&router_, options_);
  EXPECT_EQ(never.port(), 0);
  never.Stop();
}

TEST_F(ServerTest, AClientThatLeavesEarlyDoesNoHarm) {
  Start();
  {
    RawClient leaving(port());
    leaving.Send(Post("/slow", "", ""));
    WaitForSlow(1);
  }
  for (int i = 0; i < 50; i++) {
    RawClient client(port());
    client.Send(Get("/large"));
  }
  release_ = true;
  ExpectAlive();
}

TEST_F(ServerTest, StartExplainsWhatIsInTheWay) {
  Start();
  http::ServerOptions taken = options_;
  taken.port = port();
  http::Server second(&router_, taken);
  const Status busy = second.Start();
  EXPECT_EQ(busy.code(), StatusCode::kBusy);
  EXPECT_EQ(busy.message(), "cannot listen on 127.0.0.1, port " +
                                std::to_string(port()) + ": the port is taken");
  EXPECT_FALSE(busy.hint().empty());
  EXPECT_EQ(server_->Start().code(), StatusCode::kInternal);
  for (const char* host : {"192.0.2.1", "no such host"}) {
    http::ServerOptions wrong = options_;
    wrong.host = host;
    http::Server server(&router_, wrong);
    EXPECT_EQ(server.Start().code(), StatusCode::kInvalidArgument) << host;
  }
}

}  // namespace
}  // namespace levelkeep
