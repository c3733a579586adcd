// The health report: what it says comes from the disk, so that a restart
// changes nothing, and nothing hides that backups are old.

#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>

#include "manager/manager_fixture.h"
#include "support/fake_clock.h"
#include "support/fault_file_system.h"

namespace levelkeep {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using test::App;
using test::Has;

EventCount Events(uint64_t count) {
  EventCount events;
  events.count = count;
  return events;
}

class HealthTest : public test::ManagerFixture {
 protected:
  Platform OnThisDisk() { return {.fs = &disk_, .clock = &clock_}; }

  // Waits in the next write of an archive until `goes_on_`.
  void HoldTheNextArchive() {
    disk_.set_observer([this](const std::string& operation) {
      if (!operation.starts_with("Append ") ||
          operation.find(".part") == std::string::npos) {
        return;
      }
      is_held_ = true;
      goes_on_.wait(false);
    });
  }
  void LetItGoOn() {
    goes_on_ = true;
    goes_on_.notify_all();
  }

  test::FakeClock clock_;
  test::FaultFileSystem disk_{FileSystem::Posix()};
  std::atomic<bool> is_held_ = false;
  std::atomic<bool> goes_on_ = false;
};

TEST_F(HealthTest, TheLastSuccessIsThatOfTheCatalog) {
  std::optional<Time> before;
  {
    App app(options_, &clock_);
    ASSERT_TRUE(app.Start().ok());
    EXPECT_EQ(app.manager_.Health().last_success, std::nullopt);
    app.Put(0, 10);
    const BackupInfo made = app.Create();
    clock_.Advance(hours(3));
    before = app.manager_.Health().last_success;
    EXPECT_EQ(before, made.created);
  }
  App app(options_, &clock_);
  EXPECT_TRUE(app.manager_.Initialize().ok());
  EXPECT_EQ(app.manager_.Health().last_success, before)
      << "before a database is attached";
  ASSERT_TRUE(app.Open().ok());
  EXPECT_EQ(app.manager_.Health().last_success, before);
}

TEST_F(HealthTest, ABackupFromTheFutureIsNamedIfThereAreUnsavedWrites) {
  const Time now = clock_.Now();
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  clock_.SetWallClock(now + hours(24 * 400));
  app.Create();
  clock_.SetWallClock(now);
  EXPECT_FALSE(Has(app.manager_.Health(), HealthCode::kBackupFromFuture));
  app.Put(10, 20);
  EXPECT_TRUE(Has(app.manager_.Health(), HealthCode::kBackupFromFuture));
}

// As when its volume is unmounted.
TEST_F(HealthTest, AFolderThatLostItsRecordsIsNotAnEmptyOne) {
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  app.Create();
  std::filesystem::rename(options_.backup_dir, dir_.Sub("away"));
  std::filesystem::create_directory(options_.backup_dir);
  const HealthReport health = app.manager_.Health();
  EXPECT_FALSE(health.available);
  EXPECT_TRUE(Has(health, HealthCode::kBackupsUnreadable));
  std::filesystem::remove_all(options_.backup_dir);
  std::filesystem::rename(dir_.Sub("away"), options_.backup_dir);
  EXPECT_TRUE(app.manager_.Health().available);
}

TEST_F(HealthTest, AFailureFromTheFutureIsForgottenByTheNextProcess) {
  const Time now = clock_.Now();
  {
    App app(options_, OnThisDisk());
    ASSERT_TRUE(app.Start().ok());
    app.Put(0, 10);
    clock_.SetWallClock(now + hours(24 * 400));
    disk_.set_free_space(0);
    EXPECT_FALSE(app.manager_.CreateBackup({}).ok());
    disk_.set_free_space(std::nullopt);
    clock_.SetWallClock(now);
    app.Create();
  }
  App app(options_, OnThisDisk());
  ASSERT_TRUE(app.Start().ok());
  EXPECT_EQ(app.manager_.Health().last_error, "");
}

// A drill that is always held up has no record.
TEST_F(HealthTest, NoDrillAtAllIsMissed) {
  options_.schedule.enabled = true;
  options_.schedule.interval = hours(24 * 30);
  options_.schedule.drill = "0 3 * * *";
  options_.schedule.time_zone = "UTC";
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  app.Create();
  EXPECT_FALSE(Has(app.manager_.Health(), HealthCode::kDrillMissing));
  clock_.SetWallClock(clock_.Now() + hours(24 * 4));
  EXPECT_TRUE(Has(app.manager_.Health(), HealthCode::kDrillMissing));
}

TEST_F(HealthTest, ARestartDoesNotHideAFailure) {
  std::string error;
  {
    App app(options_, OnThisDisk());
    ASSERT_TRUE(app.Start().ok());
    app.Put(0, 10);
    disk_.set_free_space(0);
    EXPECT_EQ(app.manager_.CreateBackup({}).status().code(),
              StatusCode::kNoSpace);
    const HealthReport health = app.manager_.Health();
    error = health.last_error;
    EXPECT_NE(error, "");
    EXPECT_TRUE(Has(health, HealthCode::kBackupFailed));
  }
  disk_.set_free_space(std::nullopt);
  {
    App app(options_, OnThisDisk());
    ASSERT_TRUE(app.Start().ok());
    EXPECT_EQ(app.manager_.Health().last_error, error);
    EXPECT_TRUE(Has(app.manager_.Health(), HealthCode::kBackupFailed));
    clock_.Advance(minutes(1));
    app.Create();
    EXPECT_FALSE(Has(app.manager_.Health(), HealthCode::kBackupFailed));
  }
  App app(options_, OnThisDisk());
  ASSERT_TRUE(app.Start().ok());
  EXPECT_EQ(app.manager_.Health().last_error, "");
}

TEST_F(HealthTest, ARunningBackupHidesNeitherItsAgeNorThatItHangs) {
  options_.retries.backup_timeout = 300;
  options_.schedule.enabled = true;
  options_.schedule.backup = "0 2 * * *";
  options_.schedule.time_zone = "UTC";
  App app(options_, OnThisDisk());
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  app.Create();
  app.Put(10, 20);
  HoldTheNextArchive();
  std::thread backup([&] { (void)app.manager_.CreateBackup({}); });
  for (int i = 0; i < 3000 && !is_held_; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(is_held_);
  EXPECT_EQ(app.manager_.Health().running, JobType::kCreate);
  EXPECT_FALSE(Has(app.manager_.Health(), HealthCode::kJobStuck));
  EXPECT_FALSE(Has(app.manager_.Health(), HealthCode::kBackupStale));
  clock_.Advance(minutes(6));
  EXPECT_TRUE(Has(app.manager_.Health(), HealthCode::kJobStuck));
  clock_.SetWallClock(*ParseTime("2024-12-29T02:01:00Z"));
  const HealthReport health = app.manager_.Health();
  EXPECT_EQ(health.running, JobType::kCreate);
  EXPECT_TRUE(Has(health, HealthCode::kBackupStale));
  EXPECT_THAT(test::Texts(health),
              testing::Contains(testing::HasSubstr(
                  "(a backup) has made no progress for longer than "
                  "BACKUP_TIMEOUT=300 and does not end")));
  LetItGoOn();
  backup.join();
  EXPECT_FALSE(Has(app.manager_.Health(), HealthCode::kJobStuck));
}

TEST_F(HealthTest, ItCountsTheEventsThatAreInNoBackup) {
  App app(options_, &clock_);
  std::atomic<uint64_t> events = 4;
  app.manager_.SetEventCounter([&] {
    if (events == 0) throw std::runtime_error("boom");
    return Events(events);
  });
  EXPECT_EQ(app.manager_.Health().unsaved_events, std::nullopt);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 4);
  EXPECT_EQ(app.manager_.Health().unsaved_events, 4u) << "no backup yet";
  app.Create();
  EXPECT_EQ(app.manager_.Health().unsaved_events, 0u);
  events = 9;
  EXPECT_EQ(app.manager_.Health().unsaved_events, 5u);
  events = 2;
  EXPECT_EQ(app.manager_.Health().unsaved_events, 0u) << "events were deleted";
  events = 0;
  EXPECT_EQ(app.manager_.Health().unsaved_events, std::nullopt);
  events = 9;
  ASSERT_TRUE(app.Close().ok());
  EXPECT_EQ(app.manager_.Health().unsaved_events, std::nullopt);
}

TEST_F(HealthTest, WithoutACountInTheBackupTheEventsAreNotKnown) {
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 4);
  app.Create();
  EXPECT_EQ(app.manager_.Health().unsaved_events, std::nullopt);
  ASSERT_TRUE(app.Close().ok());
  app.manager_.SetEventCounter([] { return Events(4); });
  ASSERT_TRUE(app.Open().ok());
  EXPECT_EQ(app.manager_.Health().unsaved_events, std::nullopt);
}

