// When the next scheduled backup is due: a pure state machine on the steady
// clock, so that setting the wall clock neither skips nor repeats a run.

#ifndef LEVELKEEP_MANAGER_SCHEDULER_H_
#define LEVELKEEP_MANAGER_SCHEDULER_H_

#include <chrono>
#include <optional>

namespace levelkeep {

// Thread safety: as any value type.
class Scheduler {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;
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
            SteadyTime now);

  SteadyTime next() const { return next_; }

  // How the run at next() ended; sets the next one.
  void Succeeded(SteadyTime now);  // made, or nothing had changed
  void Failed(SteadyTime now);
  void Postponed(SteadyTime now);  // another job was in the way

 private:
  Millis interval_;
  SteadyTime next_;
  int retries_left_ = kRetries;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_MANAGER_SCHEDULER_H_
