// Notifications and hooks of a manager.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "manager/manager_fixture.h"
#include "net/scripted_server.h"
#include "support/fake_clock.h"

namespace levelkeep {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::App;
using test::ScriptedServer;
using test::Talk;
using ::testing::Contains;
using ::testing::HasSubstr;

// Takes each notice.
void TakeAll(Talk* talk) {
  (void)talk->HearTo("\r\n\r\n");
  (void)talk->HearTo("}");
  (void)talk->Say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

bool Comes(const std::function<bool()>& condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return false;
}

class ManagerNotifyTest : public test::ManagerFixture {
 protected:
  std::string Work(const std::string& name) const {
    return options_.storage_dir + "/.levelkeep/" + options_.db_name + "/" +
           name;
  }
};

TEST_F(ManagerNotifyTest, WithoutSettingsThereIsNothing) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Create();
  EXPECT_FALSE(PathExists(FileSystem::Posix(), Work("notify")));
}

TEST_F(ManagerNotifyTest, TellsThatNoBackupComes) {
  ScriptedServer server(TakeAll);
  test::FakeClock clock;
  options_.notify.webhook.url = server.url();
  options_.notify.absence_hours = 2;
  App app(options_, &clock);
  ASSERT_TRUE(app.Start().ok());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(clock.WaitForSleepers(1));
    clock.Advance(hours(1));
  }
  EXPECT_TRUE(Comes([&] {
    return server.heard().find("X-LevelKeep-Event: absence") !=
           std::string::npos;
  }));
}

// By the schedule: two intervals and an hour.
TEST_F(ManagerNotifyTest, TheScheduleSaysWhenABackupIsMissing) {
  ScriptedServer server(TakeAll);
  test::FakeClock clock;
  options_.notify.webhook.url = server.url();
  options_.notify.on = {"absence"};
  options_.schedule.enabled = true;
  options_.schedule.interval = hours(24);
  App app(options_, &clock);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  // Each try fails.
  ASSERT_EQ(test::Shell("rm -r " + options_.backup_dir, nullptr), 0);
  test::WriteFile(options_.backup_dir, "no folder");
  const auto told = [&] {
    return server.heard().find("absence") != std::string::npos;
  };
  for (int i = 0; i < 48; ++i) {
    ASSERT_TRUE(clock.WaitForSleepers(1));
    clock.Advance(hours(1));
  }
  EXPECT_FALSE(told());
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(clock.WaitForSleepers(1));
    clock.Advance(hours(1));
  }
  EXPECT_TRUE(Comes(told));
}

TEST_F(ManagerNotifyTest, AReceiverThatTakesNothingIsAReasonInHealth) {
  options_.notify.webhook.url = "http://127.0.0.1:1/T0KEN";
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Create();
  EXPECT_TRUE(Comes([&] {
    const auto reasons = app.manager_.Health().reasons;
    return std::ranges::any_of(reasons, [](const HealthReason& reason) {
      return reason.text.starts_with(
          "the webhook http://127.0.0.1:1 takes no notification at present");
    });
  }));
}

TEST_F(ManagerNotifyTest, AFailedPreHookMarksBackupAndJob) {
  options_.notify.hooks.pre = "exit 7";
  const std::string warning = "the pre hook ended with code 7";
  {
    App app(options_);
    ASSERT_TRUE(app.Start().ok());
    EXPECT_EQ(app.Create().warning, warning);
    const auto jobs = app.manager_.ListJobs();
    ASSERT_TRUE(jobs.ok());
    EXPECT_EQ(jobs->front().result.at("warning"), warning);
    EXPECT_THAT(jobs->front().message, HasSubstr(warning));
  }
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  const auto listed = app.manager_.ListBackups();
  ASSERT_TRUE(listed.ok());
  EXPECT_EQ(listed->front().warning, warning);
  // A verification and a pin leave the mark.
  const std::string name = listed->front().name;
  ASSERT_TRUE(app.manager_.PinBackup(name, true).ok());
  ASSERT_TRUE(app.manager_.VerifyBackup(name, VerifyDepth::kChecksums).ok());
  EXPECT_EQ(app.manager_.FindBackup(name)->warning, warning);
}

TEST_F(ManagerNotifyTest, ARequiredPreHookStopsTheBackup) {
  options_.notify.hooks.pre = "exit 7";
  options_.notify.hooks.pre_required = true;
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  const auto made = app.manager_.CreateBackup({});
  EXPECT_EQ(made.status().code(), StatusCode::kRefused);
  EXPECT_TRUE(app.manager_.ListBackups()->empty());
  EXPECT_TRUE(LeftOvers().empty());
}

// A cancel ends the pre hook; the post hook learns of it.
TEST_F(ManagerNotifyTest, ACancelEndsThePreHook) {
  const std::string notes = dir_.Sub("notes");
  options_.notify.hooks.pre = "echo pre > " + notes + "; sleep 300";
  options_.notify.hooks.post = "echo $LEVELKEEP_STATUS >> " + notes;
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  std::stop_source stop;
  std::jthread cancel([&] {
    EXPECT_TRUE(Comes([&] { return PathExists(FileSystem::Posix(), notes); }));
    stop.request_stop();
  });
  CreateRequest request;
  request.stop = stop.get_token();
  EXPECT_EQ(app.manager_.CreateBackup(request).status().code(),
            StatusCode::kCancelled);
  EXPECT_TRUE(
      Comes([&] { return test::ReadFile(notes) == "pre\ncancelled\n"; }));
}

}  // namespace
}  // namespace levelkeep
