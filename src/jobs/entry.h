// The state of one job in a JobRunner. Private to jobs.

#ifndef LEVELKEEP_JOBS_ENTRY_H_
#define LEVELKEEP_JOBS_ENTRY_H_

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "jobs/job_runner.h"

namespace levelkeep {

// Guarded by the runner's mutex, except the constants and `record_mutex`.
struct JobRunner::Entry {
  Job job;
  bool submitted = false;           // constant; false: the caller of Run waits
  std::string lane;                 // constant
  std::shared_ptr<JobStore> store;  // constant; may be null
  Mutex record_mutex;               // one thread writes the record at a time

  std::optional<DueTime> due;  // the job begins no earlier
  bool announced = true;       // the listeners know that the job waits
  bool scheduled = false;      // submitted by a timer
  std::stop_source stop;
  bool displaced = false;   // stopped by another job, runs again later
  bool cancelled = false;   // stopped by a person, or for good
  bool committed = false;   // can't be stopped any more
  bool wait_ended = false;  // the caller of Run shall give up
  bool needed = true;       // false: no record is written
  bool recorded = false;
  bool settled = false;  // ended, and its record is written
};

struct JobRunner::Timer {
  JobRequest request;
  std::unique_ptr<const Schedule> schedule;
  DueTime next;
  EntryPtr run = nullptr;  // the present job of the type
};

inline Status ShuttingDown() {
  return Status(StatusCode::kCancelled, "the backup manager is shutting down");
}

}  // namespace levelkeep

#endif  // LEVELKEEP_JOBS_ENTRY_H_