TEST_F(HealthTest, ADiskThatFillsIsToldBeforeItIsFull) {
  options_.resources.reserve_bytes = 1000;
  options_.retention.max_backups = 100;
  App app(options_, OnThisDisk());
  ASSERT_TRUE(app.Start().ok());
  uint64_t total = 0;
  for (int day = 0; day < 3; ++day) {
    app.Put(10 * day, 10 * day + 10);
    total += app.Create().size_bytes;
    clock_.Advance(hours(24));
  }
  disk_.set_free_space(1000 + total * 4);
  HealthReport health = app.manager_.Health();
  ASSERT_TRUE(health.days_until_full);
  EXPECT_NEAR(*health.days_until_full, 8, 0.01);
  EXPECT_GT(health.disk_bytes, 0u);
  EXPECT_FALSE(Has(health, HealthCode::kDiskFilling));
  disk_.set_free_space(1000 + total * 3);
  health = app.manager_.Health();
  EXPECT_TRUE(Has(health, HealthCode::kDiskFilling));
  EXPECT_THAT(test::Texts(health),
              testing::Contains(testing::HasSubstr("has space for 6.0 days")));
  disk_.set_free_space(999);
  health = app.manager_.Health();
  EXPECT_TRUE(Has(health, HealthCode::kDiskLow));
  EXPECT_FALSE(Has(health, HealthCode::kDiskFilling)) << "it is full";
  EXPECT_FALSE(health.days_until_full);
}

}  // namespace
}  // namespace levelkeep
