// What a task that takes long asks and tells while it runs.

#ifndef LEVELKEEP_BASE_WORK_H_
#define LEVELKEEP_BASE_WORK_H_

#include <cstdint>
#include <functional>
#include <stop_token>

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

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_WORK_H_
