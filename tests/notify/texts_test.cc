#include "notify/texts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "notify/notice_fixture.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const Time kNoon(std::chrono::sys_days(std::chrono::year(2024) / 12 / 27) +
                 std::chrono::hours(12));

Notice Fixed(NoticeKind kind) {
  Notice notice =
      test::NoticeAt(kNoon, kind, "backup_2024-12-27_120000.tar.gz");
  notice.id = "20241227-120000-000-0a0b0c0d";
  return notice;
}

TEST(NoticeTextsTest, SubjectsAreThoseOfTheManual) {
  EXPECT_EQ(SubjectOf(Fixed(NoticeKind::kSuccess)), "Database Backup SUCCESS");
  EXPECT_EQ(SubjectOf(Fixed(NoticeKind::kFailure)), "Database Backup FAILED");
  EXPECT_EQ(SubjectOf(Fixed(NoticeKind::kRecovered)),
            "Database Backup SUCCESS (recovered)");
  EXPECT_EQ(SubjectOf(Fixed(NoticeKind::kAbsence)), "Database Backup MISSING");
  Notice damage = Fixed(NoticeKind::kFailure);
  damage.type = JobType::kVerify;
  EXPECT_EQ(SubjectOf(damage), "Database Backup FAILED (verification)");
  damage.type = JobType::kDrill;
  EXPECT_EQ(SubjectOf(damage), "Database Backup FAILED (drill)");
  damage.message = "not checked: no space";
  EXPECT_THAT(BodyOf(damage),
              StartsWith("Drill failed: not checked: no space"));
  EXPECT_EQ(
      SubjectOf(FoldNotices(
          {Fixed(NoticeKind::kSuccess), Fixed(NoticeKind::kFailure)}, kNoon)),
      "Database Backup FAILED (2 messages)");
}

TEST(NoticeTextsTest, AMailIsWhole) {
  Notice notice = Fixed(NoticeKind::kSuccess);
  notice.warning = "the pre hook ended with code 3";
  const std::string mail =
      MailOf(notice, "from@x.test", {"a@y.test", "b@y.test"}, kNoon);
  EXPECT_THAT(mail, StartsWith("Date: Fri, 27 Dec 2024 12:00:00 +0000\r\n"
                               "From: from@x.test\r\n"
                               "To: a@y.test,\r\n b@y.test\r\n"
                               "Subject: Database Backup SUCCESS\r\n"
                               "Message-ID: <20241227-120000-000-0a0b0c0d@host."
                               "example>\r\n"));
  EXPECT_THAT(mail, HasSubstr("\r\n\r\nBackup completed: "
                              "backup_2024-12-27_120000.tar.gz (5.0 MiB)\r\n"));
  EXPECT_THAT(mail, HasSubstr("the pre hook ended with code 3"));
  EXPECT_EQ(mail.find('\n'), mail.find("\r\n") + 1);
}

