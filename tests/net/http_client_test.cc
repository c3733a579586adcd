#include "net/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/scripted_server.h"

namespace levelkeep {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test::ScriptedServer;
using test::Talk;
using ::testing::HasSubstr;
using ::testing::Not;

std::function<void(Talk*)> Answering(const std::string& answer) {
  return [answer](Talk* talk) {
    (void)talk->HearTo("\r\n\r\n");
    (void)talk->Say(answer);
  };
}

TEST(HttpClientTest, SendsAndReceivesAll) {
  ScriptedServer server([](Talk* talk) {
    (void)talk->HearTo("\r\n\r\n");
    (void)talk->HearTo("a body");
    (void)talk->Say(
        "HTTP/1.1 429 Slow\r\nRetry-After:  7\r\nContent-Length: 5\r\n\r\n"
        "later");
  });
  const auto response = SendHttp({.method = "POST",
                                  .url = server.url() + "/a/../b?c=d",
                                  .headers = {{"X-One", "1"}, {"X-Two", ""}},
                                  .body = "a body"},
                                 {});
  ASSERT_TRUE(response.ok()) << response.status().ToString();
  EXPECT_EQ(response->status, 429);
  EXPECT_EQ(response->body, "later");
  EXPECT_FALSE(response->truncated);
  EXPECT_EQ(response->headers.at("retry-after"), "7");
  const std::string heard = server.heard();
  EXPECT_THAT(heard, ::testing::StartsWith("POST /a/../b?c=d HTTP/1.1\r\n"));
  EXPECT_THAT(heard, HasSubstr("\r\nX-One: 1\r\n"));
  EXPECT_THAT(heard, HasSubstr("\r\nX-Two:\r\n"));
  EXPECT_THAT(heard, HasSubstr("\r\nUser-Agent: LevelKeep/"));
  EXPECT_THAT(heard, HasSubstr("\r\nContent-Length: 6\r\n"));
  EXPECT_THAT(heard, Not(HasSubstr("Expect")));
}

TEST(HttpClientTest, ALongBodyIsCut) {
  ScriptedServer server(
      Answering("HTTP/1.1 200 OK\r\n\r\n" + std::string(200'000, 'x')));
  const auto response =
      SendHttp({.url = server.url(), .response_limit_bytes = 1000}, {});
  ASSERT_TRUE(response.ok()) << response.status().ToString();
  EXPECT_EQ(response->body, std::string(1000, 'x'));
  EXPECT_TRUE(response->truncated);
}

TEST(HttpClientTest, FollowsNoRedirect) {
  ScriptedServer server(
      Answering("HTTP/1.1 302 Found\r\nLocation: /else\r\n"
                "Content-Length: 0\r\n\r\n"));
  const auto response = SendHttp({.url = server.url()}, {});
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->status, 302);
}

TEST(HttpClientTest, AServerThatHangsCostsTheTimeLimitOnly) {
  ScriptedServer server([](Talk* talk) { talk->HearNothing(); });
  const auto response = SendHttp(
      {.url = server.url() + "/secret?token=1", .timeout = milliseconds(200)},
      {});
  ASSERT_EQ(response.status().code(), StatusCode::kIoError);
  EXPECT_EQ(response.status().message(),
            server.url() + " did not answer within 200 ms");
}

TEST(HttpClientTest, AStopEndsItAtOnce) {
  ScriptedServer server([](Talk* talk) { talk->HearNothing(); });
  std::stop_source stop;
  std::jthread later([&stop] {
    std::this_thread::sleep_for(milliseconds(100));
    stop.request_stop();
  });
  const auto begin = steady_clock::now();
  const auto response = SendHttp({.url = server.url()}, stop.get_token());
  EXPECT_EQ(response.status().code(), StatusCode::kCancelled);
  EXPECT_LT(steady_clock::now() - begin, seconds(5));
}

TEST(HttpClientTest, MessagesKeepTheSecretsOfTheUrl) {
  const auto gone =
      SendHttp({.url = "http://user:word@127.0.0.1:1/hooks/T0KEN?k=T0KEN"}, {});
  ASSERT_EQ(gone.status().code(), StatusCode::kIoError);
  EXPECT_THAT(gone.status().ToString(), HasSubstr("http://127.0.0.1:1"));
  EXPECT_THAT(gone.status().ToString(), Not(HasSubstr("T0KEN")));
  EXPECT_THAT(gone.status().ToString(), Not(HasSubstr("word")));
  for (const char* url :
       {"file:///etc/passwd", "ftp://127.0.0.1/T0KEN", "", "http://", "::"}) {
    const auto bad = SendHttp({.url = url}, {});
    EXPECT_EQ(bad.status().code(), StatusCode::kInvalidArgument) << url;
    EXPECT_THAT(bad.status().ToString(), Not(HasSubstr("T0KEN")));
  }
  EXPECT_EQ(PlaceOfUrl("https://a:b@Host.example/x?y#z"),
            "https://Host.example:443");
  EXPECT_EQ(PlaceOfUrl("no url"), "the URL");
}

TEST(HttpClientTest, NoHeaderBecomesTwo) {
  for (const auto& header :
       {std::pair("X", "a\r\nEvil: 1"), std::pair("X\r\nEvil", "1"),
        std::pair("", "1"), std::pair("X: y", "1")}) {
    const auto bad =
        SendHttp({.url = "http://127.0.0.1:1", .headers = {header}}, {});
    EXPECT_EQ(bad.status().code(), StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace levelkeep
