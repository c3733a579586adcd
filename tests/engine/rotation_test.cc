// Rotation by the settings, over real archives: what the rules of
// src/catalog/retention.h get to know, and what nobody may lose.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/site.h"
#include "support/fake_clock.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Time At(const std::string& time) { return ParseTime(time).value(); }

class RotationTest : public ::testing::Test {
 protected:
  RotationTest() : site_(dir_.path(), "storage", &clock_) {
    site_.options_.retention.max_backups.reset();
    site_.options_.schedule.enabled = false;
    Reset();
    site_.Put(0, 10);
  }
  BackupOptions::Retention& rules() { return site_.options_.retention; }
  void Reset() { site_.Reset(); }
  // Backups that no rotation removes yet, oldest first.
  std::vector<std::string> Make(int count) {
    const BackupOptions options = site_.options_;
    site_.options_.retention = {};
    site_.options_.retention.max_backups = 1000;
    Reset();
    std::vector<std::string> names;
    for (int i = 0; i < count; i++) {
      names.push_back(site_.Create());
      clock_.Advance(minutes(1));
    }
    site_.options_ = options;
    Reset();
    return names;
  }
  void MakeAt(const std::vector<std::string>& times) {
    for (const std::string& time : times) {
      clock_.SetWallClock(At(time));
      Make(1);
    }
  }
  // "keep; REASON; REASON"
  std::string Why(const std::string& name) {
    const auto plan = site_.engine().PlanRotation();
    EXPECT_TRUE(plan.ok()) << plan.status().ToString();
    if (!plan.ok()) return plan.status().ToString();
    for (const RotationDecision& one : plan->decisions) {
      if (one.name != name) continue;
      EXPECT_EQ(one.reason, one.reasons.front());
      std::string why = one.keep ? "keep" : "remove";
      for (const std::string& reason : one.reasons) why += "; " + reason;
      return why;
    }
    return "not listed";
  }
  // The times in the names of those that stay: "27_1030".
  std::vector<std::string> Rest() {
    EXPECT_TRUE(site_.engine().Rotate().ok());
    std::vector<std::string> times;
    for (const std::string& name : site_.Files()) {
      times.push_back(name.substr(15, 7));
    }
    return times;
  }

  test::FakeClock clock_;
  test::TempDir dir_;
  test::Site site_;
};

TEST_F(RotationTest, EachSettingReachesItsRule) {
  const auto names = Make(3);
  clock_.Advance(hours(48));
  rules() = {.max_backups = 3,
             .retention_days = 5,
             .daily = 4,
             .weekly = 3,
             .monthly = 2,
             .yearly = 1,
             .minimum = 2};
  site_.options_.schedule.time_zone = "UTC";
  Reset();
  EXPECT_EQ(Why(names[2]),
            "keep; within MAX_BACKUPS=3; younger than BACKUP_RETENTION_DAYS=5; "
            "daily 1 of 4 (2024-12-27); weekly 1 of 3 (week of 2024-12-23); "
            "monthly 1 of 2 (2024-12); yearly 1 of 1 (2024); minimum 1 of 2");
  EXPECT_EQ(Why(names[0]),
            "keep; within MAX_BACKUPS=3; younger than "
            "BACKUP_RETENTION_DAYS=5");
  rules() = {.retention_days = 1};
  Reset();
  EXPECT_EQ(Why(names[0]), "remove; older than BACKUP_RETENTION_DAYS=1");
  EXPECT_EQ(Why(names[2]), "keep; newest good backup");
}

TEST_F(RotationTest, WithoutARuleTenBackupsStay) {
  Make(12);
  EXPECT_EQ(Rest().size(), 10u);
  rules().max_backups = 3;
  Reset();
  EXPECT_EQ(Rest().size(), 3u);
}

// The days of the schedule's zone, which are neither UTC's nor the machine's.
TEST_F(RotationTest, DaysAreThoseOfTheZone) {
  rules().daily = 2;
  site_.options_.schedule.time_zone = "Pacific/Tongatapu";  // UTC+13
  MakeAt({"2024-12-27T09:00:00Z", "2024-12-27T10:30:00Z",
          "2024-12-27T11:30:00Z", "2024-12-27T12:30:00Z"});
  EXPECT_THAT(Rest(), ElementsAre("27_1030", "27_1230"));
}

TEST_F(RotationTest, DaysAreThoseOfAZoneInTheWest) {
  rules().daily = 2;
  site_.options_.schedule.time_zone = "Pacific/Honolulu";  // UTC-10
  MakeAt({"2024-12-27T08:30:00Z", "2024-12-27T09:30:00Z",
          "2024-12-27T10:30:00Z", "2024-12-27T23:30:00Z",
          "2024-12-28T09:30:00Z"});
  EXPECT_THAT(Rest(), ElementsAre("27_0930", "28_0930"));
}

