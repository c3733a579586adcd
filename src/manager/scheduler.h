// When the next scheduled backup is due: a pure state machine. Time asleep
// counts, and no setting of the clock stops the runs or makes more than one
// (base/clock.h).

#ifndef LEVELKEEP_MANAGER_SCHEDULER_H_
#define LEVELKEEP_MANAGER_SCHEDULER_H_

#include <chrono>
#include <optional>

#include "base/clock.h"

namespace levelkeep {

// Thread safety: as any value type.
class Scheduler {
 public:
  using Millis = std::chrono::milliseconds;

  // After a failed run: this many more tries, this far apart (or one
  // interval, where that is shorter), then the next regular run.
  static constexpr int kRetries = 2;
  static constexpr Millis kRetryDelay{30'000};
  // Another job was in the way.
  static constexpr Millis kBusyDelay{5'000};

  // `newest_age`: how old the newest backup is; none if there is no backup.
  // `has_data`: the database is not empty. Overdue after downtime means one
  // run at once, never a burst; so does data without any backup.
  Scheduler(Millis interval, std::optional<Millis> newest_age, bool has_data,
            const Moment& now);

  const DueTime& next() const { return next_; }

  // How the run at next() ended; sets the next one.
  void Succeeded(const Moment& now);  // made, or nothing had changed
  void Failed(const Moment& now);
  void Postponed(const Moment& now);  // another job was in the way

 private:
  Millis interval_;
  DueTime next_;
  int retries_left_ = kRetries;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_MANAGER_SCHEDULER_H_
