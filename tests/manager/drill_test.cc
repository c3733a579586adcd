// Drills as an embedding application sees them.

#include <filesystem>
#include <functional>
#include <memory>
#include <thread>

#include "manager/manager_fixture.h"
#include "restore/restorer.h"
#include "support/fake_clock.h"

namespace levelkeep::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class ManagerDrillTest : public ManagerFixture {
 protected:
  ManagerDrillTest() { options_.retries.drill_timeout = 0; }

  // From now on, a check waits until Allow() is called; it notes each run.
  void Block() {
    const auto program = FindCheckProgram(FileSystem::Posix(), "");
    ASSERT_TRUE(program.ok());
    options_.verification.check_program = dir_.Sub("check");
    WriteFile(options_.verification.check_program,
              "#!/bin/sh\necho >> '" + dir_.Sub("runs") + "'\n[ -e '" +
                  dir_.Sub("allowed") + "' ] || exec sleep 1000\nexec '" +
                  *program + "' \"$@\"\n");
    std::filesystem::permissions(options_.verification.check_program,
                                 std::filesystem::perms::owner_all);
  }
  void Allow() { WriteFile(dir_.Sub("allowed"), ""); }
  size_t Runs() const {
    if (!std::filesystem::exists(dir_.Sub("runs"))) return 0;
    return std::filesystem::file_size(dir_.Sub("runs"));
  }
  static bool Until(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + minutes(1);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
  }
  static std::string SubmitDrill(App* app,
                                 const std::string& backup = "latest") {
    const auto id =
        app->manager_.SubmitJob({.type = JobType::kDrill, .backup = backup});
    EXPECT_TRUE(id.ok()) << id.status().ToString();
    return id.ok() ? *id : "";
  }
  static Job End(App* app, const std::string& id) {
    const auto job = app->manager_.WaitForJob(id);
    EXPECT_TRUE(job.ok()) << job.status().ToString();
    return job.ok() ? *job : Job();
  }
  static size_t Drills(App* app, JobStatus status) {
    return app->manager_.ListJobs({.type = JobType::kDrill, .status = status})
        ->size();
  }
  // Of the one database.
  std::string RecordsFolder() const {
    std::string folder;
    for (const auto& entry : std::filesystem::directory_iterator(
             options_.backup_dir + "/.levelkeep/databases")) {
      folder = entry.path();
    }
    return folder;
  }
  // What drills left in the work folder.
  std::vector<std::string> Scratch() {
    std::vector<std::string> left;
    const std::string work = WorkDirOf(options_.storage_dir, options_.db_name);
    for (const auto& name : *FileSystem::Posix()->List(work)) {
      if (name.starts_with("scratch-")) left.push_back(name);
    }
    return left;
  }
};

TEST_F(ManagerDrillTest, HealthKnowsTheLastOneAlsoInTheNextProcess) {
  std::string name;
  HealthReport before;
  {
    App app(options_);
    ASSERT_TRUE(app.Start().ok());
    app.Put(0, 2000);
    name = app.Create().name;
    EXPECT_FALSE(app.manager_.Health().last_drill);
    EXPECT_FALSE(app.manager_.Health().predicted_restore_seconds);
    const Job job = End(&app, SubmitDrill(&app));
    EXPECT_EQ(job.status, JobStatus::kCompleted) << job.message;
    EXPECT_EQ(job.message, name + " was restored on trial and is sound");
    EXPECT_EQ(job.result.at("backup"), name);
    EXPECT_EQ(job.result.at("entries"), "2000");
    const auto report = app.manager_.Drill("latest");
    ASSERT_TRUE(report.ok()) << report.status().ToString();
    EXPECT_EQ(report->entries, 2000u);
    before = app.manager_.Health();
    ASSERT_TRUE(before.last_drill && before.predicted_restore_seconds);
    EXPECT_EQ(before.last_drill->name, name);
    EXPECT_EQ(before.last_drill->seconds, report->seconds);
    EXPECT_NEAR(*before.predicted_restore_seconds, report->seconds, 0.001)
        << "it is the newest backup";
    EXPECT_TRUE(before.reasons.empty());
    EXPECT_TRUE(Scratch().empty());
  }
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  const HealthReport after = app.manager_.Health();
  ASSERT_TRUE(after.last_drill);
  EXPECT_EQ(after.last_drill->at, before.last_drill->at);
  EXPECT_EQ(after.predicted_restore_seconds, before.predicted_restore_seconds);
}

