// When a job is to run again. A cron expression will be another Schedule.

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
  // The first run after `time`; later than `time`.
  virtual Time NextAfter(Time time) const = 0;

  // How long after `now` that is, when the last run ended just now.
  std::chrono::milliseconds DelayAfter(Time now) const {
    return std::chrono::ceil<std::chrono::milliseconds>(NextAfter(now) - now);
  }
  // The same at a start. `last`: when the last run was; none if there was none.
  // Overdue after downtime means one run at once, never a burst; so does
  // `needed`, where there was no run. A last run "from the future" (the clock
  // was set back) counts as one of just now.
  std::chrono::milliseconds DelayAtStart(std::optional<Time> last, bool needed,
                                         Time now) const {
    using std::chrono::milliseconds;
    if (!last) return needed ? milliseconds(0) : DelayAfter(now);
    const Time next = NextAfter(std::min(*last, now));
    return std::max(std::chrono::ceil<milliseconds>(next - now),
                    milliseconds(0));
  }
};

// A fixed time after the last run.
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
