// What a task that takes long asks and tells while it runs, and how fast it may
// go; and code of the host (hooks, counters, visitors, progress): whatever it
// throws ends here, so that no step of ours is left half done.

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

// Copied into the task; a default one can't be stopped and tells nobody.
struct Work {
  // Stopped: the task gives up soon, with kCancelled.
  std::stop_token stop;
  // Gets the fraction that is done: 0 to 1, never less than before, and 1 once
  // the task has done all that it counts (what comes after may still fail).
  // Called by one thread at a time, not always the same and not always the
  // caller's; it must not throw (HostProgress) and should not wait. Empty:
  // nobody looks.
  std::function<void(double fraction)> progress;

  // Called once, before the step that can't be taken back: the exchange of the
  // database. False: the task was stopped and gives up. Empty: go on.
  std::function<bool()> commit = {};

  // kCancelled instead of the step that can't be taken back.
  Status Commit() const {
    if (!commit || commit()) return Status::Ok();
    return Status(StatusCode::kCancelled, "stopped before the last step");
  }
  // Tells that `done` of `total` bytes are done; more than all is all, and all
  // of nothing is done.
  void Report(uint64_t done, uint64_t total) const {
    if (!progress) return;
    progress(done >= total
                 ? 1.0
                 : static_cast<double>(done) / static_cast<double>(total));
  }
};

// The exception that is being handled, thrown by the host's `what`: kInternal,
// or kNoSpace for std::bad_alloc. REQUIRES: called in a catch block.
Status ThrownByHost(std::string_view what);

// Runs `call`, which is the host's; an exception becomes the Status above.
// `what` names it to people: "the hook that closes the database".
template <typename Call>
Status CallHost(std::string_view what, Call&& call) {
  try {
    return std::forward<Call>(call)();
  } catch (...) {
    return ThrownByHost(what);
  }
}

// `progress` for a task that goes on whatever it throws: the first exception
// is logged, and it is not called again. Empty stays empty.
std::function<void(double)> HostProgress(
    std::function<void(double fraction)> progress);

// Thread safety: all methods may be called concurrently.
class RateLimiter {
 public:
  // 0: no limit. `clock` outlives it.
  RateLimiter(Clock* clock, uint64_t bytes_per_second);
  // Returns when `bytes` more may be worked on; kCancelled on `stop`. What
  // was not used in the past can't be saved up.
  Status Take(uint64_t bytes, std::stop_token stop);

 private:
  Clock* const clock_;
  const uint64_t bytes_per_second_;
  Mutex mutex_;
  // When everything granted so far is worked off at the given rate.
  std::chrono::steady_clock::time_point free_at_ GUARDED_BY(mutex_);
};

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_WORK_H_