TEST_F(ManagerDrillTest, AFailedOneIsAReason) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 100);
  const std::string name = app.Create().name;
  ASSERT_TRUE(app.manager_.Drill(name).ok());
  app.Put(100, 200);
  app.Create();
  const std::string path = options_.backup_dir + "/" + name;
  const std::string good = ReadFile(path);
  std::string bad = good;
  bad[bad.size() / 3] = static_cast<char>(bad[bad.size() / 3] ^ 1);
  WriteFile(path, bad);
  const Job job = End(&app, SubmitDrill(&app, name));
  EXPECT_EQ(job.status, JobStatus::kFailed);
  EXPECT_EQ(job.code, StatusCode::kCorruption);
  EXPECT_EQ(job.attempts, 1u) << "a drill is not tried again";
  const auto reason = [&] {
    for (const HealthReason& one : app.manager_.Health().reasons) {
      if (one.text.starts_with("the last drill, of " + name)) return one.text;
    }
    return std::string();
  };
  EXPECT_NE(reason(), "");
  EXPECT_TRUE(app.manager_.Health().predicted_restore_seconds)
      << "the drill before tells it";
  WriteFile(path, good);
  ASSERT_TRUE(app.manager_.Drill(name).ok());
  EXPECT_EQ(reason(), "");
}

TEST_F(ManagerDrillTest, BadRequestsAreRefusedAtOnce) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  EXPECT_EQ(app.manager_.Drill("latest").status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(app.manager_.SubmitJob({.type = JobType::kDrill, .backup = "x"})
                .status()
                .code(),
            StatusCode::kInvalidArgument);
  EXPECT_TRUE(app.manager_.ListJobs()->empty());
}

TEST_F(ManagerDrillTest, ABackupIsMadeBesideADrillAndARotationToo) {
  Block();
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 100);
  app.Create();
  const std::string drill = SubmitDrill(&app);
  ASSERT_TRUE(Until([&] { return Runs() == 1; }));
  EXPECT_EQ(app.manager_.Health().running, JobType::kDrill);
  app.Put(100, 200);
  EXPECT_NE(app.Create().name, "");
  EXPECT_TRUE(app.manager_.Rotate(false).ok());
  EXPECT_EQ(app.manager_.VerifyBackup("latest", VerifyDepth::kChecksums)
                .status()
                .code(),
            StatusCode::kBusy)
      << "both use one lock";
  EXPECT_EQ(app.manager_.FindJob(drill)->status, JobStatus::kInProgress);
  Allow();
  EXPECT_TRUE(app.manager_.CancelJob(drill).ok());
  EXPECT_EQ(End(&app, drill).status, JobStatus::kCancelled);
}

TEST_F(ManagerDrillTest, CancellingFreesTheSlotAtOnce) {
  Block();
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 100);
  app.Create();
  const std::string first = SubmitDrill(&app);
  ASSERT_TRUE(Until([&] { return Runs() == 1; }));
  const std::string second = SubmitDrill(&app);
  EXPECT_EQ(app.manager_.FindJob(second)->status, JobStatus::kPending);
  Allow();
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(app.manager_.CancelJob(first).ok());
  EXPECT_EQ(End(&app, first).status, JobStatus::kCancelled);
  EXPECT_EQ(End(&app, second).status, JobStatus::kCompleted);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(30));
  EXPECT_TRUE(Scratch().empty());
}

