// Jobs that do not succeed at once: retries, jobs without progress, jobs that
// end their process; and requests that are sent twice.

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

#include "jobs/job.h"
#include "jobs/runner_fixture.h"

namespace levelkeep {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class JobPolicyTest : public test::RunnerFixture {
 protected:
  void Set(JobType type, JobPolicy policy) {
    policies_[type] = std::move(policy);
    Restart();
  }
  // Lets time go on until the condition holds.
  template <typename Condition>
  bool WithTime(seconds step, Condition condition) {
    return Until([&] {
      clock_.Advance(step);
      return condition();
    });
  }
  bool Ended(const std::string& id) { return runner_->Find(id)->has_ended(); }
};

TEST_F(JobPolicyTest, AFailedJobIsTriedAgainAsOftenAsThePolicySays) {
  Set(JobType::kCreate, {.retries = 2, .retry_delay = seconds(30)});
  EndsAs("one", [](const JobRun&) {
    return JobOutcome{Status(StatusCode::kIoError, "the disk failed")};
  });
  LetAllGoOn();
  const std::string id = Submit(JobType::kCreate, "one");
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  EXPECT_EQ(runner_->Find(id)->not_before, clock_.Now() + seconds(30));
  ASSERT_TRUE(WithTime(seconds(5), [&] { return Ended(id); }));
  EXPECT_EQ(End(id).status, JobStatus::kFailed);
  EXPECT_EQ(End(id).attempts, 3u);
}

TEST_F(JobPolicyTest, WhatCannotSucceedLaterIsNotTriedAgain) {
  Set(JobType::kCreate, {.retries = 2});
  EndsAs("one", [](const JobRun&) {
    return JobOutcome{Status(StatusCode::kInvalidArgument, "no such thing")};
  });
  LetAllGoOn();
  const Job job = End(Submit(JobType::kCreate, "one"));
  EXPECT_EQ(job.status, JobStatus::kFailed);
  EXPECT_EQ(job.attempts, 1u);
}

// The limit is on silence, not on length: a job that reports runs for hours.
TEST_F(JobPolicyTest, OnlyAJobWithoutProgressIsStopped) {
  Set(JobType::kCreate,
      {.quiet_limit = minutes(5), .quiet_setting = "BACKUP_TIMEOUT"});
  EndsAs("slow", [&](const JobRun& run) {
    for (uint64_t hour = 1; hour <= 100; ++hour) {
      clock_.Advance(minutes(4));
      run.work.Report(hour, 100);
      if (run.work.stop.stop_requested()) break;
    }
    return JobOutcome{run.work.stop.stop_requested()
                          ? Status(StatusCode::kCancelled, "stopped")
                          : Status::Ok()};
  });
  LetGoOn("slow");
  EXPECT_EQ(End(Submit(JobType::kCreate, "slow")).status,
            JobStatus::kCompleted);

  const std::string id = Submit(JobType::kCreate, "hangs");
  ASSERT_TRUE(HasBegun("hangs"));
  ASSERT_TRUE(WithTime(seconds(30), [&] { return Ended(id); }));
  const Job job = End(id);
  EXPECT_EQ(job.status, JobStatus::kFailed);
  EXPECT_EQ(job.code, StatusCode::kIoError);
  EXPECT_EQ(job.message, "a backup made no progress for 300 s and was stopped");
}

// The slot of a job that was stopped is free: the next job begins.
TEST_F(JobPolicyTest, AfterAJobWithoutProgressTheNextOneRuns) {
  Set(JobType::kCreate,
      {.retries = 1, .retry_delay = seconds(30), .quiet_limit = minutes(5)});
  const std::string id = Submit(JobType::kCreate, "hangs");
  ASSERT_TRUE(HasBegun("hangs"));
  const std::string next = Submit(JobType::kRotate, "next");
  LetGoOn("next");
  ASSERT_TRUE(WithTime(seconds(30), [&] { return Ended(next); }));
  ASSERT_TRUE(WithTime(seconds(30), [&] { return Ended(id); }));
  EXPECT_EQ(End(id).attempts, 2u) << "a retry begins when the first has ended";
  EXPECT_EQ(End(next).status, JobStatus::kCompleted);
}

TEST_F(JobPolicyTest, AJobOfACallerIsStoppedToo) {
  Set(JobType::kCreate, {.quiet_limit = minutes(5)});
  JobOutcome outcome;
  std::jthread caller(
      [&] { outcome = runner_->Run(Request(JobType::kCreate, "hangs"), {}); });
  ASSERT_TRUE(HasBegun("hangs"));
  ASSERT_TRUE(WithTime(seconds(30), [&] { return !runner_->Running(); }));
  caller.join();
  EXPECT_EQ(outcome.status.code(), StatusCode::kIoError);
}

// A job that ends its process does not do so at each start.
TEST_F(JobPolicyTest, AnInterruptedJobIsBegunAgainACountedNumberOfTimes) {
  Set(JobType::kVerify, {.interruptions = 2});
  JobRequest request = Request(JobType::kVerify, "kills");
  request.if_needed = true;
  const std::string id = *runner_->Submit({.request = request});
  for (size_t attempt = 1; attempt <= 3; ++attempt) {
    ASSERT_TRUE(HasBegun("kills", attempt));
    ASSERT_TRUE(Until([&] { return store_->Find(id)->attempts == attempt; }));
    RestartAfterAKill();
  }
  const Job job = *runner_->Find(id);
  EXPECT_EQ(job.status, JobStatus::kFailed);
  EXPECT_EQ(job.message,
            "interrupted: the process ended before the job's end was recorded, "
            "3 times; the job is not begun again");
  EXPECT_EQ(store_->Find(id)->status, JobStatus::kFailed);
  RestartAfterAKill();
  EXPECT_EQ(Begun().size(), 3u);
}

// --- keys

class JobKeyTest : public JobPolicyTest {
 protected:
  Result<std::string> SubmitWith(const std::string& key,
                                 const std::string& label) {
    return runner_->Submit({.request = Request(JobType::kCreate, label),
                            .must_be_recorded = true,
                            .key = key,
                            .key_content = label});
  }
};

TEST_F(JobKeyTest, ARepeatIsTheSameJob) {
  LetAllGoOn();
  const auto first = SubmitWith("a", "one");
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(*SubmitWith("a", "one"), *first);
  End(*first);
  EXPECT_EQ(*SubmitWith("a", "one"), *first);
  EXPECT_EQ(*runner_->FindKey("a", "one"), *first);
  EXPECT_NE(*SubmitWith("b", "one"), *first);
  Restart();
  EXPECT_EQ(*SubmitWith("a", "one"), *first) << "in the next process, too";
  clock_.Advance(std::chrono::hours(25));
  EXPECT_NE(*SubmitWith("a", "one"), *first) << "a day later it is a new key";
}

TEST_F(JobKeyTest, AnotherRequestWithTheKeyIsRefused) {
  LetAllGoOn();
  ASSERT_TRUE(SubmitWith("a", "one").ok());
  const auto other = SubmitWith("a", "two");
  EXPECT_EQ(other.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(runner_->FindKey("a", "two").status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(*runner_->FindKey("unknown", "two"), std::nullopt);
}

TEST_F(JobKeyTest, ManyAtOnceMakeOneJob) {
  std::vector<std::string> ids(8);
  {
    std::vector<std::jthread> threads;
    for (std::string& id : ids) {
      threads.emplace_back([&] { id = *SubmitWith("a", "one"); });
    }
  }
  for (const std::string& id : ids) EXPECT_EQ(id, ids[0]);
  LetAllGoOn();
  End(ids[0]);
  EXPECT_EQ(Begun().size(), 1u);
}

// The process died between the key and the job's record.
TEST_F(JobKeyTest, AKeyWithoutAJobMakesIt) {
  LetAllGoOn();
  const std::string id = NewJobId(clock_.Now());
  ASSERT_EQ(*store_->ClaimKey("a", "one", id), id);
  EXPECT_EQ(*runner_->FindKey("a", "one"), std::nullopt);
  EXPECT_EQ(*SubmitWith("a", "one"), id);
  EXPECT_EQ(End(id).status, JobStatus::kCompleted);
}

}  // namespace
}  // namespace levelkeep
