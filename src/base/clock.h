// Time as a parameter, so that tests advance hours in microseconds.

#ifndef LEVELKEEP_BASE_CLOCK_H_
#define LEVELKEEP_BASE_CLOCK_H_

#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>

#include "levelkeep/status.h"

namespace levelkeep {

// Wall-clock time, UTC.
using Time = std::chrono::system_clock::time_point;
// The last one that FormatTime and ParseTime take: the end of 2261. The clock
// counts nanoseconds in 64 bits, and that is the last year that fits whole.
inline constexpr Time kLatestTime(std::chrono::milliseconds(9214646399999));

// Thread safety: all methods may be called concurrently.
class Clock {
 public:
  virtual ~Clock() = default;
  static Clock* System();  // lives for ever

  virtual Time Now() = 0;
  // A clock that never goes back, for durations.
  virtual std::chrono::steady_clock::time_point SteadyNow() = 0;
  // Waits for `duration` or until `stop`; returns false if stopped. Measured
  // on the steady clock: setting the wall clock does not shorten or stretch
  // it.
  virtual bool SleepFor(std::chrono::milliseconds duration,
                        std::stop_token stop) = 0;
};

// "2024-12-27T12:00:00.000Z"
std::string FormatTime(Time time);
// Accepts what FormatTime writes (fraction optional).
Result<Time> ParseTime(std::string_view text);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_CLOCK_H_
