// Support for tests.
// A clock for which nobody has to wait.

#ifndef LEVELKEEP_TESTS_SUPPORT_AUTO_CLOCK_H_
#define LEVELKEEP_TESTS_SUPPORT_AUTO_CLOCK_H_

#include <chrono>
#include <functional>
#include <stop_token>

#include "base/clock.h"

namespace levelkeep::test {

// Every sleep ends at once; `on_sleep` is called for each.
// Thread safety: one thread at a time.
class AutoClock : public Clock {
 public:
  Time Now() override { return wall_; }
  std::chrono::steady_clock::time_point SteadyNow() override { return steady_; }
  bool SleepFor(std::chrono::milliseconds duration,
                std::stop_token stop) override {
    if (stop.stop_requested()) return false;
    wall_ += duration;
    steady_ += duration;
    ++sleeps_;
    if (on_sleep) on_sleep(sleeps_);
    return !stop.stop_requested();
  }
  int sleeps() const { return sleeps_; }
  std::function<void(int count)> on_sleep;

 private:
  Time wall_ = Time(std::chrono::sys_days(std::chrono::year(2024) / 12 / 27) +
                    std::chrono::hours(12));
  std::chrono::steady_clock::time_point steady_{std::chrono::hours(1000)};
  int sleeps_ = 0;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_SUPPORT_AUTO_CLOCK_H_