TEST_F(ManagerDrillTest, ABackupThatIsDeletedMeanwhileIsNoFailure) {
  Block();
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 100);
  const std::string name = app.Create().name;
  const std::string running = SubmitDrill(&app);
  const std::string waiting = SubmitDrill(&app);
  ASSERT_TRUE(Until([&] { return Runs() == 1; }));
  ASSERT_TRUE(app.manager_.DeleteBackup(name, /*force=*/true).ok());
  Allow();
  ASSERT_TRUE(app.manager_.CancelJob(running).ok());
  const Job job = End(&app, waiting);
  EXPECT_EQ(job.status, JobStatus::kCancelled) << job.message;
  EXPECT_EQ(job.message, name + " was deleted meanwhile");
  EXPECT_FALSE(app.manager_.Health().last_drill);
}

TEST_F(ManagerDrillTest, ARestoreDisplacesADrillWhichRunsAgain) {
  Block();
  App app(options_);
  app.EnableLiveRestore();
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 100);
  const std::string name = app.Create().name;
  Allow();
  ASSERT_TRUE(app.manager_.VerifyBackup(name, VerifyDepth::kFull).ok());
  std::filesystem::remove(dir_.Sub("allowed"));
  app.Put(100, 200);
  const size_t before = Runs();
  const std::string drill = SubmitDrill(&app);
  ASSERT_TRUE(Until([&] { return Runs() == before + 1; }));
  const auto restored = app.manager_.RestoreBackup(RestoreOf(name));
  ASSERT_TRUE(restored.ok()) << restored.status().ToString();
  EXPECT_EQ(app.Count(), 100);
  Allow();
  const Job ended = End(&app, drill);
  EXPECT_EQ(ended.status, JobStatus::kCompleted) << ended.message;
  EXPECT_TRUE(Scratch().empty());
  ASSERT_TRUE(app.manager_.Health().last_drill);
  EXPECT_TRUE(app.manager_.Health().last_drill->ok);
}

// Another process verifies backups of this database.
TEST_F(ManagerDrillTest, BusyMeansPostponedAndNoAlarm) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 100);
  app.Create();
  auto lock = FileSystem::Posix()->Lock(RecordsFolder() + "/verify.lock");
  ASSERT_TRUE(lock.ok()) << lock.status().ToString();
  const std::string id = SubmitDrill(&app);
  ASSERT_TRUE(Until([&] {
    const auto job = app.manager_.FindJob(id);
    return job->status == JobStatus::kPending && job->code == StatusCode::kBusy;
  }));
  EXPECT_TRUE(app.manager_.Health().reasons.empty());
  EXPECT_FALSE(app.manager_.Health().last_drill);
  lock->reset();
  const Job job = End(&app, id);
  EXPECT_EQ(job.status, JobStatus::kCompleted) << job.message;
  EXPECT_EQ(job.attempts, 1u) << "a postponed attempt does not count";
}

// --- the schedule

class DrillScheduleTest : public ManagerDrillTest {
 protected:
  DrillScheduleTest() {
    options_.schedule.enabled = true;
    options_.schedule.interval = hours(24 * 30);
    options_.schedule.drill = "0 3 * * *";
    options_.schedule.time_zone = "UTC";
  }
  // Lets the clock pass in steps that a schedule can follow.
  void AdvanceTo(const std::string& time) {
    const Time end = *ParseTime(time);
    while (clock_.Now() < end) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(end - clock_.Now());
      clock_.Advance(std::min<std::chrono::milliseconds>(minutes(30), left));
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }

  FakeClock clock_;  // 2024-12-27T12:00:00Z
};

