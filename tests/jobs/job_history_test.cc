// The numbers of ended jobs: no total goes down, whatever is removed or
// crashes.

#include "jobs/job_history.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "jobs/job.h"
#include "jobs/job_store.h"
#include "support/fake_clock.h"
#include "support/simulated_disk.h"

namespace levelkeep {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kHistoryFolder[] = "/id/jobs";

class JobHistoryTest : public ::testing::Test {
 protected:
  JobHistoryTest() {
    EXPECT_TRUE(fs()->CreateDirectory("/id").ok());
    disk_.SyncAll();
  }

  FileSystem* fs() { return disk_.file_system(); }
  std::unique_ptr<JobStore> Open(JobLimits limits = {}) {
    return std::make_unique<JobStore>(fs(), &clock_, kHistoryFolder, limits);
  }
  Job Ended(JobType type, JobStatus status, milliseconds took) {
    Job job;
    job.created = clock_.Now();
    job.id = NewJobId(job.created);
    job.request.type = type;
    job.status = status;
    job.started = clock_.Now();
    clock_.Advance(took);
    job.ended = clock_.Now();
    return job;
  }
  // Nothing: no job of this type has ended with this status.
  static std::optional<JobTotal> TotalOf(JobStore* store, JobType type,
                                         JobStatus status) {
    const auto totals = store->Totals();
    EXPECT_TRUE(totals.ok()) << totals.status().ToString();
    for (const JobTotal& total : *totals) {
      if (total.type == type && total.status == status) return total;
    }
    return std::nullopt;
  }
  static uint64_t Completed(JobStore* store) {
    const auto total = TotalOf(store, JobType::kCreate, JobStatus::kCompleted);
    return total ? total->jobs : 0;
  }

  test::SimulatedDisk disk_;
  test::FakeClock clock_;
};

TEST_F(JobHistoryTest, ANameTellsTypeStatusAndDuration) {
  const Job job = Ended(JobType::kVerify, JobStatus::kFailed, seconds(90));
  const EndedJob ended(EndedJob::NameOf(job));
  EXPECT_EQ(ended.name, job.id + ".verify.failed.90000");
  EXPECT_EQ(ended.id(), job.id);
  EXPECT_EQ(ended.type(), "verify");
  EXPECT_EQ(ended.status(), "failed");
  EXPECT_EQ(ended.duration(), seconds(90));
  const EndedJob early(job.id + ".verify.failed");  // of an earlier version
  EXPECT_EQ(early.status(), "failed");
  EXPECT_EQ(early.duration(), seconds(0));
}

// A job that the clock's step made shorter than nothing took 0 ms.
TEST_F(JobHistoryTest, ADurationIsNeverNegative) {
  Job job = Ended(JobType::kCreate, JobStatus::kCompleted, seconds(1));
  std::swap(job.started, job.ended);
  EXPECT_EQ(EndedJob(EndedJob::NameOf(job)).duration(), seconds(0));
}

TEST_F(JobHistoryTest, TotalsCountEachTypeAndStatus) {
  const auto store = Open();
  for (const milliseconds took :
       {milliseconds(50), milliseconds(1500), milliseconds(1'200'000)}) {
    ASSERT_TRUE(
        store->Put(Ended(JobType::kCreate, JobStatus::kCompleted, took)).ok());
  }
  ASSERT_TRUE(
      store->Put(Ended(JobType::kCreate, JobStatus::kFailed, seconds(2))).ok());
  const auto total =
      TotalOf(store.get(), JobType::kCreate, JobStatus::kCompleted);
  ASSERT_TRUE(total);
  EXPECT_EQ(total->jobs, 3u);
  EXPECT_DOUBLE_EQ(total->seconds, 1201.55);
  const auto at_most = [&](double bound) {
    for (size_t i = 0; i < JobTotal::kBounds; ++i) {
      if (JobTotal::kSeconds[i] == bound) return total->at_most[i];
    }
    return uint64_t{99};
  };
  EXPECT_EQ(at_most(0.1), 1u);
  EXPECT_EQ(at_most(1), 1u);
  EXPECT_EQ(at_most(3), 2u);
  EXPECT_EQ(at_most(600), 2u);
  EXPECT_EQ(at_most(1200), 3u);
  EXPECT_EQ(at_most(86400), 3u);
  EXPECT_FALSE(TotalOf(store.get(), JobType::kUndo, JobStatus::kFailed));
}

// What another process put into the folder is seen, whatever the folder's
// stamp says.
TEST_F(JobHistoryTest, JobsOfOtherProcessesCount) {
  const auto store = Open(), other = Open();
  for (uint64_t jobs = 1; jobs <= 5; ++jobs) {
    ASSERT_TRUE(
        other->Put(Ended(JobType::kCreate, JobStatus::kCompleted, seconds(1)))
            .ok());
    EXPECT_EQ(Completed(store.get()), jobs);
    EXPECT_EQ(store->List({.limit = 100})->size(), jobs);
    if (jobs == 3) clock_.Advance(hours(1));
  }
}

TEST_F(JobHistoryTest, ATotalKeepsTheJobsWhoseRecordsWereRemoved) {
  const JobLimits limits{.age = hours(48), .count = 3, .always = 0};
  for (uint64_t jobs = 1; jobs <= 20; ++jobs) {
    const auto store = Open(limits);  // each one trims at its first job
    ASSERT_TRUE(
        store->Put(Ended(JobType::kCreate, JobStatus::kCompleted, seconds(1)))
            .ok());
    EXPECT_EQ(Completed(store.get()), jobs);
    EXPECT_LE(store->List({.limit = 100})->size(), 3u);
  }
}

TEST_F(JobHistoryTest, ACrashWhileRecordsAreRemovedChangesNoTotal) {
  const JobLimits limits{.age = hours(48), .count = 3, .always = 0};
  {
    const auto store = Open();
    for (int i = 0; i < 8; ++i) {
      ASSERT_TRUE(
          store->Put(Ended(JobType::kCreate, JobStatus::kCompleted, seconds(1)))
              .ok());
    }
  }
  disk_.SyncAll();
  const test::SimulatedState full = disk_.Save();
  for (uint64_t seed = 0; seed < 4; ++seed) {
    bool more = true;
    for (uint64_t n = 1; more; ++n) {
      ASSERT_LT(n, 300u);
      disk_.Restore(full);
      disk_.CrashAt(n);
      const bool put =
          Open(limits)
              ->Put(Ended(JobType::kRotate, JobStatus::kCompleted, seconds(1)))
              .ok();
      more = disk_.fired();
      const std::string where = disk_.last_operation();
      disk_.Reboot(seed);
      EXPECT_EQ(Completed(Open().get()), 8u) << where;
      // The next process removes the rest.
      const auto next = Open(limits);
      ASSERT_TRUE(
          next->Put(Ended(JobType::kRotate, JobStatus::kCompleted, seconds(1)))
              .ok());
      EXPECT_EQ(Completed(next.get()), 8u) << where;
      EXPECT_LE(next->List({.limit = 100})->size(), 4u) << where;
      (void)put;
    }
  }
}

}  // namespace
}  // namespace levelkeep
