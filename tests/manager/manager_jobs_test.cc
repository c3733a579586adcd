// Jobs as an embedding application sees them.

#include <filesystem>
#include <future>

#include "manager/manager_fixture.h"
#include "support/fake_clock.h"

namespace levelkeep::test {
namespace {

class ManagerJobsTest : public ManagerFixture {
 protected:
  static std::string Submit(App* app, const JobRequest& request) {
    const auto id = app->manager_.SubmitJob(request);
    EXPECT_TRUE(id.ok()) << id.status().ToString();
    return id.ok() ? *id : "";
  }
  static Job End(App* app, const std::string& id) {
    const auto job = app->manager_.WaitForJob(id);
    EXPECT_TRUE(job.ok()) << job.status().ToString();
    return job.ok() ? *job : Job();
  }
};

TEST_F(ManagerJobsTest, EachVerbIsAJobAndIsRemembered) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.EnableLiveRestore();
  app.Put(0, 10);
  std::vector<std::string> heard;
  Mutex mutex;
  app.manager_.AddJobListener([&](const Job& job) {
    MutexLock lock(&mutex);
    if (job.has_ended()) heard.push_back(JobTypeName(job.request.type));
  });
  const Job create = End(&app, Submit(&app, {.label = "first"}));
  EXPECT_EQ(create.status, JobStatus::kCompleted) << create.message;
  const std::string name = create.result.at("backup");
  EXPECT_EQ(app.manager_.FindBackup(name)->label, "first");
  const Job verify =
      End(&app, Submit(&app, {.type = JobType::kVerify, .backup = "latest"}));
  EXPECT_EQ(verify.status, JobStatus::kCompleted) << verify.message;
  EXPECT_EQ(verify.request.backup, name) << "the name is fixed at Submit";
  EXPECT_EQ(app.manager_.FindBackup(name)->status, BackupStatus::kVerified);
  app.Put(10, 20);
  const Job restore =
      End(&app, Submit(&app, {.type = JobType::kRestore, .backup = name}));
  EXPECT_EQ(restore.status, JobStatus::kCompleted) << restore.message;
  EXPECT_EQ(app.Count(), 10);
  const Job undo = End(&app, Submit(&app, {.type = JobType::kUndo}));
  EXPECT_EQ(undo.status, JobStatus::kCompleted) << undo.message;
  EXPECT_EQ(app.Count(), 20);
  const Job rotate = End(&app, Submit(&app, {.type = JobType::kRotate}));
  EXPECT_EQ(rotate.message, "0 backups were removed");
  const Job refused =
      End(&app, Submit(&app, {.type = JobType::kDelete, .backup = name}));
  EXPECT_EQ(refused.code, StatusCode::kRefused) << "the last verified backup";
  EXPECT_EQ(End(&app, Submit(&app, {.type = JobType::kDelete,
                                    .backup = name,
                                    .force = true}))
                .status,
            JobStatus::kCompleted);
  app.Create();  // also a job, without Submit
  const auto jobs = app.manager_.ListJobs();
  ASSERT_TRUE(jobs.ok());
  EXPECT_EQ(jobs->size(), 8u);
  EXPECT_EQ(app.manager_.ListJobs({.limit = 2})->size(), 2u);
  MutexLock lock(&mutex);
  EXPECT_EQ(heard,
            (std::vector<std::string>{"create", "verify", "restore", "undo",
                                      "rotate", "delete", "delete", "create"}));
}

TEST_F(ManagerJobsTest, TheNextProcessKnowsThem) {
  std::string id;
  {
    App app(options_);
    ASSERT_TRUE(app.Start().ok());
    app.Put(0, 10);
    id = Submit(&app, {});
    End(&app, id);
  }
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  const auto job = app.manager_.FindJob(id);
  ASSERT_TRUE(job.ok()) << job.status().ToString();
  EXPECT_EQ(job->status, JobStatus::kCompleted);
  EXPECT_EQ(app.manager_.CancelJob(id).code(), StatusCode::kBusy);
  EXPECT_EQ(app.manager_.FindJob("nonsense").status().code(),
            StatusCode::kNotFound);
}

// The backup is asked for while no database is attached, and is made when one
// is attached.
TEST_F(ManagerJobsTest, ACreateWaitsForADatabaseAlsoInTheNextProcess) {
  std::string id;
  {
    App app(options_);
    ASSERT_TRUE(app.Start().ok());
    app.Put(0, 10);
    ASSERT_TRUE(app.Close().ok());
    id = Submit(&app, {.label = "later"});
    EXPECT_EQ(app.manager_.FindJob(id)->status, JobStatus::kPending);
  }
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  EXPECT_EQ(End(&app, id).status, JobStatus::kCompleted);
  EXPECT_EQ(app.manager_.ListBackups()->front().label, "later");
}

TEST_F(ManagerJobsTest, BadRequestsAreRefusedAtOnce) {
  App app(options_);
  EXPECT_EQ(app.manager_.SubmitJob({}).status().code(),
            StatusCode::kInvalidArgument)
      << "not initialized";
  ASSERT_TRUE(app.Start().ok());
  const struct {
    JobRequest request;
    StatusCode code;
  } kRows[] = {
      {{.label = "a/b"}, StatusCode::kInvalidArgument},
      {{.type = JobType::kVerify, .backup = "latest"}, StatusCode::kNotFound},
      {{.type = JobType::kRestore, .backup = "latest"}, StatusCode::kNotFound},
      {{.type = JobType::kUndo}, StatusCode::kNotFound},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(app.manager_.SubmitJob(row.request).status().code(), row.code)
        << JobTypeName(row.request.type);
  }
  EXPECT_TRUE(app.manager_.ListJobs()->empty());
}

TEST_F(ManagerJobsTest, WhatIsDoneAlreadyIsNotDoneAgainIfNeededOnly) {
  options_.verification.after_backup = true;
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  const JobRequest create = {.if_needed = true, .trigger = "hourly"};
  const Job made = End(&app, Submit(&app, create));
  ASSERT_EQ(made.attempts, 1u);
  const std::string name = made.result.at("backup");
  EXPECT_EQ(app.manager_.FindBackup(name)->trigger, "hourly");
  const Job again = End(&app, Submit(&app, create));
  EXPECT_EQ(again.status, JobStatus::kCompleted);
  EXPECT_EQ(again.attempts, 0u);
  EXPECT_EQ(End(&app, Submit(&app, {.trigger = "scheduled"})).attempts, 1u)
      << "a trigger decides nothing";
  app.Put(10, 20);
  EXPECT_EQ(End(&app, Submit(&app, create)).attempts, 1u);

  JobRequest verify = {
      .type = JobType::kVerify, .backup = name, .if_needed = true};
  End(&app, Submit(&app, verify));
  EXPECT_EQ(End(&app, Submit(&app, verify)).attempts, 0u);
  verify.if_needed = false;
  EXPECT_EQ(End(&app, Submit(&app, verify)).attempts, 1u);
}

// When the close hook is called, the exchange has begun.
TEST_F(ManagerJobsTest, ARestorePastItsExchangeCannotBeCancelled) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  const std::string name = app.Create().name;
  app.Put(10, 20);
  Status cancelled;
  app.manager_.SetRestoreHooks(
      {[&] {
         cancelled = app.manager_.CancelJob(
             app.manager_.ListJobs({.limit = 1})->front().id);
         return app.Close();
       },
       [&] { return app.Open(); }});
  const Job restore =
      End(&app, Submit(&app, {.type = JobType::kRestore, .backup = name}));
  EXPECT_EQ(restore.status, JobStatus::kCompleted) << restore.message;
  EXPECT_EQ(cancelled.code(), StatusCode::kBusy);
  EXPECT_EQ(app.Count(), 10);
}

