// Decides when a job runs again; cron.h has the cron expressions.

#ifndef LEVELKEEP_JOBS_SCHEDULE_H_
#define LEVELKEEP_JOBS_SCHEDULE_H_

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/clock.h"

namespace levelkeep {

// Thread safety: const methods from several threads.
class Schedule {
 public:
  virtual ~Schedule() = default;
  // The time of the first run after `time`; later than `time`.
  virtual Time NextAfter(Time time) const = 0;

  // The delay from `now` to the next run if the last run ended just now.
  std::chrono::milliseconds DelayAfter(Time now) const {
    return std::chrono::ceil<std::chrono::milliseconds>(NextAfter(now) - now);
  }
  // The delay from `now` to the next run at a start. `last`: the time of the
  // last run, if there was one. If runs were missed, one run begins at once,
  // never several; so does the first run if `needed`. If `last` is later than
  // `now` (the clock was set back), it counts as `now`.
  std::chrono::milliseconds DelayAtStart(std::optional<Time> last, bool needed,
                                         Time now) const {
    using std::chrono::milliseconds;
    if (!last) return needed ? milliseconds(0) : DelayAfter(now);
    const Time next = NextAfter(std::min(*last, now));
    return std::max(std::chrono::ceil<milliseconds>(next - now),
                    milliseconds(0));
  }
};

// Runs a fixed time after the last run.
class IntervalSchedule : public Schedule {
 public:
  explicit IntervalSchedule(std::chrono::milliseconds interval)
      : interval_(interval) {}
  Time NextAfter(Time time) const override { return time + interval_; }

 private:
  const std::chrono::milliseconds interval_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_JOBS_SCHEDULE_H_
