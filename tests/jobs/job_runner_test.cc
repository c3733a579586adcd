// Callers that wait for their job: Run.

#include "jobs/job_runner.h"

#include <future>

#include "jobs/runner_fixture.h"

namespace levelkeep {
namespace {

using enum JobType;

class JobRunnerTest : public test::RunnerFixture {
 protected:
  // Calls Run on a thread of its own.
  std::future<JobOutcome> Call(JobType type, const std::string& label,
                               const JobTerms& terms = {}) {
    return std::async(std::launch::async, [this, type, label, terms] {
      return runner_->Run(Request(type, label), terms);
    });
  }
  std::future<JobOutcome> CallWithPatience(JobType type,
                                           const std::string& label) {
    const int before = Waiting();
    auto call = Call(type, label, {.patience = std::chrono::hours(1)});
    EXPECT_TRUE(Until([&] { return Waiting() > before; }));
    return call;
  }
};

TEST_F(JobRunnerTest, RunsOnTheCallersThreadAndReturnsItsValue) {
  LetAllGoOn();
  std::thread::id thread;
  EndsAs("one", [&](const JobRun& run) {
    thread = std::this_thread::get_id();
    run.work.Report(1, 2);
    return JobOutcome{Status::Ok(), "done", {}, std::string("the value")};
  });
  double progress = 0;
  const auto value = runner_->RunFor<std::string>(
      Request(kCreate, "one"),
      {.progress = [&](double part) { progress = part; }});
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(*value, "the value");
  EXPECT_EQ(thread, std::this_thread::get_id());
  EXPECT_EQ(progress, 0.5);
  const auto jobs = runner_->List({.limit = 10});
  ASSERT_EQ(jobs->size(), 1u);
  EXPECT_EQ(jobs->front().status, JobStatus::kCompleted);
  EXPECT_EQ(store_->Find(jobs->front().id)->message, "done");
}

TEST_F(JobRunnerTest, TheSecondIsToldWhatRuns) {
  auto first = Call(kCreate, "first");
  ASSERT_TRUE(HasBegun("first"));
  EXPECT_EQ(runner_->Running(), JobType::kCreate);
  const Status busy = runner_->Run(Request(kRotate, "second"), {}).status;
  EXPECT_EQ(busy.code(), StatusCode::kBusy);
  EXPECT_TRUE(busy.message().starts_with(
      "a backup has been running since 2024-12-27T12:00:00"))
      << busy.message();
  EXPECT_EQ(runner_->Judge(kRestore).code(), StatusCode::kBusy);
  EXPECT_TRUE(runner_->Judge(kVerify).ok());
  LetAllGoOn();
  EXPECT_TRUE(first.get().status.ok());
  EXPECT_EQ(runner_->Running(), std::nullopt);
  EXPECT_EQ(runner_->List({.limit = 10})->size(), 1u)
      << "a refused request is no job";
}

TEST_F(JobRunnerTest, AVerificationRunsBesideABackup) {
  auto first = Call(kCreate, "backup");
  ASSERT_TRUE(HasBegun("backup"));
  auto second = Call(kVerify, "verification");
  EXPECT_TRUE(HasBegun("verification"));
  LetAllGoOn();
  EXPECT_TRUE(first.get().status.ok());
  EXPECT_TRUE(second.get().status.ok());
}

TEST_F(JobRunnerTest, TheCallersStopReachesTheJob) {
  std::stop_source stop;
  auto call = Call(kVerify, "one", {.stop = stop.get_token()});
  ASSERT_TRUE(HasBegun("one"));
  stop.request_stop();
  EXPECT_EQ(call.get().status.code(), StatusCode::kCancelled);
  EXPECT_EQ(runner_->List({.limit = 1})->front().status, JobStatus::kCancelled);
}

TEST_F(JobRunnerTest, ACallerWaitsForItsTurn) {
  auto first = Call(kCreate, "first");
  ASSERT_TRUE(HasBegun("first"));
  auto second = CallWithPatience(kCreate, "second");
  auto third = CallWithPatience(kCreate, "third");
  LetGoOn("first");
  ASSERT_TRUE(HasBegun("second"));
  EXPECT_EQ(Begun().size(), 2u);
  LetAllGoOn();
  EXPECT_TRUE(second.get().status.ok());
  EXPECT_TRUE(third.get().status.ok());
}

TEST_F(JobRunnerTest, NoMoreWaitThanThereArePlaces) {
  auto first = Call(kCreate, "first");
  ASSERT_TRUE(HasBegun("first"));
  auto second = CallWithPatience(kCreate, "second");
  const Status full =
      runner_
          ->Run(Request(kCreate, "third"),
                {.patience = std::chrono::hours(1), .places = 1})
          .status;
  EXPECT_EQ(full.code(), StatusCode::kBusy);
  LetAllGoOn();
  EXPECT_TRUE(second.get().status.ok());
}

TEST_F(JobRunnerTest, PatienceEnds) {
  auto first = Call(kCreate, "first");
  ASSERT_TRUE(HasBegun("first"));
  const Status busy = runner_
                          ->Run(Request(kCreate, "second"),
                                {.patience = std::chrono::milliseconds(20)})
                          .status;
  EXPECT_EQ(busy.code(), StatusCode::kBusy);
  LetAllGoOn();
}

TEST_F(JobRunnerTest, AWaitEndsByAStopACancelAndAClose) {
  for (const std::string way : {"stop", "cancel", "suspend", "close"}) {
    SCOPED_TRACE(way);
    Restart();
    auto first = Call(kRotate, "rotation " + way);
    ASSERT_TRUE(HasBegun("rotation " + way));
    std::stop_source stop;
    auto second =
        Call(kCreate, "backup",
             {.stop = stop.get_token(), .patience = std::chrono::hours(1)});
    ASSERT_TRUE(Until([&] { return Waiting() == 1; }));
    if (way == "stop") stop.request_stop();
    if (way == "cancel") {
      for (const Job& job : *runner_->List({.limit = 10})) {
        if (job.request.type == kCreate) {
          EXPECT_TRUE(runner_->Cancel(job.id).ok());
        }
      }
    }
    if (way == "suspend") runner_->Suspend(kCreate);
    if (way == "close") runner_->StopAll();
    EXPECT_EQ(second.get().status.code(), StatusCode::kCancelled);
    LetGoOn("rotation " + way);
    first.wait();
  }
}

// The hooks of a restore suspend the jobs that use the database. A create that
// waits for the restore must not be cancelled by that.
TEST_F(JobRunnerTest, WhoWaitsForARestoreGoesOnWaiting) {
  auto restore = Call(kRestore, "restore");
  ASSERT_TRUE(HasBegun("restore"));
  auto create = CallWithPatience(kCreate, "backup");
  runner_->Suspend(kCreate);
  LetAllGoOn();
  EXPECT_TRUE(create.get().status.ok());
  EXPECT_TRUE(restore.get().status.ok());
}

TEST_F(JobRunnerTest, SuspendReturnsWhenTheJobHasEnded) {
  auto create = Call(kCreate, "backup");
  ASSERT_TRUE(HasBegun("backup"));
  runner_->Suspend(kCreate);
  EXPECT_EQ(runner_->Running(), std::nullopt);
  EXPECT_EQ(create.get().status.code(), StatusCode::kCancelled);
  runner_->Suspend(kCreate);  // no such job is left
}

TEST_F(JobRunnerTest, SuspendWaitsForItsOwnTypeOnly) {
  auto verification = Call(kVerify, "verification");
  ASSERT_TRUE(HasBegun("verification"));
  auto create = Call(kCreate, "backup");
  ASSERT_TRUE(HasBegun("backup"));
  runner_->Suspend(kCreate);
  EXPECT_EQ(runner_->Running(), kVerify);
  EXPECT_EQ(create.get().status.code(), StatusCode::kCancelled);
  LetAllGoOn();
  EXPECT_TRUE(verification.get().status.ok());
}

// The job's turn may come before its caller has noticed the cancellation.
TEST_F(JobRunnerTest, ACancelledCallerDoesNotBegin) {
  auto first = Call(kRotate, "first");
  ASSERT_TRUE(HasBegun("first"));
  auto second = CallWithPatience(kRestore, "second");
  for (const Job& job : *runner_->List({.limit = 10})) {
    if (job.request.type == kRestore) {
      EXPECT_TRUE(runner_->Cancel(job.id).ok());
    }
  }
  LetAllGoOn();
  first.wait();
  EXPECT_EQ(second.get().status.code(), StatusCode::kCancelled);
  EXPECT_EQ(Begun(), std::vector<std::string>{"first"});
}

TEST_F(JobRunnerTest, ARestoreStopsAVerificationAndWaitsForItsEnd) {
  EndsAs("verification", [](const JobRun& run) {
    EXPECT_TRUE(run.is_displaced());
    return JobOutcome{Status(StatusCode::kCancelled, "stopped on request")};
  });
  auto verification = Call(kVerify, "verification");
  ASSERT_TRUE(HasBegun("verification"));
  EXPECT_TRUE(runner_->Judge(kRestore).ok());
  auto restore = Call(kRestore, "restore");
  EXPECT_EQ(verification.get().status.code(), StatusCode::kCancelled);
  ASSERT_TRUE(HasBegun("restore"));
  LetAllGoOn();
  EXPECT_TRUE(restore.get().status.ok());
}

TEST_F(JobRunnerTest, ACommittedRestoreCannotBeCancelled) {
  EndsAs("restore", [&](const JobRun& run) {
    EXPECT_TRUE(run.work.Commit().ok());
    const std::string id = runner_->List({.limit = 1})->front().id;
    const Status refused = runner_->Cancel(id);
    EXPECT_EQ(refused.code(), StatusCode::kBusy);
    EXPECT_TRUE(
        refused.message().starts_with("a restore can't be cancelled any more"))
        << refused.message();
    runner_->StopAll();
    EXPECT_FALSE(run.work.stop.stop_requested());
    return JobOutcome{Status::Ok()};
  });
  LetAllGoOn();
  EXPECT_TRUE(runner_->Run(Request(kRestore, "restore"), {}).status.ok());
}

TEST_F(JobRunnerTest, AStoppedRestoreDoesNotCommit) {
  EndsAs("restore", [&](const JobRun& run) {
    EXPECT_TRUE(runner_->Cancel(runner_->List({.limit = 1})->front().id).ok());
    return JobOutcome{run.work.Commit()};
  });
  LetAllGoOn();
  EXPECT_EQ(runner_->Run(Request(kRestore, "restore"), {}).status.code(),
            StatusCode::kCancelled);
}

TEST_F(JobRunnerTest, AClosedRunnerStartsNothing) {
  runner_->Close();
  EXPECT_EQ(runner_->Run(Request(kCreate, "one"), {}).status.code(),
            StatusCode::kCancelled);
  EXPECT_EQ(
      runner_->Submit({.request = Request(kCreate, "one")}).status().code(),
      StatusCode::kCancelled);
  EXPECT_TRUE(Begun().empty());
}

TEST_F(JobRunnerTest, CloseStopsWhatRunsAndWaits) {
  auto create = Call(kCreate, "backup");
  auto verification = Call(kVerify, "verification");
  ASSERT_TRUE(HasBegun("backup") && HasBegun("verification"));
  runner_->Close();
  EXPECT_EQ(create.get().status.code(), StatusCode::kCancelled);
  EXPECT_EQ(verification.get().status.code(), StatusCode::kCancelled);
}

// The work matters more than the record of it.
TEST_F(JobRunnerTest, RunsAlsoWhereNoRecordCanBeWritten) {
  store_ = std::make_shared<JobStore>(FileSystem::Posix(), &clock_,
                                      dir_.Sub("missing") + "/jobs");
  LetAllGoOn();
  EXPECT_TRUE(runner_->Run(Request(kCreate, "one"), {}).status.ok());
  EXPECT_EQ(runner_->List({.limit = 10})->size(), 1u) << "the job is in memory";
}

}  // namespace
}  // namespace levelkeep
