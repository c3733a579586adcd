#include "jobs/job_watch.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/process.h"
#include "base/work.h"
#include "jobs/job.h"

namespace levelkeep {

JobWatch::JobWatch(std::shared_ptr<JobStore> store, Clock* clock,
                   std::function<std::chrono::milliseconds()> poll,
                   std::function<Status()> take_up)
    : store_(std::move(store)),
      clock_(clock),
      poll_(std::move(poll)),
      take_up_(std::move(take_up)) {
  (void)StartThread(
      &thread_, kJobLogTag,
      "jobs of other processes, which begin at the next start only",
      [this](const std::stop_token& stop) { Watch(stop); });
}

// 1. watch the folder   2. look, because a job may have come before the watch
// 3. wait for news, or where nothing can be watched for the time to look again
void JobWatch::Watch(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto watch = Open();
    bool done = TakeUp();
    while (done && watch != nullptr && HasNews(watch.get(), stop)) {
      done = TakeUp();
    }
    if (!stop.stop_requested()) clock_->SleepFor(poll_(), stop);
  }
}

// The log has each failure once.
bool JobWatch::TakeUp() {
  const Status taken = CallHost("the look for kept jobs", take_up_);
  if (!taken.ok() && taken.message() != failure_) {
    LogWarn(kJobLogTag,
            "jobs that wait in the store were not taken up, and will be looked "
            "for again: " +
                taken.ToString());
  }
  failure_ = taken.message();
  return taken.ok();
}

// Null: the folder can't be watched.
std::unique_ptr<FolderWatch> JobWatch::Open() {
  auto opened = store_->OpenWatch();
  if (opened.ok()) return std::move(*opened);
  if (!std::exchange(told_, true)) {
    LogInfo(kJobLogTag, "jobs of other processes are looked for every " +
                            std::to_string(poll_().count()) +
                            " ms: " + opened.status().message());
  }
  return nullptr;
}

// Waits for a job that is not of this process. False: a stop, or the folder is
// gone.
bool JobWatch::HasNews(FolderWatch* watch, const std::stop_token& stop) const {
  for (;;) {
    const auto names = watch->Wait(stop);
    if (!names.ok() || names->empty()) return false;
    const bool foreign = std::ranges::any_of(*names, [&](const auto& name) {
      return name.empty() || (IsJobId(name) && !store_->HasClaimed(name));
    });
    if (foreign) return true;
  }
}

}  // namespace levelkeep
