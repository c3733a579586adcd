// Support for tests.
// Time that stands still until the test moves it.

#ifndef LEVELKEEP_TESTS_SUPPORT_FAKE_CLOCK_H_
#define LEVELKEEP_TESTS_SUPPORT_FAKE_CLOCK_H_

#include <chrono>
#include <stop_token>

#include "base/clock.h"
#include "base/mutex.h"

namespace levelkeep::test {

// Thread safety: all methods may be called concurrently.
class FakeClock : public Clock {
 public:
  // 2024-12-27T12:00:00Z, the time in the examples of the manual.
  FakeClock();
  explicit FakeClock(Time start);

  Time Now() override;
  std::chrono::steady_clock::time_point SteadyNow() override;
  bool SleepFor(std::chrono::milliseconds duration,
                std::stop_token stop) override;

  // Both clocks go on, and sleepers whose time has come wake up.
  void Advance(std::chrono::milliseconds duration);
  // Sets the wall clock, as an operator or NTP does; sleepers don't notice.
  void SetWallClock(Time now);
  // Waits, in real time, until that many threads sleep: Advance reaches only
  // sleepers. False if it takes more than 20 s.
  bool WaitForSleepers(int count);

 private:
  Mutex mutex_;
  CondVar changed_;
  Time wall_ GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point steady_ GUARDED_BY(mutex_);
  int sleepers_ GUARDED_BY(mutex_) = 0;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_SUPPORT_FAKE_CLOCK_H_
