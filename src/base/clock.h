// Time as a parameter, so that tests advance hours in microseconds; and due
// times that stay right when a clock is set.

#ifndef LEVELKEEP_BASE_CLOCK_H_
#define LEVELKEEP_BASE_CLOCK_H_

#include <algorithm>
#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>

#include "levelkeep/status.h"

namespace levelkeep {

// Wall-clock time, UTC.
using Time = std::chrono::system_clock::time_point;
// The last time that FormatTime and ParseTime accept: the end of 2261, the last
// year that fits completely into 64 bits of nanoseconds.
inline constexpr Time kLatestTime(std::chrono::milliseconds(9214646399999));

// Thread safety: all methods may be called concurrently.
class Clock {
 public:
  virtual ~Clock() = default;
  static Clock* System();  // never destroyed

  virtual Time Now() = 0;
  // A clock that never goes back, for durations.
  virtual std::chrono::steady_clock::time_point SteadyNow() = 0;
  // Waits for `duration` or until `stop`; returns false if stopped. Uses the
  // steady clock: setting the wall clock does not change the wait.
  virtual bool SleepFor(std::chrono::milliseconds duration,
                        std::stop_token stop) = 0;
};

// "2024-12-27T12:00:00.000Z"
std::string FormatTime(Time time);
// Accepts the output of FormatTime (fraction optional).
Result<Time> ParseTime(std::string_view text);

// The present time by both clocks.
struct Moment {
  std::chrono::steady_clock::time_point steady;
  Time wall;
};

inline Moment MomentOf(Clock* clock) {
  return {clock->SteadyNow(), clock->Now()};
}

// A delay after a moment, which ends when either clock has reached it. The
// steady clock stands still while the machine sleeps. The wall clock may be
// set: if back, the steady clock decides; if forward, the time is due at once,
// but only once, because the next due time counts from there.
// Thread safety: as any value type.
class DueTime {
 public:
  // The longest single wait. After it, the caller looks at the clocks again,
  // because a sleeping machine does not end a wait.
  static constexpr std::chrono::milliseconds kLongestWait{20'000};

  DueTime(const Moment& now, std::chrono::milliseconds delay)
      : steady_(now.steady + delay), wall_(now.wall + delay) {}

  bool HasCome(const Moment& now) const {
    return now.steady >= steady_ || now.wall >= wall_;
  }
  // The time left as seen at `now`; 0 if it has come.
  std::chrono::milliseconds LeftAt(const Moment& now) const {
    using std::chrono::milliseconds;
    const auto left =
        std::min(std::chrono::ceil<milliseconds>(steady_ - now.steady),
                 std::chrono::ceil<milliseconds>(wall_ - now.wall));
    return std::max(left, milliseconds(0));
  }

 private:
  std::chrono::steady_clock::time_point steady_;
  Time wall_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_CLOCK_H_
