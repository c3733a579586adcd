#include "manager/scheduler.h"

#include <algorithm>

namespace levelkeep {

Scheduler::Scheduler(Millis interval, std::optional<Millis> newest_age,
                     bool has_data, SteadyTime now)
    : interval_(interval), next_(now + interval) {
  if (!newest_age) {
    if (has_data) next_ = now;
    return;
  }
  // A newest backup "from the future" (the clock was set back) counts as
  // just made.
  const Millis age = std::clamp(*newest_age, Millis(0), interval_);
  next_ = now + (interval_ - age);
}

void Scheduler::Succeeded(SteadyTime now) {
  retries_left_ = kRetries;
  next_ = now + interval_;
}

void Scheduler::Failed(SteadyTime now) {
  if (retries_left_ == 0) {
    Succeeded(now);
    return;
  }
  --retries_left_;
  next_ = now + std::min(kRetryDelay, interval_);
}

void Scheduler::Postponed(SteadyTime now) {
  next_ = now + std::min(kBusyDelay, interval_);
}

}  // namespace levelkeep