TEST(NoticeTextsTest, NoTextBeginsAHeader) {
  Notice notice = Fixed(NoticeKind::kFailure);
  notice.database = "db\r\nBcc: evil@x.test";
  notice.label = "l\r\nBcc: evil@x.test";
  notice.message = "m\r\n\r\n.\r\nRCPT TO:<evil@x.test>\nBcc: evil@x.test";
  notice.host = "h\r\nBcc: evil@x.test";
  const std::string mail = MailOf(notice, "f@x.test", {"t@x.test"}, kNoon);
  const std::string head = mail.substr(0, mail.find("\r\n\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("\nBcc")));
  EXPECT_THAT(mail, Not(HasSubstr("\r\n.\r\nRCPT")));
  for (const std::string_view line : {"A", "ä", "a\nb", "=?utf-8?Q?x?="}) {
    const std::string value = HeaderValue(line);
    for (size_t at = value.find('\n'); at != value.npos;
         at = value.find('\n', at + 1)) {
      EXPECT_EQ(value[at + 1], ' ') << value;
    }
  }
}

TEST(NoticeTextsTest, HeadersAndBodiesArePlainAscii) {
  EXPECT_EQ(HeaderValue("plain"), "plain");
  EXPECT_EQ(HeaderValue("Grüße"), "=?utf-8?Q?=47=72=C3=BC=C3=9F=65?=");
  const std::string longer = HeaderValue(std::string(100, 'x') + "ä");
  EXPECT_THAT(longer, HasSubstr("?=\r\n =?utf-8?Q?"));
  EXPECT_EQ(QuotedPrintable("a=b ä \n\nc"), "a=3Db =C3=A4=20\r\n\r\nc\r\n");
  for (const std::string_view line :
       Split(QuotedPrintable(std::string(300, 'y')), '\n')) {
    EXPECT_LE(line.size(), 77u);
  }
}

TEST(NoticeTextsTest, TheWebhooksJsonIsAContract) {
  Notice success = Fixed(NoticeKind::kSuccess);
  success.label = "nightly";
  success.duration_ms = 1500;
  success.warning = "the pre hook ended with code 3";
  Notice failure = Fixed(NoticeKind::kFailure);
  failure.last_success = kNoon - std::chrono::hours(1);
  Notice absence = Fixed(NoticeKind::kAbsence);
  absence.backup.clear();
  absence.size_bytes = 0;
  absence.message = "no backup has succeeded for 26 hours";
  Notice digest = FoldNotices({success, failure}, kNoon);
  digest.id = "20241227-120000-000-0a0b0c0e";
  std::string all;
  for (const Notice& notice :
       {success, failure, Fixed(NoticeKind::kRecovered), absence, digest}) {
    const auto json = ParseJsonInOrder(WebhookJsonOf(notice), "it");
    ASSERT_TRUE(json.ok());
    all += DumpJson(*json, 2) + "\n";
  }
  const std::string path =
      std::string(LEVELKEEP_TEST_DATA) + "/golden/notify/webhook.json";
  if (std::getenv("LEVELKEEP_UPDATE_GOLDEN") != nullptr) {
    test::WriteFile(path, all);
  }
  EXPECT_EQ(all, test::ReadFile(path));
}

TEST(NoticeTest, ARecordKeepsAll) {
  Notice notice = Fixed(NoticeKind::kFailure);
  notice.type = JobType::kVerify;
  notice.label = "a b\nc";
  notice.warning = "w";
  notice.duration_ms = 7;
  notice.last_success = kNoon;
  const auto read = NoticeFromRecord(NoticeToRecord(notice));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(WebhookJsonOf(*read), WebhookJsonOf(notice));
  EXPECT_EQ(BodyOf(*read), BodyOf(notice));
  const Notice digest =
      FoldNotices({notice, Fixed(NoticeKind::kSuccess)}, kNoon);
  const auto again = NoticeFromRecord(NoticeToRecord(digest));
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(WebhookJsonOf(*again), WebhookJsonOf(digest));
  EXPECT_THAT(again->replaces, ElementsAre(notice.id, notice.id));
  Record bad = NoticeToRecord(notice);
  bad.Set("kind", "strange");
  EXPECT_EQ(NoticeFromRecord(bad).status().code(), StatusCode::kCorruption);
}

TEST(NoticeTest, ADigestOfDigestsStaysSmall) {
  Notice digest = Fixed(NoticeKind::kSuccess);
  for (int i = 0; i < 1000; ++i) {
    Notice failure = Fixed(NoticeKind::kFailure);
    failure.message = std::string(5000, '\n');
    digest = FoldNotices({digest, failure}, kNoon);
  }
  EXPECT_EQ(digest.count(), 1001u);
  EXPECT_EQ(digest.counts.at("failure"), 1000u);
  EXPECT_EQ(digest.lines.size(), 20u);
  EXPECT_EQ(digest.state(), NoticeKind::kFailure);
  EXPECT_LT(NoticeToRecord(digest).Encode("t").size(), 60u << 10);
}

}  // namespace
}  // namespace levelkeep
