// Schedules of an attached database, by the clock on the wall.

#include <filesystem>
#include <string>
#include <thread>

#include "dbfiles/identity.h"
#include "manager/manager_fixture.h"
#include "support/fake_clock.h"

namespace levelkeep::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class ScheduleTest : public ManagerFixture {
 protected:
  ScheduleTest() {
    options_.schedule.enabled = true;
    options_.schedule.backup = "0 2 * * *";
    options_.schedule.time_zone = "UTC";
    options_.verification.after_backup = false;
  }

  template <typename Condition>
  static bool Soon(Condition condition) {
    for (int i = 0; i < 3000 && !condition(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return condition();
  }
  // Lets the clocks go on to `time`, in steps of ten minutes.
  void AdvanceTo(const std::string& time) {
    const Time end = *ParseTime(time);
    while (clock_.Now() < end) {
      ASSERT_TRUE(clock_.WaitForSleepers(1));
      clock_.Advance(std::min<std::chrono::milliseconds>(
          minutes(10),
          std::chrono::ceil<std::chrono::milliseconds>(end - clock_.Now())));
    }
  }
  static size_t Backups(App* app) {
    return app->manager_.ListBackups()->size();
  }

  FakeClock clock_;  // 2024-12-27T12:00:00Z
};

TEST_F(ScheduleTest, ACronScheduleRunsAtItsTimes) {
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  EXPECT_EQ(FormatTime(*app.manager_.Health().next_run),
            "2024-12-28T02:00:00.000Z");
  AdvanceTo("2024-12-28T01:59:00Z");
  EXPECT_EQ(Backups(&app), 0u) << "a new schedule has missed no run";
  AdvanceTo("2024-12-28T02:00:00Z");
  ASSERT_TRUE(Soon([&] { return Backups(&app) == 1; }));
  EXPECT_TRUE(Soon([&] {
    return FormatTime(*app.manager_.Health().next_run) ==
           "2024-12-29T02:00:00.000Z";
  }));
}

TEST_F(ScheduleTest, OneMissedRunIsCaughtUpAtTheStart) {
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  ASSERT_TRUE(app.Close().ok());
  clock_.Advance(hours(100));
  ASSERT_TRUE(app.Open().ok());
  ASSERT_TRUE(Soon([&] { return Backups(&app) == 1; }));
  app.Put(10, 20);
  // Restarts do not bring it back, nor do they move the next run.
  for (int restarts = 0; restarts < 3; ++restarts) {
    ASSERT_TRUE(Soon([&] { return !app.manager_.Health().running; }));
    ASSERT_TRUE(app.Close().ok());
    clock_.Advance(minutes(5));
    ASSERT_TRUE(app.Open().ok());
    EXPECT_EQ(FormatTime(*app.manager_.Health().next_run),
              "2025-01-01T02:00:00.000Z");
  }
  EXPECT_EQ(Backups(&app), 1u);
}

TEST_F(ScheduleTest, AScheduleThatWasOffHasMissedNothing) {
  {
    App app(options_, &clock_);
    ASSERT_TRUE(app.Start().ok());
    app.Put(0, 10);
  }
  options_.schedule.enabled = false;
  { ASSERT_TRUE(App(options_, &clock_).Start().ok()); }
  clock_.Advance(hours(100));
  options_.schedule.enabled = true;
  {
    App app(options_, &clock_);
    ASSERT_TRUE(app.Start().ok());
    ASSERT_TRUE(clock_.WaitForSleepers(1));
    EXPECT_EQ(Backups(&app), 0u);
    EXPECT_EQ(FormatTime(*app.manager_.Health().next_run),
              "2025-01-01T02:00:00.000Z");
  }
  // The same with an interval.
  options_.schedule.backup.clear();
  options_.schedule.enabled = false;
  { ASSERT_TRUE(App(options_, &clock_).Start().ok()); }
  clock_.Advance(hours(100));
  options_.schedule.enabled = true;
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  EXPECT_EQ(*app.manager_.Health().next_run, clock_.Now() + hours(1));
}

// The part of the jitter is fixed: a restart does not draw another one.
TEST_F(ScheduleTest, TheJitterOfADatabaseIsFixed) {
  options_.schedule.jitter = 3600;
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  const Time first = *app.manager_.Health().next_run;
  const Time planned = *ParseTime("2024-12-28T02:00:00Z");
  EXPECT_GE(first, planned);
  EXPECT_LE(first, planned + hours(1));
  ASSERT_TRUE(app.Close().ok());
  ASSERT_TRUE(app.Open().ok());
  EXPECT_EQ(*app.manager_.Health().next_run, first);
}

TEST_F(ScheduleTest, UnsavedWritesAreStaleAfterTwoMissedRuns) {
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  app.Create();
  app.Put(10, 20);
  app.manager_.StopJobs();  // no backup is made any more
  const auto stale = [&] {
    for (const HealthReason& reason : app.manager_.Health().reasons) {
      if (reason.text.starts_with("unsaved writes are older")) return true;
    }
    return false;
  };
  clock_.SetWallClock(*ParseTime("2024-12-29T01:00:00Z"));
  EXPECT_FALSE(stale()) << "one run is missed";
  clock_.SetWallClock(*ParseTime("2024-12-29T02:01:00Z"));
  EXPECT_TRUE(stale());
}

// --- rotations

TEST_F(ScheduleTest, ARotationFollowsABackupThatSucceeded) {
  options_.schedule.rotate = "0 3 * * *";
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  const auto rotations = [&] {
    return app.manager_.ListJobs({.type = JobType::kRotate})->size();
  };
  AdvanceTo("2024-12-28T02:00:00Z");
  ASSERT_TRUE(Soon([&] { return Backups(&app) == 1; }));
  AdvanceTo("2024-12-28T03:00:00Z");
  ASSERT_TRUE(Soon([&] { return rotations() == 1; }));
}

TEST_F(ScheduleTest, NoRotationFollowsABackupThatFailed) {
  options_.schedule.rotate = "0 3 * * *";
  options_.retries.backup = 0;
  options_.resources.reserve_bytes = uint64_t{1} << 60;  // the disk is full
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  const auto jobs = [&](JobType type) {
    return app.manager_.ListJobs({.type = type})->size();
  };
  AdvanceTo("2024-12-28T02:00:00Z");
  ASSERT_TRUE(Soon([&] { return jobs(JobType::kCreate) == 1; }));
  AdvanceTo("2024-12-28T03:10:00Z");
  ASSERT_TRUE(Soon([&] {
    return app.manager_.Health().next_run > *ParseTime("2024-12-29T01:00:00Z");
  }));
  // If it had to wait, it is listed, and says that it did nothing.
  EXPECT_TRUE(Soon([&] {
    for (const Job& job : *app.manager_.ListJobs({.type = JobType::kRotate})) {
      if (job.message != "there was nothing to do") return false;
    }
    return true;
  }));
}

// --- verifications

TEST_F(ScheduleTest, AScheduledVerificationChecksWhatNobodyChecked) {
  options_.schedule.backup = "";
  options_.schedule.interval = hours(24 * 30);
  options_.schedule.verify = "0 4 * * *";
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  app.Create();
  app.Put(10, 20);
  app.Create();
  const auto verified = [&] {
    size_t count = 0;
    for (const BackupInfo& backup : *app.manager_.ListBackups()) {
      if (backup.verified_at) ++count;
    }
    return count;
  };
  AdvanceTo("2024-12-28T03:50:00Z");
  EXPECT_EQ(verified(), 0u);
  AdvanceTo("2024-12-28T04:00:00Z");
  ASSERT_TRUE(Soon([&] { return verified() == 2; }));
  ASSERT_TRUE(Soon([&] { return !app.manager_.Health().running; }));
  const auto jobs = app.manager_.ListJobs({.type = JobType::kVerify});
  ASSERT_EQ(jobs->size(), 1u);
  EXPECT_EQ(jobs->front().message, "2 backups are sound");
  EXPECT_EQ(jobs->front().request.trigger, "scheduled");
  // The next day the oldest verdicts are renewed.
  AdvanceTo("2024-12-29T04:00:00Z");
  EXPECT_TRUE(Soon([&] {
    return app.manager_.ListJobs({.type = JobType::kVerify})->size() == 2;
  }));
}

// A stop does not cost the day: the next process goes on.
TEST_F(ScheduleTest, AVerificationThatAStopInterruptedGoesOn) {
  options_.schedule.backup = "";
  options_.schedule.interval = hours(24 * 30);
  {
    App app(options_, &clock_);
    ASSERT_TRUE(app.Start().ok());
    app.Put(0, 10);
    app.Create();
    app.manager_.StopJobs();
  }
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  const auto id =
      app.manager_.SubmitJob({.type = JobType::kVerify, .all = true});
  ASSERT_TRUE(id.ok()) << id.status().ToString();
  EXPECT_EQ(app.manager_.WaitForJob(*id)->message, "1 backup is sound");
}

// --- what a skipped backup changes

TEST_F(ScheduleTest, ABackupThatIsSkippedLeavesNothingUnsaved) {
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  AdvanceTo("2024-12-28T02:00:00Z");
  ASSERT_TRUE(Soon([&] { return Backups(&app) == 1; }));
  AdvanceTo("2024-12-31T02:00:00Z");
  ASSERT_TRUE(Soon([&] {
    return app.manager_.Health().next_run > *ParseTime("2024-12-31T03:00:00Z");
  }));
  EXPECT_EQ(Backups(&app), 1u);
  clock_.Advance(minutes(30));
  app.Put(10, 20);
  const HealthReport health = app.manager_.Health();
  EXPECT_NEAR(*health.unsaved_seconds, 1800, 60);
}

TEST_F(ScheduleTest, ABackupThatIsSkippedEndsTheReasonOfOneThatFailed) {
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  app.Create();
  options_.resources.reserve_bytes = uint64_t{1} << 60;  // the disk is full
  BackupManagerAccess::Reload(&app.manager_, options_);
  EXPECT_FALSE(app.manager_.CreateBackup({}).ok());
  options_.resources.reserve_bytes = 0;
  BackupManagerAccess::Reload(&app.manager_, options_);
  EXPECT_FALSE(app.manager_.Health().last_error.empty());
  AdvanceTo("2024-12-28T02:00:00Z");
  EXPECT_TRUE(Soon([&] { return app.manager_.Health().last_error.empty(); }));
  EXPECT_EQ(Backups(&app), 1u);
}

// --- at a stop

TEST_F(ScheduleTest, ACleanStopMakesABackupIfAnythingChanged) {
  options_.schedule.on_shutdown = true;
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  ASSERT_TRUE(app.Close().ok());
  ASSERT_EQ(Backups(&app), 1u);
  EXPECT_EQ(app.manager_.ListBackups()->front().trigger, "shutdown");
  ASSERT_TRUE(app.Open().ok());
  ASSERT_TRUE(app.Close().ok());
  EXPECT_EQ(Backups(&app), 1u) << "nothing changed";
  ASSERT_TRUE(app.Open().ok());
  app.Put(10, 20);
  ASSERT_TRUE(app.Close().ok());
  EXPECT_EQ(Backups(&app), 2u);
}

TEST_F(ScheduleTest, ARestoreIsNoStop) {
  options_.schedule.on_shutdown = true;
  App app(options_, &clock_);
  app.EnableLiveRestore();
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  const std::string name = app.Create().name;
  app.Put(10, 20);
  ASSERT_TRUE(app.manager_.RestoreBackup(RestoreOf(name)).ok());
  EXPECT_EQ(Backups(&app), 1u);
  EXPECT_EQ(app.Count(), 10);
}

// --- before a restore

TEST_F(ScheduleTest, ARestoreFirstBacksUpWhatItReplaces) {
  options_.schedule.before_restore = true;
  options_.retention.max_backups = 1;
  App app(options_, &clock_);
  app.EnableLiveRestore();
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  const std::string name = app.Create().name;
  ASSERT_TRUE(app.manager_.RestoreBackup(RestoreOf(name)).ok());
  EXPECT_EQ(Backups(&app), 1u) << "nothing had changed";
  app.Put(10, 20);
  clock_.Advance(minutes(1));
  ASSERT_TRUE(app.manager_.RestoreBackup(RestoreOf(name)).ok());
  ASSERT_EQ(Backups(&app), 2u) << "a restore never rotates";
  const BackupInfo before = app.manager_.ListBackups()->front();
  EXPECT_EQ(before.trigger, "pre-restore");
  EXPECT_EQ(app.Count(), 10);
  ASSERT_TRUE(app.manager_.RestoreBackup(RestoreOf(before.name)).ok());
  EXPECT_EQ(app.Count(), 20);
}

TEST_F(ScheduleTest, ADropIsAppliedAfterABackupToo) {
  options_.schedule.before_restore = true;
  std::string path;
  {
    App app(options_, &clock_);
    ASSERT_TRUE(app.Start().ok());
    app.Put(0, 10);
    path = app.Create().path;
    app.Put(10, 20);
  }
  std::filesystem::copy(path, options_.restore_dir);
  for (const auto& file :
       std::filesystem::directory_iterator(options_.restore_dir)) {
    if (!file.is_regular_file()) continue;
    std::filesystem::last_write_time(
        file, std::filesystem::last_write_time(file) - hours(1));
  }
  App app(options_);  // the file is old by the real clock
  ASSERT_TRUE(app.Start().ok());
  EXPECT_TRUE(app.report_.restored);
  EXPECT_EQ(app.Count(), 10);
  ASSERT_EQ(Backups(&app), 2u);
  EXPECT_EQ(app.manager_.ListBackups()->front().trigger, "pre-restore");
}

// The restore may be the cure for what failed.
TEST_F(ScheduleTest, ABackupThatFailsDoesNotStopARestore) {
  options_.schedule.before_restore = true;
  App app(options_, &clock_);
  app.EnableLiveRestore();
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  const std::string name = app.Create().name;
  app.Put(10, 20);
  const auto lock = FileSystem::Posix()->Lock(
      options_.backup_dir + "/.levelkeep/databases/" +
      ReadIdentity(FileSystem::Posix(), options_.storage_path())->id +
      "/create.lock");
  ASSERT_TRUE(lock.ok());
  ASSERT_TRUE(app.manager_.RestoreBackup(RestoreOf(name)).ok());
  EXPECT_EQ(Backups(&app), 1u);
  EXPECT_EQ(app.Count(), 10);
  EXPECT_TRUE(app.manager_.Health().undo_available);
}

TEST_F(ScheduleTest, AWrongScheduleStopsTheStart) {
  options_.schedule.backup = "0 25 * * *";
  options_.schedule.time_zone = "Europe/Atlantis";
  App app(options_, &clock_);
  const Status started = app.Start();
  EXPECT_EQ(started.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(started.message().find("BACKUP_SCHEDULE"), std::string::npos);
  EXPECT_NE(started.message().find("Europe/Atlantis"), std::string::npos);
}

}  // namespace
}  // namespace levelkeep::test