TEST_F(RotationTest, WithoutItsZoneNothingIsRemoved) {
  Make(3);
  rules().daily = 1;
  site_.options_.schedule.time_zone = "Mars/Phobos";
  Reset();
  EXPECT_EQ(site_.engine().PlanRotation().status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_FALSE(site_.engine().Rotate().ok());
  EXPECT_THAT(site_.engine().RotationProblem(), HasSubstr("Mars/Phobos"));
  EXPECT_EQ(site_.Files().size(), 3u);
}

// --- what is being read

TEST_F(RotationTest, WhatAnotherProgramReadsStays) {
  const auto names = Make(3);
  rules().max_backups = 1;
  Reset();
  test::Site other(dir_.path(), "storage", &clock_);
  auto mark = other.engine().MarkInUse(*other.engine().Find(names[0]));
  ASSERT_NE(mark, nullptr);
  EXPECT_EQ(Why(names[0]), "keep; in use");
  EXPECT_EQ(Why(names[1]), "remove; beyond MAX_BACKUPS=1");
  ASSERT_TRUE(site_.engine().Rotate().ok());
  EXPECT_THAT(site_.Files(), ElementsAre(names[0], names[2]));
  const auto second = other.engine().MarkInUse(*other.engine().Find(names[0]));
  mark.reset();
  EXPECT_EQ(Why(names[0]), "keep; in use") << "by the second reader";
}

TEST_F(RotationTest, AMarkEndsWithItsReader) {
  const auto names = Make(2);
  rules().max_backups = 1;
  Reset();
  (void)site_.engine().MarkInUse(*site_.engine().Find(names[0]));
  EXPECT_EQ(Why(names[0]), "remove; beyond MAX_BACKUPS=1");
  const std::string marks = site_.options_.backup_dir + "/.levelkeep/in-use";
  EXPECT_TRUE(std::filesystem::is_empty(marks));
  // A reader that was killed leaves the file, but no lock.
  const std::string left =
      marks + "/0123456789abcdef0123456789abcdef-" + names[0];
  test::WriteFile(left, "");
  test::WriteFile(marks + "/something else", "");
  EXPECT_EQ(Why(names[0]), "remove; beyond MAX_BACKUPS=1");
  EXPECT_TRUE(std::filesystem::exists(left)) << "a dry run removes nothing";
  ASSERT_TRUE(site_.engine().Rotate().ok());
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_TRUE(std::filesystem::exists(marks + "/something else"));
  EXPECT_FALSE(site_.Has(names[0]));
  test::WriteFile(left, "");
  ASSERT_TRUE(site_.engine().Sweep().ok());
  EXPECT_FALSE(std::filesystem::exists(left)) << "at a start";
}

TEST_F(RotationTest, RestoreExtractAndVerificationMarkTheirBackup) {
  site_.Put(10, 3000);  // large enough for a report of progress
  const auto names = Make(2);
  site_.Verify(names[1]);
  rules().max_backups = 1;
  Reset();
  test::Site reader(dir_.path(), "storage", &clock_);
  const auto backup = *reader.engine().Find(names[0]);
  std::string why;
  const Work work{{}, [&](double) { why = Why(names[0]); }};
  const auto expect_in_use = [&](const char* what) {
    EXPECT_EQ(why, "keep; in use") << what;
    EXPECT_EQ(Why(names[0]), "remove; beyond MAX_BACKUPS=1") << what;
    why.clear();
  };
  EXPECT_TRUE(
      reader.engine().Verify(backup, VerifyDepth::kChecksums, work).ok());
  expect_in_use("verification");
  ASSERT_TRUE(reader.engine().Extract(backup, dir_.Sub("x"), work).ok());
  expect_in_use("extract");
  ASSERT_TRUE(reader.engine().Restore(backup, work).ok());
  EXPECT_EQ(why, "keep; in use");
}

// --- what was restored

TEST_F(RotationTest, ARestoreRotatesNothing) {
  const auto names = Make(4);
  rules().max_backups = 1;
  Reset();
  ASSERT_TRUE(site_.Restore(names[0]).ok());
  EXPECT_EQ(site_.Files(), names);
}

TEST_F(RotationTest, TheRestoredBackupStaysAsLongAsUndoIsPossible) {
  const auto names = Make(3);
  rules().max_backups = 1;
  rules().history_days = 0;
  Reset();
  ASSERT_TRUE(site_.Restore(names[0]).ok());
  clock_.Advance(minutes(1));
  const std::string later = site_.Create();
  EXPECT_THAT(site_.Files(), ElementsAre(names[0], later));
  EXPECT_EQ(Why(names[0]), "keep; was restored, and the restore can be undone");
  ASSERT_TRUE(site_.engine().ForgetUndo().ok());
  EXPECT_EQ(Why(names[0]), "remove; beyond MAX_BACKUPS=1");
}

TEST_F(RotationTest, ARestoreThatWasUndoneProtectsNothing) {
  const auto names = Make(3);
  rules().max_backups = 1;
  Reset();
  ASSERT_TRUE(site_.Restore(names[0]).ok());
  ASSERT_TRUE(site_.engine().Undo(UndoScope::kLast).ok());
  EXPECT_EQ(Why(names[0]), "remove; beyond MAX_BACKUPS=1");
  ASSERT_TRUE(site_.engine().Undo(UndoScope::kLast).ok());
  EXPECT_EQ(Why(names[0]), "remove; beyond MAX_BACKUPS=1")
      << "an undo of an undo does not remember the archive";
}

// --- the cap

TEST_F(RotationTest, ACapThatCanNotBeMetIsTold) {
  const auto names = Make(3);
  ASSERT_TRUE(site_.engine().Pin(names[0], true).ok());
  rules().max_bytes = 1000;
  Reset();
  const std::string told =
      " more than BACKUP_MAX_BYTES=1000: unpin or delete some, lower "
      "BACKUP_MINIMUM, or allow more";
  const auto plan = site_.engine().PlanRotation();
  ASSERT_TRUE(plan.ok());
  ASSERT_EQ(plan->warnings.size(), 1u);
  EXPECT_THAT(plan->warnings[0], HasSubstr(told));
  EXPECT_EQ(site_.engine().CapProblem(), "") << "no rotation yet";
  ASSERT_TRUE(site_.engine().Rotate().ok());
  EXPECT_THAT(site_.Files(), ElementsAre(names[0], names[2]));
  EXPECT_THAT(site_.engine().CapProblem(), HasSubstr(told));
  EXPECT_EQ(site_.engine().RotationProblem(), "");

  rules().max_bytes = 1 << 20;
  Reset();
  EXPECT_THAT(site_.engine().PlanRotation()->warnings, IsEmpty());
  ASSERT_TRUE(site_.engine().Rotate().ok());
  EXPECT_EQ(site_.engine().CapProblem(), "");
}

// --- the forecast

std::vector<std::pair<std::string, std::string>> ForecastOf(
    const Result<RotationPlan>& plan) {
  std::vector<std::pair<std::string, std::string>> forecast;
  for (const RotationForecast& one : plan->forecast) {
    forecast.emplace_back(one.name, FormatTime(one.at) + " " + one.reason);
  }
  return forecast;
}

using Forecast = std::vector<std::pair<std::string, std::string>>;

TEST_F(RotationTest, TheForecastFollowsTheSchedule) {
  const auto names = Make(3);  // 12:00, 12:01, 12:02; it is 12:03
  rules().max_backups = 2;
  site_.options_.schedule = {.enabled = true, .interval = hours(2)};
  Reset();
  const auto plan = site_.engine().PlanRotation();
  EXPECT_EQ(
      ForecastOf(plan),
      (Forecast{{names[1], "2024-12-27T14:02:00.000Z beyond MAX_BACKUPS=2"},
                {names[2], "2024-12-27T16:02:00.000Z beyond MAX_BACKUPS=2"}}));
  EXPECT_EQ(FormatTime(plan->forecast_until), "2025-01-26T12:03:00.000Z");
}

TEST_F(RotationTest, TheForecastFollowsACronSchedule) {
  const auto names = Make(3);
  rules().max_backups = 2;
  site_.options_.schedule.enabled = true;
  site_.options_.schedule.backup = "30 3 * * *";
  site_.options_.schedule.time_zone = "Europe/Berlin";
  Reset();
  EXPECT_EQ(
      ForecastOf(site_.engine().PlanRotation()),
      (Forecast{{names[1], "2024-12-28T02:30:00.000Z beyond MAX_BACKUPS=2"},
                {names[2], "2024-12-29T02:30:00.000Z beyond MAX_BACKUPS=2"}}));
}

TEST_F(RotationTest, TheForecastForAnotherTimerGoesByThePaceSoFar) {
  MakeAt(
      {"2024-12-24T00:00:00Z", "2024-12-25T00:00:00Z", "2024-12-26T00:00:00Z"});
  rules().max_backups = 3;
  Reset();
  const auto forecast = ForecastOf(site_.engine().PlanRotation());
  ASSERT_EQ(forecast.size(), 3u);
  EXPECT_EQ(forecast[0].second,
            "2024-12-27T00:00:00.000Z beyond MAX_BACKUPS=3");
  EXPECT_EQ(forecast[2].second,
            "2024-12-29T00:00:00.000Z beyond MAX_BACKUPS=3");
}

TEST_F(RotationTest, AForecastWithTooManyBackupsEndsEarlier) {
  Make(1);
  rules().max_backups = 2;
  site_.options_.schedule = {.enabled = true,
                             .interval = std::chrono::seconds(1)};
  Reset();
  const auto plan = site_.engine().PlanRotation();
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->forecast.size(), 1u);
  EXPECT_LT(plan->forecast_until, clock_.Now() + hours(24));
  EXPECT_GT(plan->forecast_until, clock_.Now() + hours(1));
}

TEST_F(RotationTest, WithoutBackupsThereIsNothingToForetell) {
  rules().max_backups = 2;
  Reset();
  std::filesystem::create_directories(site_.options_.backup_dir);
  const auto plan = site_.engine().PlanRotation();
  ASSERT_TRUE(plan.ok()) << plan.status().ToString();
  EXPECT_THAT(plan->decisions, IsEmpty());
  EXPECT_THAT(plan->forecast, IsEmpty());
}

}  // namespace
}  // namespace levelkeep
