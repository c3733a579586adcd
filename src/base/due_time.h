// When something is due, whatever becomes of the clocks.

#ifndef LEVELKEEP_BASE_DUE_TIME_H_
#define LEVELKEEP_BASE_DUE_TIME_H_

#include <algorithm>
#include <chrono>

#include "base/clock.h"

namespace levelkeep {

// The present by both clocks.
struct Moment {
  std::chrono::steady_clock::time_point steady;
  Time wall;
};

inline Moment MomentOf(Clock* clock) {
  return {clock->SteadyNow(), clock->Now()};
}

// A delay after a moment, by whichever clock comes there first. The steady one
// stands still while the machine sleeps, and the wall clock may be set: back,
// then the steady one decides; forward, then it is due at once, and only once,
// since the next due time counts from there.
// Thread safety: as any value type.
class DueTime {
 public:
  // So long a wait for it may take at most: then it looks again, since a sleep
  // of the machine ends no wait.
  static constexpr std::chrono::milliseconds kLongestWait{20'000};

  DueTime(const Moment& now, std::chrono::milliseconds delay)
      : steady_(now.steady + delay), wall_(now.wall + delay) {}

  bool HasCome(const Moment& now) const {
    return now.steady >= steady_ || now.wall >= wall_;
  }
  // How long it is until then, as it looks now; 0 once it has come.
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

#endif  // LEVELKEEP_BASE_DUE_TIME_H_
