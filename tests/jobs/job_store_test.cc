// Records of jobs: between processes, after crashes, and when there are many.

#include "jobs/job_store.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "base/record.h"
#include "jobs/job.h"
#include "support/fake_clock.h"
#include "support/simulated_disk.h"

namespace levelkeep {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr char kParent[] = "/id";
constexpr char kFolder[] = "/id/jobs";

class JobStoreTest : public ::testing::Test {
 protected:
  JobStoreTest() {
    EXPECT_TRUE(fs()->CreateDirectory(kParent).ok());
    disk_.SyncAll();
  }

  FileSystem* fs() { return disk_.file_system(); }
  std::unique_ptr<JobStore> Open(JobLimits limits = {}) {
    return std::make_unique<JobStore>(fs(), &clock_, kFolder, limits);
  }
  Job NewJob(JobType type = JobType::kCreate) {
    clock_.Advance(milliseconds(1));
    Job job;
    job.created = clock_.Now();
    job.id = NewJobId(job.created);
    job.request.type = type;
    return job;
  }
  static Job With(Job job, JobStatus status) {
    job.status = status;
    return job;
  }
  std::vector<std::string> Ids(const std::vector<Job>& jobs) {
    std::vector<std::string> ids;
    for (const Job& job : jobs) ids.push_back(job.id);
    return ids;
  }

