// Does the thread that begins jobs still turn?

#include <atomic>
#include <future>

#include "jobs/runner_fixture.h"

namespace levelkeep {
namespace {

using enum JobType;
using std::chrono::milliseconds;

class JobTurnsTest : public test::RunnerFixture {};

TEST_F(JobTurnsTest, ARunnerThatHangsDoesNotTurn) {
  const std::stop_token never;
  // Without a thread for the time, nothing can hang.
  EXPECT_TRUE(runner_->Turns(milliseconds(0), never));
  std::promise<void> go_on;
  std::shared_future<void> gone_on(go_on.get_future());
  std::atomic<bool> hangs{false};
  runner_ = std::make_unique<JobRunner>(
      &clock_, std::map<JobType, JobHandler>(), [&](const JobRequest&) {
        hangs = true;
        gone_on.wait();
        return std::shared_ptr<JobStore>();
      });
  runner_->SetSchedule(Request(kCreate, "later"),
                       std::make_unique<IntervalSchedule>(milliseconds(1000)),
                       clock_.Now() + std::chrono::hours(1));
  EXPECT_TRUE(runner_->Turns(std::chrono::minutes(1), never));
  runner_->SetSchedule(Request(kCreate, "now"),
                       std::make_unique<IntervalSchedule>(milliseconds(1000)),
                       clock_.Now());
  EXPECT_TRUE(Until([&] { return hangs.load(); }));
  EXPECT_FALSE(runner_->Turns(milliseconds(50), never));
  std::stop_source stopped;
  stopped.request_stop();
  EXPECT_FALSE(runner_->Turns(std::chrono::hours(1), stopped.get_token()));
  go_on.set_value();
  EXPECT_TRUE(runner_->Turns(std::chrono::minutes(1), never));
  runner_.reset();
}

}  // namespace
}  // namespace levelkeep