TEST_F(DrillScheduleTest, RunsAtItsTimesAndAgainOfTheSameBackup) {
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  AdvanceTo("2024-12-28T03:30:00Z");
  EXPECT_EQ(
      app.manager_
          .ListJobs({.type = JobType::kDrill, .status = JobStatus::kFailed})
          ->size(),
      0u)
      << "there is no backup yet, which is no failure of a drill";
  app.Put(0, 10);
  app.Create();
  AdvanceTo("2024-12-29T03:00:00Z");
  ASSERT_TRUE(
      Until([&] { return app.manager_.Health().last_drill.has_value(); }));
  const Time first = app.manager_.Health().last_drill->at;
  AdvanceTo("2024-12-30T03:00:00Z");
  EXPECT_TRUE(
      Until([&] { return app.manager_.Health().last_drill->at > first; }));
  for (const Job& job : *app.manager_.ListJobs({.type = JobType::kDrill})) {
    EXPECT_EQ(job.request.trigger, "scheduled");
  }
}

// Drills that wait are no alarm, until two of them are missing.
TEST_F(DrillScheduleTest, MissingOnesAreAReasonInTheEnd) {
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  app.Create();
  AdvanceTo("2024-12-28T03:00:00Z");
  ASSERT_TRUE(Until([&] { return Drills(&app, JobStatus::kCompleted) == 1; }));
  auto lock = FileSystem::Posix()->Lock(RecordsFolder() + "/verify.lock");
  ASSERT_TRUE(lock.ok()) << lock.status().ToString();
  AdvanceTo("2024-12-30T03:05:00Z");
  EXPECT_TRUE(app.manager_.Health().reasons.empty()) << "it may still run";
  AdvanceTo("2024-12-30T03:11:00Z");
  ASSERT_EQ(app.manager_.Health().reasons.size(), 1u);
  EXPECT_EQ(app.manager_.Health().reasons[0].text.rfind(
                "no drill has succeeded since 2024-12-28T03:00:0", 0),
            0u)
      << app.manager_.Health().reasons[0].text;
  lock->reset();
  EXPECT_TRUE(Until([&] {
    clock_.Advance(seconds(2));
    return app.manager_.Health().reasons.empty();
  }));
}

// The next process begins it again, and nothing of the first one stays.
TEST_F(DrillScheduleTest, AStopOfTheProcessEndsItForNow) {
  Block();
  {
    App app(options_, &clock_);
    ASSERT_TRUE(app.Start().ok());
    app.Put(0, 10);
    app.Create();
    AdvanceTo("2024-12-28T03:00:00Z");
    ASSERT_TRUE(Until([&] { return Runs() == 1; }));
  }
  EXPECT_TRUE(Scratch().empty());
  Allow();
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  EXPECT_EQ(Drills(&app, JobStatus::kPending), 1u);
  EXPECT_FALSE(app.manager_.Health().last_drill);
  EXPECT_TRUE(Until([&] {
    clock_.Advance(seconds(10));
    return Drills(&app, JobStatus::kCompleted) == 1;
  }));
}

// A drill that hangs is stopped and has failed; it is not tried again.
TEST_F(DrillScheduleTest, OneThatHangsIsStopped) {
  options_.retries.drill_timeout = 3600;
  Block();
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  app.Create();
  AdvanceTo("2024-12-28T03:00:00Z");
  ASSERT_TRUE(Until([&] { return Runs() == 1; }));
  EXPECT_TRUE(Until([&] {
    clock_.Advance(minutes(10));
    return Drills(&app, JobStatus::kFailed) == 1;
  }));
  const Job job = app.manager_.ListJobs({.type = JobType::kDrill})->front();
  EXPECT_EQ(job.attempts, 1u);
  EXPECT_NE(job.hint.find("DRILL_TIMEOUT"), std::string::npos) << job.hint;
  ASSERT_EQ(app.manager_.Health().reasons.size(), 1u);
  EXPECT_NE(app.manager_.Health().reasons[0].text.find(
                "not checked: the drill made no progress"),
            std::string::npos)
      << app.manager_.Health().reasons[0].text;
  EXPECT_TRUE(Scratch().empty());
}

}  // namespace
}  // namespace levelkeep::test
