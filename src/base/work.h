// How a long task is stopped, reports its progress and limits its speed; and
// calls to code of the host (hooks, counters, visitors, progress), whose
// exceptions end here, so that none of our steps is left half done.

#ifndef LEVELKEEP_BASE_WORK_H_
#define LEVELKEEP_BASE_WORK_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Copied into the task; a default Work can't be stopped and reports to nobody.
struct Work {
  // If stopped, the task ends soon with kCancelled.
  std::stop_token stop;
  // Receives the fraction that is done: 0 to 1, never decreasing, and 1 when
  // the task has done all work that it counts (later steps may still fail).
  // Called by one thread at a time, not always the same and not always the
  // caller's; it must not throw (HostProgress) and should not wait. Empty: no
  // reports.
  std::function<void(double fraction)> progress;
  // Called with each report, before `progress` and under the same rules; may be
  // empty.
  std::function<void(uint64_t done, uint64_t total)> bytes = {};

  // Called once, before the step that can't be undone: the exchange of the
  // database. False: the task was stopped and gives up. Empty: continue.
  std::function<bool()> commit = {};

  // kCancelled if the step that can't be undone must not be taken.
  Status Commit() const {
    if (!commit || commit()) return Status::Ok();
    return Status(StatusCode::kCancelled, "stopped before the last step");
  }
  // Reports that `done` of `total` bytes are done. More than `total` counts as
  // 1, and so does a `total` of 0.
  void Report(uint64_t done, uint64_t total) const {
    if (bytes) bytes(done, total);
    if (!progress) return;
    progress(done >= total
                 ? 1.0
                 : static_cast<double>(done) / static_cast<double>(total));
  }
};

// Describes the exception that is being handled, which the host's `what` has
// thrown: kInternal, or kNoSpace for std::bad_alloc. REQUIRES: called in a
// catch block.
Status ThrownByHost(std::string_view what);

// Runs the host's function `call`; an exception becomes the Status of
// ThrownByHost. `what` names the function in messages: "the hook that closes
// the database".
template <typename Call>
Status CallHost(std::string_view what, Call&& call) {
  try {
    return std::forward<Call>(call)();
  } catch (...) {
    return ThrownByHost(what);
  }
}

// Wraps `progress` for a task that continues after exceptions: the first
// exception is logged, and `progress` is not called again. Empty stays empty.
std::function<void(double)> HostProgress(
    std::function<void(double fraction)> progress);

// Thread safety: all methods may be called concurrently.
class RateLimiter {
 public:
  // 0: no limit. `clock` must outlive this object.
  RateLimiter(Clock* clock, uint64_t bytes_per_second);
  // Returns when `bytes` more may be processed; kCancelled on `stop`. Unused
  // capacity of the past can't be saved.
  Status Take(uint64_t bytes, std::stop_token stop);

 private:
  Clock* const clock_;
  const uint64_t bytes_per_second_;
  Mutex mutex_;
  // The time when all granted bytes are processed at the given rate.
  std::chrono::steady_clock::time_point free_at_ GUARDED_BY(mutex_);
};

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_WORK_H_
