// Spreads work over time.

#ifndef LEVELKEEP_BASE_RATE_LIMITER_H_
#define LEVELKEEP_BASE_RATE_LIMITER_H_

#include <chrono>
#include <cstdint>
#include <stop_token>

#include "base/clock.h"
#include "base/mutex.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Thread safety: all methods may be called concurrently.
class RateLimiter {
 public:
  // 0: no limit. `clock` outlives it.
  RateLimiter(Clock* clock, uint64_t bytes_per_second);
  // Returns when `bytes` more may be worked on; kCancelled on `stop`. What
  // was not used in the past can't be saved up.
  Status Take(uint64_t bytes, std::stop_token stop);

 private:
  Clock* const clock_;
  const uint64_t bytes_per_second_;
  Mutex mutex_;
  // When everything granted so far is worked off at the given rate.
  std::chrono::steady_clock::time_point free_at_ GUARDED_BY(mutex_);
};

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_RATE_LIMITER_H_
