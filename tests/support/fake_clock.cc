#include "support/fake_clock.h"

namespace levelkeep::test {

FakeClock::FakeClock()
    : FakeClock(Time(std::chrono::sys_days(std::chrono::year(2024) / 12 / 27) +
                     std::chrono::hours(12))) {}

// The steady clock starts far from zero, as the real one does.
FakeClock::FakeClock(Time start)
    : wall_(start),
      steady_(std::chrono::steady_clock::duration(std::chrono::hours(1000))) {}

Time FakeClock::Now() {
  MutexLock lock(&mutex_);
  return wall_;
}

std::chrono::steady_clock::time_point FakeClock::SteadyNow() {
  MutexLock lock(&mutex_);
  return steady_;
}

bool FakeClock::SleepFor(std::chrono::milliseconds duration,
                         std::stop_token stop) {
  std::stop_callback wake(stop, [this] {
    MutexLock lock(&mutex_);
    changed_.notify_all();
  });
  MutexLock lock(&mutex_);
  const auto end = steady_ + duration;
  ++sleepers_;
  changed_.notify_all();
  while (steady_ < end && !stop.stop_requested()) changed_.wait(mutex_);
  --sleepers_;
  return !stop.stop_requested();
}

void FakeClock::Advance(std::chrono::milliseconds duration) {
  MutexLock lock(&mutex_);
  wall_ += duration;
  steady_ += duration;
  changed_.notify_all();
}

void FakeClock::SetWallClock(Time now) {
  MutexLock lock(&mutex_);
  wall_ = now;
}

bool FakeClock::WaitForSleepers(int count) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(20);
  MutexLock lock(&mutex_);
  while (sleepers_ < count) {
    if (changed_.wait_until(mutex_, deadline) == std::cv_status::timeout) {
      return sleepers_ >= count;
    }
  }
  return true;
}

}  // namespace levelkeep::test
