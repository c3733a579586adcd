#include "net/mail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/scripted_server.h"

namespace levelkeep {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::ScriptedServer;
using test::Talk;
using ::testing::HasSubstr;
using ::testing::Not;

const Mail& SomeMail() {
  static const Mail* const kMail = new Mail{.from = "a@x.test",
                                            .to = {"b@y.test"},
                                            .text = "Subject: s\r\n\r\nt\r\n"};
  return *kMail;
}

SmtpServer At(const ScriptedServer& server) {
  SmtpServer at;
  at.host = "127.0.0.1";
  at.port = server.port();
  return at;
}

// A server without TLS: greets, answers EHLO with `offers`, and then each line
// with `answer`.
std::function<void(Talk*)> Plain(const std::string& offers,
                                 const std::string& answer) {
  return [offers, answer](Talk* talk) {
    (void)talk->Say("220 hello\r\n");
    (void)talk->HearTo("\r\n");
    (void)talk->Say(offers + "250 x\r\n");
    for (;;) {
      const std::string line = talk->HearTo("\r\n");
      if (line.empty()) return;
      if (line.starts_with("DATA")) {
        (void)talk->Say("354 go on\r\n");
        (void)talk->HearTo("\r\n.\r\n");
        (void)talk->Say("250 taken\r\n");
      } else {
        (void)talk->Say(answer);
      }
    }
  };
}

TEST(MailTest, HandsAMailToAServerWithoutTls) {
  ScriptedServer server(Plain("", "250 fine\r\n"));
  const Status sent = SendMail(At(server), SomeMail(), {});
  EXPECT_TRUE(sent.ok()) << sent.ToString();
  EXPECT_THAT(server.heard(), HasSubstr("MAIL FROM:<a@x.test>"));
  EXPECT_THAT(server.heard(), HasSubstr("RCPT TO:<b@y.test>"));
  EXPECT_THAT(server.heard(), HasSubstr("Subject: s\r\n\r\nt\r\n.\r\n"));
}

TEST(MailTest, ARefusalIsForGoodOrForNow) {
  ScriptedServer never(Plain("", "550 no such user\r\n"));
  const Status refused = SendMail(At(never), SomeMail(), {});
  EXPECT_EQ(refused.code(), StatusCode::kRefused) << refused.ToString();
  EXPECT_THAT(refused.message(), HasSubstr("127.0.0.1:"));
  ScriptedServer later(Plain("", "450 busy\r\n"));
  const Status busy = SendMail(At(later), SomeMail(), {});
  EXPECT_EQ(busy.code(), StatusCode::kIoError) << busy.ToString();
}

TEST(MailTest, AWrongLoginIsToldWithoutThePassword) {
  ScriptedServer server(Plain("250-AUTH PLAIN\r\n", "535 wrong\r\n"));
  SmtpServer at = At(server);
  at.user = "user";
  at.password = "geheim";
  const Status sent = SendMail(at, SomeMail(), {});
  EXPECT_EQ(sent.code(), StatusCode::kPermissionDenied) << sent.ToString();
  EXPECT_THAT(sent.ToString(), HasSubstr("SMTP_USER"));
  EXPECT_THAT(sent.ToString(), Not(HasSubstr("geheim")));
}

TEST(MailTest, NoPasswordInTheClearWhereTlsIsDemanded) {
  ScriptedServer server(Plain("250-AUTH PLAIN\r\n", "235 fine\r\n"));
  SmtpServer at = At(server);
  at.user = "user";
  at.password = "geheim";
  at.tls = SmtpTls::kStartTls;
  const Status sent = SendMail(at, SomeMail(), {});
  EXPECT_EQ(sent.code(), StatusCode::kRefused) << sent.ToString();
  EXPECT_THAT(sent.ToString(), HasSubstr("offers no STARTTLS"));
  EXPECT_THAT(server.heard(), Not(HasSubstr("AUTH")));
  // Another name for this host that is not known as one: TLS is demanded.
  at.tls = SmtpTls::kAuto;
  at.host = "127.1";
  EXPECT_EQ(SendMail(at, SomeMail(), {}).code(), StatusCode::kRefused);
  EXPECT_THAT(server.heard(), Not(HasSubstr("AUTH")));
  // The operator says that it is fine.
  at.tls = SmtpTls::kNone;
  const Status trusted = SendMail(at, SomeMail(), {});
  EXPECT_THAT(server.heard(), HasSubstr("AUTH"));
}

// As a port that speaks TLS at once: both sides wait.
TEST(MailTest, TheErrorNamesAPortThatSpeaksTlsAtOnce) {
  ScriptedServer server([](Talk* talk) { talk->HearNothing(); });
  SmtpServer at = At(server);
  at.timeout = milliseconds(300);
  const Status sent = SendMail(at, SomeMail(), {});
  EXPECT_EQ(sent.code(), StatusCode::kIoError);
  EXPECT_THAT(sent.message(), HasSubstr("speaks TLS at once"));
  EXPECT_THAT(sent.hint(), HasSubstr("SMTP_TLS=tls"));
}

TEST(MailTest, TheErrorNamesAPortThatBeginsInPlainText) {
  ScriptedServer server(Plain("", "250 fine\r\n"));
  SmtpServer at = At(server);
  at.tls = SmtpTls::kTls;
  const Status sent = SendMail(at, SomeMail(), {});
  EXPECT_EQ(sent.code(), StatusCode::kIoError);
  EXPECT_THAT(sent.hint(), HasSubstr("SMTP_TLS=starttls")) << sent.ToString();
}

TEST(MailTest, PortHostAndLoginDecideAboutTls) {
  const struct {
    const char* host;
    int port;
    SmtpTls tls;
    const char* user;
    const char* ca_file;
    const char* plan;
  } kCases[] = {
      {"mail.test", 465, SmtpTls::kAuto, "", "", "at once, checked"},
      {"127.0.0.1", 465, SmtpTls::kAuto, "", "", "at once, checked"},
      {"mail.test", 587, SmtpTls::kAuto, "u", "", "required, checked"},
      {"mail.test", 25, SmtpTls::kAuto, "", "", "if offered, checked"},
      {"127.0.0.1", 25, SmtpTls::kAuto, "", "", "if offered, unchecked"},
      {"::1", 587, SmtpTls::kAuto, "u", "", "if offered, unchecked"},
      {"localhost", 587, SmtpTls::kAuto, "u", "ca", "if offered, checked"},
      {"127.0.0.1", 25, SmtpTls::kTls, "u", "", "at once, checked"},
      {"127.0.0.1", 465, SmtpTls::kStartTls, "", "", "required, checked"},
      {"mail.test", 465, SmtpTls::kNone, "u", "", "none, checked"},
  };
  for (const auto& c : kCases) {
    SmtpServer server;
    server.host = c.host;
    server.port = c.port;
    server.tls = c.tls;
    server.user = c.user;
    server.ca_file = c.ca_file;
    const TlsPlan plan = PlanTls(server);
    const std::string way = plan.at_once    ? "at once"
                            : plan.required ? "required"
                            : plan.starttls ? "if offered"
                                            : "none";
    EXPECT_EQ(way + (plan.checked ? ", checked" : ", unchecked"), c.plan)
        << c.host << ":" << c.port;
  }
}

TEST(MailTest, AStopEndsItAtOnce) {
  ScriptedServer server([](Talk* talk) { talk->HearNothing(); });
  std::stop_source stop;
  std::jthread later([&stop] {
    std::this_thread::sleep_for(milliseconds(100));
    stop.request_stop();
  });
  const auto begin = steady_clock::now();
  EXPECT_EQ(SendMail(At(server), SomeMail(), stop.get_token()).code(),
            StatusCode::kCancelled);
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(MailTest, AnAddressIsNoPlaceForCommands) {
  EXPECT_TRUE(IsMailAddress("first.last+tag@mail.example.org"));
  for (const char* text : {"", "a", "@b", "a@", "a b@c", "a@b\r\nRCPT TO:<x@y>",
                           "<a@b>", "a@b>,<c@d", "\"a\"@b", "ä@b", "a@b,c@d"}) {
    EXPECT_FALSE(IsMailAddress(text)) << text;
    SmtpServer nowhere;
    nowhere.host = "127.0.0.1";
    nowhere.port = 1;
    EXPECT_EQ(
        SendMail(nowhere, {.from = "a@b", .to = {text}, .text = ""}, {}).code(),
        StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace levelkeep
