// A JobRunner whose jobs stand still until the test lets them go on.

#ifndef LEVELKEEP_TESTS_JOBS_RUNNER_FIXTURE_H_
#define LEVELKEEP_TESTS_JOBS_RUNNER_FIXTURE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "jobs/job_runner.h"
#include "support/fake_clock.h"
#include "support/temp_dir.h"

namespace levelkeep::test {

class RunnerFixture : public ::testing::Test {
 protected:
  RunnerFixture() { Restart(); }
  ~RunnerFixture() override {
    LetAllGoOn();
    runner_.reset();
  }

  // To the store, this looks like another process.
  void Restart() {
    runner_.reset();
    store_.reset();
    store_ = std::make_shared<JobStore>(FileSystem::Posix(), &clock_, folder_);
    std::map<JobType, JobHandler> handlers;
    for (const JobType type :
         {JobType::kCreate, JobType::kRestore, JobType::kUndo, JobType::kVerify,
          JobType::kRotate, JobType::kDelete, JobType::kDrill}) {
      handlers[type] = {.run = [this](const JobRun& run) { return Work(run); },
                        .is_needed =
                            [this](const JobRequest& request) {
                              MutexLock lock(&mutex_);
                              return !needless_.contains(request.label);
                            },
                        .lane_of =
                            [](const JobRequest& request) {
                              return request.created_by.starts_with("lane ")
                                         ? request.created_by
                                         : std::string();
                            },
                        .policy = policies_[type]};
    }
    runner_ = std::make_unique<JobRunner>(
        &clock_, std::move(handlers),
        [this](const JobRequest&) { return store_; });
    EXPECT_TRUE(runner_->TakeUp(store_).ok());
  }

  // Restarts with the records that a kill leaves: without those that a process
  // writes at its end.
  void RestartAfterAKill() {
    const std::string left = folder_;
    folder_ = left + " after a kill";
    std::filesystem::copy(left, folder_,
                          std::filesystem::copy_options::recursive);
    Restart();
  }

  // The work of each job: it begins, waits until the test names the job's
  // label, and ends as the test wishes.
  JobOutcome Work(const JobRun& run) {
    const std::string label = run.request.label;
    std::function<JobOutcome(const JobRun&)> outcome;
    {
      MutexLock lock(&mutex_);
      begun_.push_back(label);
      changed_.notify_all();
      changed_.wait(mutex_, run.work.stop,
                    [&] { return open_ || free_.contains(label); });
      if (const auto found = outcomes_.find(label); found != outcomes_.end()) {
        outcome = found->second;
      }
    }
    if (outcome) return outcome(run);
    if (run.work.stop.stop_requested()) {
      return {Status(StatusCode::kCancelled, "stopped on request")};
    }
    return {Status::Ok(), label + " is done", {{"backup", label}}, label};
  }

  void LetGoOn(const std::string& label) {
    MutexLock lock(&mutex_);
    free_.insert(label);
    changed_.notify_all();
  }
  void LetAllGoOn() {
    MutexLock lock(&mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void EndsAs(const std::string& label,
              std::function<JobOutcome(const JobRun&)> outcome) {
    MutexLock lock(&mutex_);
    outcomes_[label] = std::move(outcome);
  }
  // False if the condition does not hold within a minute.
  template <typename Condition>
  bool Until(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }
  bool HasBegun(const std::string& label, size_t times = 1) {
    return Until([&] {
      MutexLock lock(&mutex_);
      return static_cast<size_t>(
                 std::count(begun_.begin(), begun_.end(), label)) >= times;
    });
  }
  // Advances the clock until the condition holds, in steps, so that each
  // sleeper sees each step.
  template <typename Condition>
  bool UntilWithTime(std::chrono::milliseconds step, Condition condition) {
    return Until([&] {
      clock_.Advance(step);
      return condition();
    });
  }
  std::vector<std::string> Begun() {
    MutexLock lock(&mutex_);
    return begun_;
  }
  // How many jobs wait for others.
  int Waiting() {
    const auto jobs = runner_->List({.limit = 100});
    EXPECT_TRUE(jobs.ok());
    return static_cast<int>(std::count_if(
        jobs->begin(), jobs->end(),
        [](const Job& job) { return job.status == JobStatus::kPending; }));
  }
  static JobRequest Request(JobType type, const std::string& label,
                            int priority = 0) {
    return {.type = type, .label = label, .priority = priority};
  }
  std::string Submit(JobType type, const std::string& label, int priority = 0) {
    const auto id =
        runner_->Submit({.request = Request(type, label, priority)});
    EXPECT_TRUE(id.ok()) << id.status().ToString();
    return id.ok() ? *id : "";
  }
  Job End(const std::string& id) {
    const auto job = runner_->Wait(id, {});
    EXPECT_TRUE(job.ok()) << job.status().ToString();
    return job.ok() ? *job : Job();
  }
  JobStatus StatusOf(const std::string& id) {
    const auto job = runner_->Find(id);
    EXPECT_TRUE(job.ok()) << job.status().ToString();
    return job.ok() ? job->status : JobStatus::kFailed;
  }

  TempDir dir_;
  std::string folder_ = dir_.Sub("jobs");
  FakeClock clock_;
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::string> begun_;
  std::set<std::string> free_;
  std::set<std::string> needless_;
  std::map<std::string, std::function<JobOutcome(const JobRun&)>> outcomes_;
  std::map<JobType, JobPolicy> policies_;  // from the next Restart on
  bool open_ = false;
  std::shared_ptr<JobStore> store_;
  std::unique_ptr<JobRunner> runner_;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_JOBS_RUNNER_FIXTURE_H_
