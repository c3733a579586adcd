// Jobs in the background: Submit, restarts.

#include "jobs/job.h"
#include "jobs/runner_fixture.h"
#include "support/no_threads.h"

namespace levelkeep {
namespace {

using enum JobType;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

using JobQueueTest = test::RunnerFixture;

TEST_F(JobQueueTest, ASubmittedJobRunsAndItsEndIsKnown) {
  const std::string id = Submit(kCreate, "one");
  ASSERT_TRUE(HasBegun("one"));
  EXPECT_EQ(StatusOf(id), JobStatus::kInProgress);
  EXPECT_EQ(store_->Find(id)->status, JobStatus::kInProgress);
  LetAllGoOn();
  const Job job = End(id);
  EXPECT_EQ(job.status, JobStatus::kCompleted);
  EXPECT_EQ(job.attempts, 1u);
  EXPECT_EQ(job.progress, 1);
  EXPECT_EQ(job.message, "one is done");
  EXPECT_EQ(job.result.at("backup"), "one");
  EXPECT_TRUE(job.started && job.ended);
  EXPECT_EQ(store_->Find(id)->status, JobStatus::kCompleted);
  EXPECT_EQ(runner_->Wait("20000101-000000-000-00000000", {}).status().code(),
            StatusCode::kNotFound);
}

TEST_F(JobQueueTest, PrioritiesAndRanksDecideWhoIsNext) {
  Submit(kCreate, "first");
  ASSERT_TRUE(HasBegun("first"));
  Submit(kRotate, "rotation");
  Submit(kCreate, "low", -1);
  Submit(kCreate, "backup");
  Submit(kCreate, "urgent", 5);
  const std::string last = Submit(kRestore, "restore");
  LetAllGoOn();
  EXPECT_TRUE(HasBegun("low"));
  EXPECT_EQ(Begun(), (std::vector<std::string>{"first", "urgent", "restore",
                                               "backup", "rotation", "low"}));
  End(last);
}

// A job that came later does not pass the waiting restore.
TEST_F(JobQueueTest, AWaitingRestoreIsNotStarved) {
  Submit(kCreate, "first");
  ASSERT_TRUE(HasBegun("first"));
  Submit(kRestore, "restore");
  const std::string verification = Submit(kVerify, "verification");
  EXPECT_EQ(StatusOf(verification), JobStatus::kPending);
  const Status busy = runner_->Run(Request(kVerify, "mine"), {}).status;
  EXPECT_EQ(busy.code(), StatusCode::kBusy);
  EXPECT_EQ(busy.message(), "a restore is waiting to run");
  LetAllGoOn();
  EXPECT_TRUE(HasBegun("verification"));
  EXPECT_EQ(Begun()[1], "restore");
}

TEST_F(JobQueueTest, JobsThatAreTheSameAreJoined) {
  Submit(kCreate, "first");
  ASSERT_TRUE(HasBegun("first"));
  const auto submit = [&](const std::string& label) {
    return *runner_->Submit(
        {.request = Request(kCreate, label), .joins = true});
  };
  const std::string id = submit("second");
  EXPECT_EQ(submit("second"), id);
  EXPECT_NE(submit("third"), id);
  LetAllGoOn();
  End(id);
  EXPECT_NE(submit("second"), id) << "an ended job is not joined";
}

TEST_F(JobQueueTest, LanesRunBesideEverythingButThemselves) {
  Submit(kRestore, "restore");
  ASSERT_TRUE(HasBegun("restore"));
  const auto in_lane = [&](const std::string& label, const std::string& lane) {
    JobRequest request = Request(kCreate, label);
    request.created_by = "lane " + lane;
    return *runner_->Submit({.request = request});
  };
  in_lane("nas 1", "nas");
  const std::string second = in_lane("nas 2", "nas");
  in_lane("cloud", "cloud");
  EXPECT_TRUE(HasBegun("nas 1") && HasBegun("cloud"));
  EXPECT_EQ(StatusOf(second), JobStatus::kPending);
  LetGoOn("nas 1");
  EXPECT_TRUE(HasBegun("nas 2"));
  LetAllGoOn();
}

TEST_F(JobQueueTest, CancelEndsAJobThatWaitsAndOneThatRuns) {
  const std::string runs = Submit(kCreate, "first");
  ASSERT_TRUE(HasBegun("first"));
  const std::string waits = Submit(kCreate, "second");
  ASSERT_TRUE(runner_->Cancel(waits).ok());
  EXPECT_EQ(End(waits).status, JobStatus::kCancelled);
  EXPECT_EQ(store_->Find(waits)->status, JobStatus::kCancelled);
  ASSERT_TRUE(runner_->Cancel(runs).ok());
  EXPECT_EQ(End(runs).status, JobStatus::kCancelled);
  // The cancelled jobs are no longer in the way.
  LetAllGoOn();
  EXPECT_EQ(End(Submit(kCreate, "third")).status, JobStatus::kCompleted);
  EXPECT_EQ(runner_->Cancel(runs).code(), StatusCode::kBusy);
  EXPECT_EQ(runner_->Cancel("nonsense").code(), StatusCode::kNotFound);
  EXPECT_EQ(Begun(), (std::vector<std::string>{"first", "third"}));
}

TEST_F(JobQueueTest, AStoppedWaitReturns) {
  const std::string id = Submit(kCreate, "one");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(runner_->Wait(id, stop.get_token()).status().code(),
            StatusCode::kCancelled);
}

TEST_F(JobQueueTest, AFailedAttemptComesAgain) {
  int attempts = 0;
  EndsAs("one", [&](const JobRun& run) {
    EXPECT_EQ(run.attempt, static_cast<uint64_t>(++attempts));
    JobOutcome outcome{Status(StatusCode::kIoError, "the disk failed")};
    if (attempts < 3) outcome.again = seconds(30);
    return outcome;
  });
  LetAllGoOn();
  const std::string id = Submit(kCreate, "one");
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  Job job = *runner_->Find(id);
  EXPECT_EQ(job.status, JobStatus::kPending);
  EXPECT_EQ(job.message, "the disk failed");
  EXPECT_EQ(job.not_before, clock_.Now() + seconds(30));
  EXPECT_EQ(store_->Find(id)->attempts, 1u) << "the attempt is on disk";
  EXPECT_TRUE(UntilWithTime(seconds(1),
                            [&] { return runner_->Find(id)->has_ended(); }));
  job = End(id);
  EXPECT_EQ(job.status, JobStatus::kFailed);
  EXPECT_EQ(job.code, StatusCode::kIoError);
  EXPECT_EQ(job.attempts, 3u);
}

TEST_F(JobQueueTest, APostponedAttemptIsNotCounted) {
  int attempts = 0;
  EndsAs("one", [&](const JobRun& run) {
    EXPECT_EQ(run.attempt, 1u);
    if (++attempts == 3) return JobOutcome{Status::Ok(), "done"};
    JobOutcome outcome{Status(StatusCode::kBusy, "another process")};
    outcome.again = seconds(1);
    outcome.postponed = true;
    return outcome;
  });
  LetAllGoOn();
  const std::string id = Submit(kVerify, "one");
  EXPECT_TRUE(UntilWithTime(seconds(1),
                            [&] { return runner_->Find(id)->has_ended(); }));
  EXPECT_EQ(End(id).attempts, 1u);
}

TEST_F(JobQueueTest, AVerificationThatARestoreStoppedComesAgain) {
  const std::string id = Submit(kVerify, "verification");
  ASSERT_TRUE(HasBegun("verification"));
  LetGoOn("restore");
  EXPECT_TRUE(runner_->Run(Request(kRestore, "restore"), {}).status.ok());
  LetGoOn("verification");
  EXPECT_TRUE(UntilWithTime(milliseconds(500),
                            [&] { return runner_->Find(id)->has_ended(); }));
  EXPECT_EQ(End(id).status, JobStatus::kCompleted);
  EXPECT_EQ(Begun(), (std::vector<std::string>{"verification", "restore",
                                               "verification"}));
}

TEST_F(JobQueueTest, SuspendedJobsWait) {
  runner_->Suspend(kCreate);
  const std::string id = Submit(kCreate, "one");
  LetAllGoOn();
  EXPECT_EQ(StatusOf(id), JobStatus::kPending);
  EXPECT_TRUE(runner_->Run(Request(kCreate, "mine"), {}).status.ok())
      << "only submitted jobs wait for Resume";
  runner_->Resume(kCreate);
  EXPECT_EQ(End(id).status, JobStatus::kCompleted);
}

TEST_F(JobQueueTest, WhatIsNotNeededLeavesNoRecord) {
  needless_.insert("one");
  JobRequest request = Request(kCreate, "one");
  request.if_needed = true;
  const auto id = runner_->Submit({.request = request});
  ASSERT_TRUE(id.ok());
  EXPECT_EQ(End(*id).status, JobStatus::kCompleted);
  EXPECT_EQ(store_->Find(*id).status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(Begun().empty());
  LetAllGoOn();
  End(Submit(kCreate, "one"));
  EXPECT_EQ(Begun().size(), 1u) << "whoever asks without if_needed gets it";
}

TEST_F(JobQueueTest, ListenersHearEachChange) {
  std::vector<std::string> heard;
  Mutex mutex;
  runner_->AddListener([&](const Job& job) {
    MutexLock lock(&mutex);
    heard.push_back(job.request.label + " " + JobStatusName(job.status) + " " +
                    std::to_string(static_cast<int>(job.progress * 100)));
  });
  runner_->AddListener([](const Job&) { throw std::runtime_error("mine"); });
  EndsAs("one", [](const JobRun& run) {
    for (uint64_t done : {1, 2, 2, 50}) run.work.Report(done, 100);
    return JobOutcome{Status::Ok()};
  });
  LetAllGoOn();
  End(Submit(kCreate, "one"));
  MutexLock lock(&mutex);
  EXPECT_EQ(heard, (std::vector<std::string>{
                       "one pending 0", "one in_progress 0",
                       "one in_progress 1", "one in_progress 2",
                       "one in_progress 50", "one completed 100"}));
}

TEST_F(JobQueueTest, AListenerMaySubmitAndCancel) {
  std::string second;
  runner_->AddListener([&](const Job& job) {
    if (job.request.label == "one" && job.has_ended()) {
      second = Submit(kRotate, "two");
      EXPECT_TRUE(runner_->Cancel(second).ok());
    }
  });
  runner_->Suspend(kRotate);
  LetGoOn("one");
  End(Submit(kCreate, "one"));
  EXPECT_EQ(End(second).status, JobStatus::kCancelled);
}

// The listener hears that the job waits again, and cancels it at once.
TEST_F(JobQueueTest, AListenerMayCancelARetry) {
  runner_->AddListener([&](const Job& job) {
    if (job.not_before) {
      EXPECT_TRUE(runner_->Cancel(job.id).ok());
    }
  });
  EndsAs("one", [](const JobRun&) {
    JobOutcome outcome{Status(StatusCode::kIoError, "the disk failed")};
    outcome.again = seconds(30);
    return outcome;
  });
  LetAllGoOn();
  EXPECT_EQ(End(Submit(kCreate, "one")).status, JobStatus::kCancelled);
}

TEST_F(JobQueueTest, AJobThatMustBeRecordedIsRefusedIfItCannotBe) {
  Submit(kCreate, "first");
  ASSERT_TRUE(HasBegun("first"));
  std::vector<JobStatus> heard;
  runner_->AddListener([&](const Job& job) {
    if (job.request.label == "second") heard.push_back(job.status);
  });
  store_ = std::make_shared<JobStore>(FileSystem::Posix(), &clock_,
                                      dir_.Sub("missing") + "/jobs");
  const auto refused = runner_->Submit(
      {.request = Request(kCreate, "second"), .must_be_recorded = true});
  EXPECT_EQ(refused.status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(heard.empty()) << "there was no such job";
  store_ = nullptr;
  EXPECT_EQ(runner_
                ->Submit({.request = Request(kCreate, "fourth"),
                          .must_be_recorded = true})
                .status()
                .code(),
            StatusCode::kRefused);
  const std::string third = Submit(kCreate, "third");
  LetAllGoOn();
  End(third);
  EXPECT_EQ(Begun(), (std::vector<std::string>{"first", "third"}));
}

// A record can't be written for a while, as on a full disk.
TEST_F(JobQueueTest, AnEndThatCouldNotBeRecordedIsRecordedLater) {
  const std::string first = Submit(kCreate, "first");
  ASSERT_TRUE(HasBegun("first"));
  std::filesystem::rename(folder_, folder_ + " away");
  test::WriteFile(folder_, "in the way");
  LetAllGoOn();
  EXPECT_EQ(End(first).status, JobStatus::kCompleted);
  std::filesystem::remove(folder_);
  std::filesystem::rename(folder_ + " away", folder_);
  EXPECT_EQ(store_->Find(first)->status, JobStatus::kInProgress);
  End(Submit(kCreate, "second"));
  EXPECT_EQ(store_->Find(first)->status, JobStatus::kCompleted);
}

// The operator may limit the number of threads. The job waits until there is
// a thread for it.
TEST_F(JobQueueTest, WithoutAThreadAJobWaits) {
  LetAllGoOn();
  End(Submit(kRotate, "before"));  // starts the time keeper's thread
  std::string id;
  {
    const test::NoThreads none;
    id = Submit(kCreate, "one");
    EXPECT_EQ(StatusOf(id), JobStatus::kPending);
  }
  EXPECT_TRUE(UntilWithTime(seconds(1),
                            [&] { return runner_->Find(id)->has_ended(); }));
}

// --- restarts

TEST_F(JobQueueTest, AfterARestartWhatWaitedRunsAndWhatRanHasFailed) {
  const std::string ran = Submit(kCreate, "ran");
  ASSERT_TRUE(HasBegun("ran"));
  std::map<std::string, std::string> waiting;
  for (const JobType type : {kCreate, kRestore, kUndo, kRotate, kDelete}) {
    waiting[JobTypeName(type)] = Submit(type, JobTypeName(type));
  }
  LetGoOn("create");
  LetGoOn("rotate");
  RestartAfterAKill();
  EXPECT_EQ(End(waiting["create"]).status, JobStatus::kCompleted);
  EXPECT_EQ(End(waiting["rotate"]).status, JobStatus::kCompleted);
  for (const char* type : {"restore", "undo", "delete"}) {
    const Job job = *runner_->Find(waiting[type]);
    EXPECT_EQ(job.status, JobStatus::kFailed) << type;
    EXPECT_NE(job.message.find("does not survive a restart"), std::string::npos)
        << job.message;
    EXPECT_EQ(store_->Find(job.id)->status, JobStatus::kFailed);
  }
  const Job failed = *runner_->Find(ran);
  EXPECT_EQ(failed.status, JobStatus::kFailed);
  EXPECT_EQ(failed.message,
            "interrupted: the process ended before the job's end was recorded");
  Restart();
  // Sorted: the ids are all of one millisecond, so that their random part
  // decided about the order.
  std::vector<std::string> begun = Begun();
  std::sort(begun.begin(), begun.end());
  EXPECT_EQ(begun, (std::vector<std::string>{"create", "ran", "rotate"}))
      << "each job began once";
}

// The pause of a job goes on after a restart. A clock that was set back does
// not stretch it for ever.
TEST_F(JobQueueTest, APauseSurvivesARestart) {
  const auto id =
      runner_->Submit({.request = Request(kCreate, "one"), .delay = hours(2)});
  ASSERT_TRUE(id.ok());
  clock_.Advance(hours(1));
  LetAllGoOn();
  Restart();
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  EXPECT_EQ(StatusOf(*id), JobStatus::kPending);
  EXPECT_TRUE(UntilWithTime(minutes(1),
                            [&] { return runner_->Find(*id)->has_ended(); }));
}

TEST_F(JobQueueTest, AnotherProcessKeepsItsJobs) {
  const std::string id = Submit(kCreate, "one");
  ASSERT_TRUE(HasBegun("one"));
  const auto other_store = std::make_shared<JobStore>(
      FileSystem::Posix(), &clock_, dir_.Sub("jobs"));
  JobRunner other(&clock_, {}, [&](const JobRequest&) { return other_store; });
  ASSERT_TRUE(other.TakeUp(other_store).ok());
  EXPECT_EQ(other.Find(id)->status, JobStatus::kInProgress);
  EXPECT_EQ(other.Cancel(id).code(), StatusCode::kBusy);
  EXPECT_EQ(other.Wait(id, {}).status().code(), StatusCode::kBusy);
  LetAllGoOn();
  End(id);
  EXPECT_EQ(other.Wait(id, {})->status, JobStatus::kCompleted);
}

}  // namespace
}  // namespace levelkeep
