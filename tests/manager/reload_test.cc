// New options for a manager that runs.

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "manager/manager_fixture.h"
#include "support/fake_clock.h"

namespace levelkeep {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using test::App;

class ReloadTest : public test::ManagerFixture {
 protected:
  void Reload(App* app) {
    BackupManagerAccess::Reload(&app->manager_, options_);
  }
  // The time until the next run, as health shows it.
  std::optional<Time::duration> Left(App* app) {
    const auto next = app->manager_.Health().next_run;
    if (!next) return std::nullopt;
    return *next - clock_.Now();
  }
  // Backups that begin after a wait.
  bool Counts(App* app, size_t backups) {
    for (int i = 0; i < 6000; ++i) {
      if (app->manager_.ListBackups()->size() == backups) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  test::FakeClock clock_;
};

TEST_F(ReloadTest, TheScheduleKeepsItsPlannedTimeUnlessItChanged) {
  options_.schedule.enabled = true;
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  EXPECT_EQ(Left(&app), hours(1));
  clock_.Advance(minutes(20));
  options_.retention.max_backups = 2;
  options_.resources.rate_limit_bytes_per_second = 1 << 30;
  Reload(&app);
  EXPECT_EQ(Left(&app), minutes(40));
  EXPECT_EQ(app.manager_.options().retention.max_backups, 2);

  // A new interval counts from the last backup.
  app.Put(0, 10);
  (void)app.Create();
  clock_.Advance(minutes(10));
  EXPECT_EQ(Left(&app), minutes(30));
  options_.schedule.interval = hours(2);
  Reload(&app);
  EXPECT_EQ(Left(&app), minutes(110));

  // If the run is overdue then, it begins at once, and only once.
  app.Put(10, 20);
  options_.schedule.interval = minutes(5);
  Reload(&app);
  EXPECT_TRUE(Counts(&app, 2));
}

TEST_F(ReloadTest, TheScheduleCanBeTurnedOffAndOn) {
  options_.schedule.enabled = true;
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  options_.schedule.enabled = false;
  Reload(&app);
  EXPECT_EQ(Left(&app), std::nullopt);
  clock_.Advance(hours(24));
  options_.schedule.enabled = true;
  Reload(&app);
  EXPECT_EQ(Left(&app), hours(1));
}

TEST_F(ReloadTest, ADetachedDatabaseGetsItsScheduleWhenItIsAttached) {
  options_.schedule.enabled = true;
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  ASSERT_TRUE(app.Close().ok());
  options_.schedule.interval = hours(2);
  Reload(&app);
  EXPECT_EQ(Left(&app), std::nullopt);
  ASSERT_TRUE(app.Open().ok());
  EXPECT_EQ(Left(&app), hours(2));
}

TEST_F(ReloadTest, RetentionCountsForTheNextRotation) {
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  const BackupOptions& before = app.manager_.options();
  for (int i = 0; i < 4; ++i) {
    app.Put(i, i + 1);
    clock_.Advance(minutes(1));
    (void)app.Create();
  }
  options_.retention.max_backups = 2;
  Reload(&app);
  // References to the old options stay valid.
  EXPECT_EQ(before.retention.max_backups, std::nullopt);
  ASSERT_TRUE(app.manager_.Rotate(/*dry_run=*/false).ok());
  EXPECT_EQ(app.manager_.ListBackups()->size(), 2u);
}

TEST_F(ReloadTest, TheReserveCountsForBackupsAndForHealth) {
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  EXPECT_TRUE(app.manager_.Health().reasons.empty());
  options_.resources.reserve_bytes = uint64_t{1} << 60;
  Reload(&app);
  EXPECT_EQ(app.manager_.CreateBackup({}).status().code(),
            StatusCode::kNoSpace);
  EXPECT_FALSE(app.manager_.Health().reasons.empty());
  options_.resources.reserve_bytes = 0;
  Reload(&app);
  EXPECT_TRUE(app.manager_.CreateBackup({}).ok());
}

TEST_F(ReloadTest, TheReserveCountsForRestores) {
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  app.EnableLiveRestore();
  app.Put(0, 10);
  RestoreRequest restore;
  restore.source = app.Create().name;
  options_.resources.reserve_bytes = uint64_t{1} << 60;
  Reload(&app);
  EXPECT_EQ(app.manager_.RestoreBackup(restore).status().code(),
            StatusCode::kNoSpace);
  options_.resources.reserve_bytes = 0;
  options_.restore.restart_command = "restart it";
  Reload(&app);
  EXPECT_TRUE(app.manager_.RestoreBackup(restore).ok());
  EXPECT_EQ(app.manager_.options().restore.restart_command, "restart it");
}

}  // namespace
}  // namespace levelkeep