TEST_F(ManagerJobsTest, ACancelledBackupLeavesNothing) {
  options_.resources.rate_limit_bytes_per_second = 10'000;
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 2000);
  const std::string id = Submit(&app, {});
  ASSERT_TRUE(app.manager_.CancelJob(id).ok());
  EXPECT_EQ(End(&app, id).status, JobStatus::kCancelled);
  EXPECT_TRUE(app.manager_.ListBackups()->empty());
  EXPECT_TRUE(LeftOvers().empty());
}

TEST_F(ManagerJobsTest, AfterStopJobsNothingBegins) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  app.manager_.StopJobs();
  EXPECT_EQ(app.manager_.CreateBackup({}).status().code(),
            StatusCode::kCancelled);
  EXPECT_EQ(app.manager_.SubmitJob({}).status().code(), StatusCode::kCancelled);
}

// The two retries come thirty seconds apart, or an interval apart where that is
// shorter. Then the schedule goes on.
TEST_F(ManagerJobsTest, AFailedScheduledBackupIsTriedTwiceMore) {
  using std::chrono::seconds;
  for (const seconds interval : {seconds(120), seconds(10)}) {
    FakeClock clock;
    std::filesystem::remove_all(options_.storage_dir);
    std::filesystem::remove_all(options_.backup_dir);
    options_.schedule.enabled = true;
    options_.schedule.interval = interval;
    options_.resources.reserve_bytes = uint64_t{1} << 60;
    App app(options_, &clock);
    ASSERT_TRUE(app.Start().ok());
    app.Put(0, 10);
    const auto last = [&] {
      const auto jobs = app.manager_.ListJobs({.limit = 1});
      return jobs.ok() && !jobs->empty() ? jobs->front() : Job();
    };
    const auto until = [&](auto condition) {
      for (int i = 0; i < 100'000 && !condition(); ++i) {
        // No time passes during an attempt.
        if (last().status != JobStatus::kInProgress) clock.Advance(seconds(1));
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      return condition();
    };
    ASSERT_TRUE(until([&] { return last().attempts == 1; }));
    const std::string id = last().id;
    const auto first = [&] { return *app.manager_.FindJob(id); };
    ASSERT_TRUE(until([&] { return first().not_before.has_value(); }));
    EXPECT_LE(*first().not_before - *first().started,
              std::min(interval, seconds(30)) + seconds(5));
    ASSERT_TRUE(until([&] { return first().has_ended(); }));
    EXPECT_EQ(first().attempts, 3u);
    EXPECT_EQ(first().code, StatusCode::kNoSpace);
    EXPECT_EQ(first().request.trigger, "scheduled");
    EXPECT_TRUE(app.manager_.Health().next_run.has_value());
    EXPECT_TRUE(until([&] { return last().id != id; })) << "the next run";
  }
}

// Backups are made also where their jobs can't be recorded.
TEST_F(ManagerJobsTest, WhatIsInTheWayOfRecordsIsNotInTheWayOfBackups) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  for (const auto& entry : std::filesystem::directory_iterator(
           options_.backup_dir + "/.levelkeep/databases")) {
    std::filesystem::remove_all(entry.path() / "jobs");
    WriteFile(entry.path().string() + "/jobs", "in the way");
  }
  EXPECT_FALSE(app.Create().name.empty());
  EXPECT_EQ(app.manager_.ListBackups()->size(), 1u);
}

}  // namespace
}  // namespace levelkeep::test