  test::SimulatedDisk disk_;
  test::FakeClock clock_;
};

TEST_F(JobStoreTest, KeepsWhatWasPut) {
  const auto store = Open();
  const Job first = NewJob(), second = NewJob(JobType::kVerify);
  ASSERT_TRUE(store->Put(With(first, JobStatus::kInProgress)).ok());
  ASSERT_TRUE(store->Put(second).ok());
  ASSERT_TRUE(store->Put(With(first, JobStatus::kCompleted)).ok());
  EXPECT_EQ(store->Find(first.id)->status, JobStatus::kCompleted);
  EXPECT_EQ(store->Find(second.id)->status, JobStatus::kPending);
  EXPECT_EQ(Ids(*store->List({.limit = 10})),
            (std::vector<std::string>{second.id, first.id}));
  EXPECT_EQ(Ids(*store->List({.limit = 1})),
            std::vector<std::string>{second.id});
  for (const std::string& id : {NewJobId(clock_.Now()), std::string("../x")}) {
    EXPECT_EQ(store->Find(id).status().code(), StatusCode::kNotFound);
  }
}

TEST_F(JobStoreTest, LookingMakesNoFile) {
  const auto store = Open();
  EXPECT_TRUE(store->TakeUp()->empty());
  EXPECT_TRUE(store->List({.limit = 10})->empty());
  EXPECT_EQ(store->Find(NewJob().id).status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(fs()->List(kParent)->empty());
}

// The parent is missing when the volume of the backup folder is not mounted.
TEST_F(JobStoreTest, AMissingParentIsNotMade) {
  JobStore store(fs(), &clock_, "/missing/jobs");
  EXPECT_EQ(store.Put(NewJob()).code(), StatusCode::kNotFound);
  EXPECT_FALSE(PathExists(fs(), "/missing"));
}

TEST_F(JobStoreTest, ALivingProcessKeepsItsJobsAndADeadOneDoesNot) {
  auto first = Open();
  const Job waits = NewJob(), runs = NewJob();
  ASSERT_TRUE(first->Put(waits).ok());
  ASSERT_TRUE(first->Put(With(runs, JobStatus::kInProgress)).ok());
  const auto second = Open();
  EXPECT_TRUE(second->TakeUp()->empty());
  EXPECT_TRUE(first->TakeUp()->empty()) << "the first store's own jobs";
  first.reset();
  const auto taken = second->TakeUp();
  ASSERT_TRUE(taken.ok());
  ASSERT_EQ(Ids(*taken), (std::vector<std::string>{waits.id, runs.id}));
  EXPECT_EQ((*taken)[0].status, JobStatus::kPending);
  EXPECT_EQ((*taken)[1].status, JobStatus::kInProgress);
  EXPECT_TRUE(second->TakeUp()->empty()) << "once";
  EXPECT_TRUE(Open()->TakeUp()->empty()) << "the second store has claimed them";
}

TEST_F(JobStoreTest, ADamagedRecordIsRemoved) {
  auto first = Open();
  const Job good = NewJob(), bad = NewJob();
  ASSERT_TRUE(first->Put(good).ok());
  ASSERT_TRUE(first->Put(bad).ok());
  ASSERT_TRUE(
      WriteFileDurably(fs(), std::string(kFolder) + "/open/" + bad.id, "junk")
          .ok());
  first.reset();
  const auto store = Open();
  EXPECT_EQ(Ids(*store->TakeUp()), std::vector<std::string>{good.id});
  EXPECT_EQ(Ids(*store->List({.limit = 10})),
            std::vector<std::string>{good.id});
}

TEST_F(JobStoreTest, ARecordOfALaterVersionStays) {
  const Job job = NewJob();
  {
    const auto store = Open();
    ASSERT_TRUE(store->Put(job).ok());
    const std::string path = std::string(kFolder) + "/open/" + job.id;
    Record record = *LoadRecord(fs(), path, "levelkeep job 1");
    record.Set("type", "later");
    ASSERT_TRUE(StoreRecord(fs(), path, "levelkeep job 1", record).ok());
  }
  EXPECT_TRUE(Open()->TakeUp()->empty());
  EXPECT_TRUE(PathExists(fs(), std::string(kFolder) + "/open/" + job.id));
}

TEST_F(JobStoreTest, OneBadEntryDoesNotKeepTheOthers) {
  const Job good = NewJob(), copied = NewJob(), folder = NewJob();
  ASSERT_TRUE(Open()->Put(good).ok());
  const std::string open = std::string(kFolder) + "/open/";
  const auto record = LoadRecord(fs(), open + good.id, "levelkeep job 1");
  ASSERT_TRUE(record.ok());
  ASSERT_TRUE(
      StoreRecord(fs(), open + copied.id, "levelkeep job 1", *record).ok());
  ASSERT_TRUE(fs()->CreateDirectory(open + folder.id).ok());
  const std::string victim = std::string(kFolder) + "/runners/thesis.txt";
  ASSERT_TRUE(WriteFileDurably(fs(), victim, "of a person").ok());
  const auto store = Open();
  EXPECT_EQ(Ids(*store->TakeUp()), std::vector<std::string>{good.id});
  EXPECT_FALSE(PathExists(fs(), open + copied.id)) << "of another job";
  EXPECT_TRUE(PathExists(fs(), victim)) << "the file is no runner's";
  EXPECT_TRUE(Open()->TakeUp()->empty());
}

TEST_F(JobStoreTest, ALivingRunnerDoesNotKeepTheFilesOfDeadOnes) {
  const auto living = Open();
  ASSERT_TRUE(living->Put(NewJob()).ok());
  const std::string dead =
      std::string(kFolder) + "/runners/" + std::string(32, 'f');
  ASSERT_TRUE(WriteFileDurably(fs(), dead, "").ok());
  const auto store = Open();
  ASSERT_TRUE(store->Put(NewJob()).ok());
  EXPECT_FALSE(PathExists(fs(), dead));
  EXPECT_EQ(fs()->List(std::string(kFolder) + "/runners")->size(), 2u);
}

TEST_F(JobStoreTest, OnlyJobsOfWantedTypesAreTakenUp) {
  const Job create = NewJob(), verify = NewJob(JobType::kVerify);
  {
    const auto store = Open();
    ASSERT_TRUE(store->Put(create).ok());
    ASSERT_TRUE(store->Put(verify).ok());
  }
  const auto store = Open();
  EXPECT_EQ(Ids(*store->TakeUp(
                [](JobType type) { return type == JobType::kVerify; })),
            std::vector<std::string>{verify.id});
  EXPECT_EQ(Ids(*Open()->TakeUp()), std::vector<std::string>{create.id});
}

// A clock that is wrong at a start does not remove the history.
TEST_F(JobStoreTest, TheNewestStayWhateverTheirAge) {
  const Job job = With(NewJob(), JobStatus::kCompleted);
  ASSERT_TRUE(Open()->Put(job).ok());
  clock_.Advance(hours(24 * 365 * 70));
  const Job later = With(NewJob(), JobStatus::kCompleted);
  ASSERT_TRUE(Open()->Put(later).ok());
  EXPECT_EQ(Ids(*Open()->List({.limit = 10})),
            (std::vector<std::string>{later.id, job.id}));
}

TEST_F(JobStoreTest, OldOnesGoAndFailuresStayLongest) {
  const JobLimits limits{.age = hours(48), .count = 3, .always = 0};
  std::vector<Job> jobs;
  {
    const auto store = Open();  // with the usual limits
    for (int i = 0; i < 7; ++i) {
      jobs.push_back(
          With(NewJob(), i == 2 ? JobStatus::kFailed : JobStatus::kCompleted));
      ASSERT_TRUE(store->Put(jobs.back()).ok());
      if (i == 0) clock_.Advance(hours(49));
    }
  }
  const auto store = Open(limits);
  jobs.push_back(With(NewJob(), JobStatus::kCompleted));
  ASSERT_TRUE(store->Put(jobs.back()).ok());
  EXPECT_EQ(Ids(*store->List({.limit = 100})),
            (std::vector<std::string>{jobs[7].id, jobs[6].id, jobs[2].id}));
}

// --- crashes: an acknowledged state is there, another one may be there

class JobStoreCrashTest : public JobStoreTest {
 protected:
  JobStoreCrashTest() : job_(NewJob()), first_(disk_.Save()) {}

  // The states of the job that Put has acknowledged, and all states that Put
  // was asked to store.
  struct Progress {
    std::vector<JobStatus> acknowledged;
    std::vector<JobStatus> asked;
  };
  Progress LiveThrough(JobStore* store) {
    Progress progress;
    for (const JobStatus status :
         {JobStatus::kPending, JobStatus::kInProgress, JobStatus::kCompleted}) {
      progress.asked.push_back(status);
      if (store->Put(With(job_, status)).ok()) {
        progress.acknowledged.push_back(status);
      }
    }
    return progress;
  }

  void ExpectOldOrNew(const Progress& progress, const std::string& where) {
    const auto store = Open();
    const auto found = store->Find(job_.id);
    const bool none = progress.acknowledged.empty();
    if (found.status().code() == StatusCode::kNotFound) {
      EXPECT_TRUE(none) << where;
    } else {
      ASSERT_TRUE(found.ok()) << where << found.status().ToString();
      EXPECT_TRUE(none || found->status >= progress.acknowledged.back())
          << where;
    }
    const auto taken = store->TakeUp();
    ASSERT_TRUE(taken.ok()) << where << taken.status().ToString();
    const bool open = found.ok() && !found->has_ended();
    ASSERT_EQ(taken->size(), open ? 1u : 0u) << where;
    // The next process can end an open job, whatever the crash left.
    Job ended = With(job_, JobStatus::kFailed);
    if (open) {
      ASSERT_TRUE(store->Put(ended).ok()) << where;
      EXPECT_EQ(store->Find(job_.id)->status, JobStatus::kFailed) << where;
    } else {
      ASSERT_TRUE(store->Put(With(NewJob(), JobStatus::kPending)).ok());
    }
    for (const char* folder : {"/id/jobs", "/id/jobs/open"}) {
      for (const std::string& name : *fs()->List(folder)) {
        EXPECT_FALSE(IsTemporaryName(name)) << where << folder << name;
      }
    }
    EXPECT_EQ(fs()->List("/id/jobs/runners")->size(), open ? 0u : 1u) << where;
  }

  const Job job_;
  const test::SimulatedState first_;
};

TEST_F(JobStoreCrashTest, AnyCrashLeavesTheOldOrTheNewState) {
  for (uint64_t seed = 0; seed < 4; ++seed) {
    bool more = true;
    for (uint64_t n = 1; more; ++n) {
      ASSERT_LT(n, 200u);
      disk_.Restore(first_);
      disk_.CrashAt(n);
      Progress progress;
      progress = LiveThrough(Open().get());
      more = disk_.fired();
      const std::string where = disk_.last_operation();
      disk_.Reboot(seed);
      ExpectOldOrNew(progress, where);
    }
  }
}

TEST_F(JobStoreCrashTest, AnyFailedCallIsToldAndLeavesTheOldOrTheNewState) {
  for (const int error : {EIO, ENOSPC}) {
    bool more = true;
    for (uint64_t n = 1; more; ++n) {
      ASSERT_LT(n, 200u);
      disk_.Restore(first_);
      disk_.FailAt(n, error);
      const Progress progress = LiveThrough(Open().get());
      more = disk_.fired();
      const std::string where = disk_.last_operation();
      disk_.Restore(disk_.Save());
      ExpectOldOrNew(progress, where);
    }
  }
}

// The claim of the next process is durable, too.
TEST_F(JobStoreCrashTest, ACrashWhileJobsAreTakenUpLosesNone) {
  ASSERT_TRUE(Open()->Put(job_).ok());
  disk_.SyncAll();
  const test::SimulatedState waiting = disk_.Save();
  for (uint64_t seed = 0; seed < 4; ++seed) {
    bool more = true;
    for (uint64_t n = 1; more; ++n) {
      ASSERT_LT(n, 200u);
      disk_.Restore(waiting);
      disk_.CrashAt(n);
      (void)Open()->TakeUp();
      more = disk_.fired();
      const std::string where = disk_.last_operation();
      disk_.Reboot(seed);
      const auto taken = Open()->TakeUp();
      ASSERT_TRUE(taken.ok()) << where << taken.status().ToString();
      ASSERT_EQ(Ids(*taken), std::vector<std::string>{job_.id}) << where;
    }
  }
}

}  // namespace
}  // namespace levelkeep
