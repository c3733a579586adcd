#include "manager/scheduler.h"

#include <algorithm>

namespace levelkeep {

namespace {

Scheduler::Millis FirstDelay(Scheduler::Millis interval,
                             std::optional<Scheduler::Millis> newest_age,
                             bool has_data) {
  if (!newest_age) return has_data ? Scheduler::Millis(0) : interval;
  // A newest backup "from the future" (the clock was set back) counts as
  // just made.
  return interval - std::clamp(*newest_age, Scheduler::Millis(0), interval);
}

}  // namespace

Scheduler::Scheduler(Millis interval, std::optional<Millis> newest_age,
                     bool has_data, const Moment& now)
    : interval_(interval),
      next_(now, FirstDelay(interval, newest_age, has_data)) {}

void Scheduler::Succeeded(const Moment& now) {
  retries_left_ = kRetries;
  next_ = DueTime(now, interval_);
}

void Scheduler::Failed(const Moment& now) {
  if (retries_left_ == 0) {
    Succeeded(now);
    return;
  }
  --retries_left_;
  next_ = DueTime(now, std::min(kRetryDelay, interval_));
}

void Scheduler::Postponed(const Moment& now) {
  next_ = DueTime(now, std::min(kBusyDelay, interval_));
}

}  // namespace levelkeep
