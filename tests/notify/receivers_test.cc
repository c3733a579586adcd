// What the webhook and the heartbeat send, and what they make of answers.

#include "notify/receivers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hash.h"
#include "net/scripted_server.h"
#include "notify/notice_fixture.h"
#include "notify/texts.h"
#include "support/fake_clock.h"

namespace levelkeep {
namespace {

using std::chrono::seconds;
using test::FakeClock;
using test::NoticeAt;
using test::ScriptedServer;
using test::Talk;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::function<void(Talk*)> Answers(const std::string& status) {
  return [status](Talk* talk) {
    const std::string head = talk->HearTo("\r\n\r\n");
    constexpr std::string_view kLength = "Content-Length: ";
    const size_t at = head.find(kLength);
    if (at == head.npos) return;
    const size_t length = std::stoul(head.substr(at + kLength.size()));
    if (length > 0) (void)talk->HearBytes(length);
    (void)talk->Say("HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n");
  };
}

class ReceiversTest : public ::testing::Test {
 protected:
  Receiver Webhook(const std::string& url, const std::string& secret = "") {
    NotifyOptions options;
    options.webhook = {url, secret};
    auto receivers = NoticeReceivers(options, &clock_);
    EXPECT_THAT(receivers, SizeIs(1));
    return receivers.at(0);
  }

  FakeClock clock_;
};

TEST_F(ReceiversTest, TheWebhookIsSigned) {
  ScriptedServer server(Answers("204 Fine"));
  const Notice notice = NoticeAt(clock_.Now());
  const Delivery taken =
      Webhook(server.url() + "/hook", "secret").deliver(notice, {});
  EXPECT_TRUE(taken.status.ok()) << taken.status.ToString();
  const std::string heard = server.heard();
  EXPECT_THAT(heard, StartsWith("POST /hook HTTP/1.1\r\n"));
  EXPECT_THAT(heard, HasSubstr("\r\nX-LevelKeep-Id: " + notice.id + "\r\n"));
  EXPECT_THAT(heard, HasSubstr("\r\nX-LevelKeep-Timestamp: 1735300800\r\n"));
  EXPECT_THAT(
      heard,
      HasSubstr("\r\nX-LevelKeep-Signature: sha256=" +
                HmacSha256Hex("secret", "1735300800." + WebhookJsonOf(notice)) +
                "\r\n"));
  ScriptedServer open(Answers("200 OK"));
  EXPECT_TRUE(Webhook(open.url()).deliver(notice, {}).status.ok());
  EXPECT_THAT(open.heard(), Not(HasSubstr("Signature")));
}

TEST_F(ReceiversTest, AnswersDecideAboutTheNextTry) {
  const struct {
    std::string answer;
    Delivery::Hope hope;
    std::optional<seconds> after;
  } kCases[] = {
      {"500 Oops", Delivery::Hope::kLater, {}},
      {"503 Busy\r\nRetry-After: 90", Delivery::Hope::kLater, seconds(90)},
      {"429 Slow\r\nRetry-After: 999999", Delivery::Hope::kLater,
       seconds(3600)},
      {"429 Slow\r\nRetry-After: 0", Delivery::Hope::kLater, seconds(1)},
      {"429 Slow\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT",
       Delivery::Hope::kLater,
       {}},
      {"408 Late", Delivery::Hope::kLater, {}},
      {"404 None", Delivery::Hope::kRefused, {}},
      {"302 Moved\r\nLocation: /x", Delivery::Hope::kRefused, {}},
      {"410 Gone", Delivery::Hope::kGone, {}},
  };
  for (const auto& c : kCases) {
    ScriptedServer server(Answers(c.answer));
    const Delivery answer =
        Webhook(server.url() + "/T0KEN").deliver(NoticeAt(clock_.Now()), {});
    EXPECT_FALSE(answer.status.ok()) << c.answer;
    EXPECT_EQ(answer.hope, c.hope) << c.answer;
    EXPECT_EQ(answer.retry_after, c.after) << c.answer;
    EXPECT_THAT(answer.status.ToString(), Not(HasSubstr("T0KEN")));
  }
  const Delivery nobody =
      Webhook("http://127.0.0.1:1/T0KEN").deliver(NoticeAt(clock_.Now()), {});
  EXPECT_EQ(nobody.hope, Delivery::Hope::kLater);
}

TEST_F(ReceiversTest, AHeartbeatNamesItsStateInThePath) {
  const auto path_of = [&](NoticeKind kind, const std::string& path) {
    ScriptedServer server(Answers("200 OK"));
    const Receiver beat = HeartbeatReceiver("backup", server.url() + path);
    EXPECT_TRUE(beat.deliver(NoticeAt(clock_.Now(), kind), {}).status.ok());
    const std::string heard = server.heard();
    return heard.substr(0, heard.find(" HTTP"));
  };
  EXPECT_EQ(path_of(NoticeKind::kStarted, "/id"), "POST /id/start");
  EXPECT_EQ(path_of(NoticeKind::kSuccess, "/id"), "POST /id");
  EXPECT_EQ(path_of(NoticeKind::kFailure, "/id/"), "POST /id/fail");
  EXPECT_EQ(path_of(NoticeKind::kFailure, "/id?a=b"), "POST /id/fail?a=b");
}

TEST_F(ReceiversTest, EachAddressIsAReceiver) {
  NotifyOptions options;
  options.mail.to = {"a@x.test", "b@x.test"};
  EXPECT_THAT(NoticeReceivers(options, &clock_), SizeIs(0));
  options.mail.enabled = true;
  const auto receivers = NoticeReceivers(options, &clock_);
  ASSERT_THAT(receivers, SizeIs(2));
  EXPECT_NE(receivers[0].name, receivers[1].name);
  EXPECT_THAT(receivers[0].name, StartsWith("mail-"));
}

}  // namespace
}  // namespace levelkeep
