#include "base/rate_limiter.h"

#include <algorithm>
#include <utility>

namespace levelkeep {

RateLimiter::RateLimiter(Clock* clock, uint64_t bytes_per_second)
    : clock_(clock), bytes_per_second_(bytes_per_second) {}

Status RateLimiter::Take(uint64_t bytes, std::stop_token stop) {
  if (bytes_per_second_ == 0) return Status::Ok();
  const auto now = clock_->SteadyNow();
  std::chrono::steady_clock::time_point begin;
  {
    MutexLock lock(&mutex_);
    begin = std::max(free_at_, now);
    const std::chrono::duration<double> cost(
        static_cast<double>(bytes) / static_cast<double>(bytes_per_second_));
    free_at_ =
        begin +
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(cost);
  }
  if (begin <= now) return Status::Ok();
  // Rounded up: a wait of zero would let the rate creep above the limit.
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(begin - now);
  if (!clock_->SleepFor(wait, std::move(stop))) {
    return Status(StatusCode::kCancelled, "stopped on request");
  }
  return Status::Ok();
}

}  // namespace levelkeep
