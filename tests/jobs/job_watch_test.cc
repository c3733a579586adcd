// Jobs that other processes put into a store.

#include "jobs/job_watch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "jobs/job.h"
#include "support/fake_clock.h"
#include "support/simulated_disk.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using std::chrono::milliseconds;

class JobWatchTest : public ::testing::Test {
 protected:
  std::shared_ptr<JobStore> Open() {
    return std::make_shared<JobStore>(FileSystem::Posix(), &clock_,
                                      dir_.Sub("jobs"));
  }
  Job NewJob() {
    clock_.Advance(milliseconds(1));
    Job job;
    job.created = clock_.Now();
    job.id = NewJobId(job.created);
    job.request = {.type = JobType::kRotate, .trigger = "cli"};
    return job;
  }
  std::unique_ptr<JobWatch> Watch(const std::shared_ptr<JobStore>& store) {
    return std::make_unique<JobWatch>(
        store, &clock_, [] { return milliseconds(5000); },
        [this, store] {
          const auto jobs = store->TakeUp();
          taken_ += jobs.ok() ? jobs->size() : 0;
          ++looks_;
          return jobs.status();
        });
  }
  template <typename Condition>
  static bool Becomes(Condition condition) {
    for (int i = 0; i < 2000 && !condition(); ++i) {
      std::this_thread::sleep_for(milliseconds(5));
    }
    return condition();
  }

  test::TempDir dir_;
  test::FakeClock clock_;
  std::atomic<size_t> taken_ = 0, looks_ = 0;
};

TEST_F(JobWatchTest, TakesUpAJobThatWasOfferedBefore) {
  ASSERT_TRUE(Open()->Offer(NewJob()).ok());
  const auto watch = Watch(Open());
  EXPECT_TRUE(Becomes([&] { return taken_ == 1; }));
}

TEST_F(JobWatchTest, TakesUpAJobAtOnceWithoutAClock) {
  const auto watch = Watch(Open());
  ASSERT_TRUE(Becomes([&] { return looks_ == 1; }));
  for (size_t jobs = 1; jobs <= 3; ++jobs) {
    ASSERT_TRUE(Open()->Offer(NewJob()).ok());
    EXPECT_TRUE(Becomes([&] { return taken_ == jobs; }));
  }
}

TEST_F(JobWatchTest, OwnJobsAreNoNews) {
  const auto store = Open();
  const auto watch = Watch(store);
  ASSERT_TRUE(Becomes([&] { return looks_ == 1; }));
  Job own = NewJob();
  own.status = JobStatus::kInProgress;
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(store->Put(own).ok());
  ASSERT_TRUE(Open()->Offer(NewJob()).ok());
  ASSERT_TRUE(Becomes([&] { return taken_ == 1; }));
  EXPECT_EQ(looks_, 2u);
}

TEST_F(JobWatchTest, AFolderThatIsGoneIsLookedAtFromTimeToTime) {
  const auto watch = Watch(Open());
  ASSERT_TRUE(Becomes([&] { return looks_ == 1; }));
  std::filesystem::rename(dir_.Sub("jobs/open"), dir_.Sub("away"));
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  ASSERT_TRUE(Open()->Offer(NewJob()).ok());
  EXPECT_EQ(taken_, 0u);
  clock_.Advance(milliseconds(5000));
  EXPECT_TRUE(Becomes([&] { return taken_ == 1; }));
  // From now on the kernel watches the new folder.
  ASSERT_TRUE(Open()->Offer(NewJob()).ok());
  EXPECT_TRUE(Becomes([&] { return taken_ == 2; }));
}

// The kernel knows nothing of a simulated disk, nor of a disk on the network.
TEST_F(JobWatchTest, WhereNothingCanBeWatchedTheStoreIsPolled) {
  test::SimulatedDisk disk;
  ASSERT_TRUE(disk.file_system()->CreateDirectory("/id").ok());
  const auto open = [&] {
    return std::make_shared<JobStore>(disk.file_system(), &clock_, "/id/jobs");
  };
  const auto watch = Watch(open());
  for (size_t jobs = 1; jobs <= 3; ++jobs) {
    ASSERT_TRUE(clock_.WaitForSleepers(1));
    ASSERT_TRUE(open()->Offer(NewJob()).ok());
    EXPECT_EQ(taken_, jobs - 1);
    clock_.Advance(milliseconds(5000));
    EXPECT_TRUE(Becomes([&] { return taken_ == jobs; }));
  }
}

TEST_F(JobWatchTest, OfTwoWatchersOneGetsTheJob) {
  const auto first = Watch(Open()), second = Watch(Open());
  ASSERT_TRUE(Becomes([&] { return looks_ >= 2; }));
  for (size_t jobs = 1; jobs <= 20; ++jobs) {
    ASSERT_TRUE(Open()->Offer(NewJob()).ok());
  }
  EXPECT_TRUE(Becomes([&] { return taken_ == 20; }));
}

TEST_F(JobWatchTest, AnOfferedJobIsListedAndClaimedOnce) {
  const Job job = NewJob();
  const auto offering = Open(), first = Open(), second = Open();
  ASSERT_TRUE(offering->Offer(job).ok());
  EXPECT_EQ(offering->Find(job.id)->status, JobStatus::kPending);
  EXPECT_EQ(first->TakeUp([](JobType type) { return type != JobType::kRotate; })
                ->size(),
            0u);
  ASSERT_EQ(first->TakeUp()->size(), 1u);
  EXPECT_TRUE(first->HasClaimed(job.id));
  EXPECT_EQ(first->TakeUp()->size(), 0u);
  EXPECT_EQ(second->TakeUp()->size(), 0u);
  EXPECT_FALSE(second->HasClaimed(job.id));
}

}  // namespace
}  // namespace levelkeep
