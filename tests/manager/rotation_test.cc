// Rotation as an application sees it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/clock.h"
#include "manager/manager_fixture.h"
#include "support/fake_clock.h"

namespace levelkeep {
namespace {

using std::chrono::hours;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class ManagerRotationTest : public test::ManagerFixture {
 protected:
  ManagerRotationTest() { options_.retention.max_backups = 10; }
  std::vector<std::string> Names(BackupManager* manager) {
    std::vector<std::string> names;
    for (const BackupInfo& one : *manager->ListBackups()) {
      names.push_back(one.name);
    }
    return names;
  }

  test::FakeClock clock_;
};

TEST_F(ManagerRotationTest, TheReaderOfABackupKeepsIt) {
  options_.retention.max_backups = 1;
  test::App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  const std::string first = app.Create().name;
  auto reader = app.manager_.OpenBackup(first);
  ASSERT_TRUE(reader.ok());
  clock_.Advance(hours(1));
  const std::string second = app.Create().name;
  EXPECT_THAT(Names(&app.manager_), ElementsAre(second, first));
  auto plan = app.manager_.PlanRotation();
  ASSERT_TRUE(plan.ok());
  EXPECT_THAT(plan->decisions.back().reasons, ElementsAre("in use"));
  EXPECT_TRUE(app.manager_.Rotate(true)->back().keep);
  reader->reset();
  EXPECT_FALSE(app.manager_.Rotate(true)->back().keep);
  ASSERT_TRUE(app.manager_.Rotate(false).ok());
  EXPECT_THAT(Names(&app.manager_), ElementsAre(second));
}

TEST_F(ManagerRotationTest, ARestoreStartsNoRotation) {
  options_.retention.max_backups = 3;
  test::App app(options_, &clock_);
  app.EnableLiveRestore();
  ASSERT_TRUE(app.Start().ok());
  std::vector<std::string> made;
  for (int i = 0; i < 3; i++) {
    app.Put(i, i + 1);
    made.insert(made.begin(), app.Create().name);
    clock_.Advance(hours(1));
  }
  ASSERT_TRUE(app.manager_.RestoreBackup(test::RestoreOf(made[2])).ok());
  EXPECT_EQ(Names(&app.manager_), made);
  // The next rotations leave it as long as the restore can be undone.
  for (int i = 0; i < 4; i++) {
    app.Put(i, i + 1);
    app.Create();
    clock_.Advance(hours(1));
  }
  EXPECT_THAT(Names(&app.manager_), Contains(made[2]));
  EXPECT_THAT(app.manager_.Rotate(true)->back().reason,
              "was restored, and the restore can be undone");
}

TEST_F(ManagerRotationTest, HealthNamesBackupsOfTheFutureWhereDatesCount) {
  const Time now = clock_.Now();
  const auto make = [&](Time time) {
    clock_.SetWallClock(time);
    test::App app(options_, &clock_);
    EXPECT_TRUE(app.Start().ok());
    app.Put(0, 10);
    return app.Create().name;
  };
  const std::string coming = make(now + hours(24 * 400));
  const std::string present = make(now);
  {
    test::App app(options_, &clock_);
    ASSERT_TRUE(app.Start().ok());
    EXPECT_THAT(test::Texts(app.manager_.Health()),
                Not(Contains(HasSubstr("future"))))
        << "MAX_BACKUPS alone goes by the order of backups";
  }
  options_.retention.max_backups.reset();
  options_.retention.daily = 1;
  options_.schedule.time_zone = "UTC";
  test::App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  EXPECT_THAT(
      test::Texts(app.manager_.Health()),
      Contains(coming + " is dated in the future (2026-01-31T12:00:00.000Z): "
                        "rotation keeps it, and it stands for no day; set the "
                        "clock right, or delete it"));
  EXPECT_THAT(test::Texts(app.manager_.Health()),
              Not(Contains(HasSubstr(present + " is dated"))));
  ASSERT_TRUE(app.manager_.Rotate(false).ok());
  EXPECT_THAT(Names(&app.manager_), Contains(coming));
  EXPECT_THAT(Names(&app.manager_), Contains(present));
}

TEST_F(ManagerRotationTest, HealthTellsOfACapThatCanNotBeMet) {
  options_.retention.max_bytes = 10;
  test::App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  app.Create();
  EXPECT_THAT(test::Texts(app.manager_.Health()),
              Contains(HasSubstr("more than BACKUP_MAX_BYTES=10")));
}

TEST_F(ManagerRotationTest, AZoneThatCanNotBeLoadedStopsTheStart) {
  options_.retention.weekly = 1;
  options_.schedule.time_zone = "Mars/Phobos";
  test::App app(options_, &clock_);
  const Status started = app.Start();
  EXPECT_EQ(started.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(started.message(), HasSubstr("SCHEDULE_TZ is \"Mars/Phobos\""));
}

}  // namespace
}  // namespace levelkeep
