#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/settings_fixture.h"
#include "support/fault_file_system.h"

namespace levelkeep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

using NotifySettingsTest = SettingsTest;

TEST_F(NotifySettingsTest, AllOfThemAreRead) {
  test::WriteFile("password", "geheim\n");
  sources_.environment = {
      {"BACKUP_NOTIFY_ON", "failure, absence"},
      {"BACKUP_EMAIL_NOTIFY", "true"},
      {"BACKUP_EMAIL_TO", "a@x.test, b+c@y.test"},
      {"SMTP_HOST", "mail.x.test"},
      {"SMTP_PORT", "587"},
      {"SMTP_TLS", "starttls"},
      {"SMTP_USER", "user"},
      {"SMTP_PASSWORD_FILE", "password"},
      {"SMTP_FROM", "f@x.test"},
      {"BACKUP_WEBHOOK_URL", "https://user:word@x.test:8443/hook?a=b"},
      {"BACKUP_WEBHOOK_SECRET", "key"},
      {"BACKUP_HEARTBEAT_URL", "http://127.0.0.1:8000/id"},
      {"BACKUP_HOOK_PRE", "a | b"},
      {"HOOK_PRE_REQUIRED", "yes"},
      {"BACKUP_HOOK_TIMEOUT", "5"}};
  const LoadedSettings loaded = Load();
  const NotifyOptions& notify = loaded.settings.backup.notify;
  EXPECT_THAT(notify.on, ElementsAre("failure", "absence"));
  EXPECT_TRUE(notify.mail.enabled);
  EXPECT_THAT(notify.mail.to, ElementsAre("a@x.test", "b+c@y.test"));
  EXPECT_EQ(notify.mail.host, "mail.x.test");
  EXPECT_EQ(notify.mail.port, 587);
  EXPECT_EQ(notify.mail.tls, SmtpTls::kStartTls);
  EXPECT_EQ(notify.mail.password, "geheim");
  EXPECT_EQ(notify.webhook.url, "https://user:word@x.test:8443/hook?a=b");
  EXPECT_EQ(notify.heartbeat.backup, "http://127.0.0.1:8000/id");
  EXPECT_EQ(notify.hooks.pre, "a | b");
  EXPECT_EQ(notify.hooks.timeout_seconds, 5);
  EXPECT_TRUE(loaded.settings.backup.Validate().ok());
  for (const char* name : {"SMTP_PASSWORD", "BACKUP_WEBHOOK_URL",
                           "BACKUP_WEBHOOK_SECRET", "BACKUP_HEARTBEAT_URL"}) {
    EXPECT_EQ(OriginOf(loaded, name).value_masked, "********") << name;
  }
}

// Compose files pass variables on that are empty.
TEST_F(NotifySettingsTest, EmptyMeansOff) {
  sources_.environment = {{"BACKUP_NOTIFY_ON", ""},
                          {"BACKUP_EMAIL_TO", ""},
                          {"BACKUP_WEBHOOK_URL", ""},
                          {"BACKUP_WEBHOOK_SECRET", ""},
                          {"BACKUP_HEARTBEAT_URL", ""},
                          {"SMTP_PASSWORD", ""},
                          {"SMTP_FROM", ""},
                          {"BACKUP_HOOK_PRE", ""}};
  EXPECT_THAT(Load().settings.backup.notify.on, ElementsAre());
}

TEST_F(NotifySettingsTest, AllProblemsAreToldAtOnceAndNoSecret) {
  sources_.environment = {{"BACKUP_NOTIFY_ON", "success,always"},
                          {"BACKUP_EMAIL_TO", "a@x.test,a@x.test>\\r\\nBcc: b"},
                          {"BACKUP_WEBHOOK_URL", "ftp://x.test/T0KEN"},
                          {"BACKUP_HEARTBEAT_URL", "https://x.test/T0KEN#here"},
                          {"VERIFY_HEARTBEAT_URL", "https:///T0KEN"},
                          {"SMTP_PORT", "0"},
                          {"SMTP_TLS", "maybe"},
                          {"SMTP_PASSWORD", "geheim"},
                          {"BACKUP_HOOK_TIMEOUT", "0"},
                          {"HOOK_PRE_REQUIRED", "true"}};
  const std::string problems = LoadProblems();
  for (const char* text :
       {"BACKUP_NOTIFY_ON is ", "BACKUP_EMAIL_TO is ",
        "BACKUP_WEBHOOK_URL is not usable",
        "BACKUP_HEARTBEAT_URL is not usable",
        "VERIFY_HEARTBEAT_URL is not usable", "SMTP_PORT is \"0\"",
        "SMTP_TLS is \"maybe\"", "BACKUP_HOOK_TIMEOUT is \"0\"",
        "SMTP_PASSWORD is set, but SMTP_USER is empty",
        "HOOK_PRE_REQUIRED is true, but BACKUP_HOOK_PRE is empty"}) {
    EXPECT_THAT(problems, HasSubstr(text));
  }
  EXPECT_THAT(problems, Not(HasSubstr("T0KEN")));
  EXPECT_THAT(problems, Not(HasSubstr("geheim")));
  sources_.environment = {{"BACKUP_EMAIL_NOTIFY", "true"}};
  EXPECT_THAT(LoadProblems(), HasSubstr("BACKUP_EMAIL_TO is empty"));
}

TEST_F(NotifySettingsTest, AnUnreadableSecretIsOneOfItsOwn) {
  test::WriteFile("password", "geheim\n");
  test::FaultFileSystem disk(FileSystem::Posix(),
                             test::FaultFileSystem::Count::kAll);
  disk.FailOn("password", StatusCode::kPermissionDenied);
  sources_.file_system = &disk;
  sources_.environment = {{"API_TOKEN", "token"},
                          {"SMTP_USER", "user"},
                          {"SMTP_PASSWORD_FILE", "password"}};
  const LoadedSettings loaded = Load();
  EXPECT_EQ(loaded.settings.api.token, "token");
  EXPECT_EQ(loaded.settings.api_token_problem, "");
  EXPECT_THAT(loaded.settings.notify_secret_problem,
              HasSubstr("SMTP_PASSWORD_FILE is \"password\""));
  EXPECT_EQ(OriginOf(loaded, "SMTP_PASSWORD").value_masked, "(not readable)");
}

}  // namespace
}  // namespace levelkeep
