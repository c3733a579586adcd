// Schedules: when runs begin, and which ones are skipped.

#include <atomic>

#include "jobs/runner_fixture.h"

namespace levelkeep {
namespace {

using enum JobType;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class JobScheduleTest : public test::RunnerFixture {
 protected:
  void Start(milliseconds delay) {
    runner_->SetSchedule(Request(kCreate, "scheduled"),
                         std::make_unique<IntervalSchedule>(hours(1)),
                         clock_.Now() + delay);
  }
};

TEST_F(JobScheduleTest, OneRunStandsForThoseThatCameDueDuringALongOne) {
  Start(minutes(10));
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  EXPECT_EQ(runner_->NextRun(), clock_.Now() + minutes(10));
  EXPECT_TRUE(UntilWithTime(minutes(1), [&] { return !Begun().empty(); }));
  EXPECT_EQ(runner_->NextRun(), clock_.Now()) << "it runs";
  clock_.Advance(hours(7));
  EXPECT_EQ(Begun().size(), 1u) << "never two runs at once";
  LetAllGoOn();
  ASSERT_TRUE(Until([&] { return !runner_->Running(); }));
  ASSERT_TRUE(
      Until([&] { return Begun().size() == 2 && !runner_->Running(); }));
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  EXPECT_EQ(runner_->NextRun(), clock_.Now() + hours(1));
}

// A run of seven minutes does not move the next one.
TEST_F(JobScheduleTest, TheNextRunCountsFromTheStartOfTheLast) {
  Start(minutes(10));
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  clock_.Advance(minutes(10));
  ASSERT_TRUE(HasBegun("scheduled"));
  const Time start = clock_.Now();
  clock_.Advance(minutes(7));
  LetAllGoOn();
  ASSERT_TRUE(Until([&] { return !runner_->Running(); }));
  EXPECT_EQ(runner_->NextRun(), start + hours(1));
}

// The machine slept for seven hours.
TEST_F(JobScheduleTest, AfterAPauseOneRunFollows) {
  LetAllGoOn();
  Start(minutes(10));
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  clock_.Advance(hours(7));
  ASSERT_TRUE(
      Until([&] { return Begun().size() == 1 && !runner_->Running(); }));
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  EXPECT_EQ(runner_->NextRun(), clock_.Now() + hours(1));
  EXPECT_EQ(Begun().size(), 1u);
}

// Notes let the next process go on with the plan.
TEST_F(JobScheduleTest, EachRunIsNoted) {
  LetAllGoOn();
  std::vector<Time> noted;
  Mutex mutex;
  const Time first = clock_.Now() + minutes(10);
  runner_->SetSchedule(Request(kCreate, "scheduled"),
                       std::make_unique<IntervalSchedule>(hours(1)), first,
                       [&](Time time) {
                         MutexLock lock(&mutex);
                         noted.push_back(time);
                       });
  ASSERT_TRUE(UntilWithTime(minutes(1), [&] { return Begun().size() == 2; }));
  ASSERT_TRUE(Until([&] {
    MutexLock lock(&mutex);
    return noted.size() >= 2;
  }));
  runner_->Close();
  EXPECT_GE(noted[0], first);
  EXPECT_GE(noted[1], noted[0] + hours(1));
}

TEST_F(JobScheduleTest, OverdueMeansOneRunAtOnce) {
  LetAllGoOn();
  Start(milliseconds(0));
  EXPECT_TRUE(HasBegun("scheduled"));
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  EXPECT_EQ(Begun().size(), 1u);
}

TEST_F(JobScheduleTest, TheTimeOfARetryIsShown) {
  EndsAs("scheduled", [](const JobRun&) {
    JobOutcome outcome{Status(StatusCode::kIoError, "the disk failed")};
    outcome.again = seconds(30);
    return outcome;
  });
  LetAllGoOn();
  Start(milliseconds(0));
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  EXPECT_EQ(runner_->NextRun(), clock_.Now() + seconds(30));
}

TEST_F(JobScheduleTest, SuspendEndsIt) {
  Start(minutes(10));
  runner_->Suspend(kCreate);
  EXPECT_EQ(runner_->NextRun(), std::nullopt);
  clock_.Advance(hours(5));
  LetAllGoOn();
  End(Submit(kRotate, "after"));
  EXPECT_EQ(Begun(), std::vector<std::string>{"after"});
}

// A job that the schedule of the last process submitted counts as the first
// run of this process's schedule.
TEST_F(JobScheduleTest, AJobOfTheLastProcessIsTheRun) {
  Submit(kRotate, "in the way");
  ASSERT_TRUE(HasBegun("in the way"));
  const std::string id = Submit(kCreate, "scheduled");
  Restart();
  std::atomic<bool> noted = false;
  runner_->SetSchedule(Request(kCreate, "scheduled"),
                       std::make_unique<IntervalSchedule>(hours(1)),
                       clock_.Now(), [&](Time) { noted = true; });
  ASSERT_TRUE(Until([&] { return noted.load(); }));
  LetAllGoOn();
  EXPECT_EQ(End(id).status, JobStatus::kCompleted);
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  EXPECT_EQ(std::ranges::count(Begun(), "scheduled"), 1);
}

}  // namespace
}  // namespace levelkeep
