#include "base/work.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <new>
#include <string>

#include "base/log.h"

namespace levelkeep {

namespace {

constexpr char kHostLogTag[] = "BackupManager";

}  // namespace

Status ThrownByHost(std::string_view what) {
  const std::string begin = std::string(what) + " raised an exception";
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kNoSpace, begin + ": not enough memory",
                  "raise the memory limit of this process");
  } catch (const std::exception& error) {
    return Status(StatusCode::kInternal, begin + ": " + error.what(),
                  "it is an error of the application");
  } catch (...) {
    return Status(StatusCode::kInternal, begin + " of unknown type",
                  "it is an error of the application");
  }
}

std::function<void(double)> HostProgress(
    std::function<void(double fraction)> progress) {
  if (!progress) return nullptr;
  // Shared by the copies of the function; called by one thread at a time.
  const auto failed = std::make_shared<bool>(false);
  return [progress = std::move(progress), failed](double fraction) {
    if (*failed) return;
    const Status called = CallHost("the progress callback", [&] {
      progress(fraction);
      return Status::Ok();
    });
    if (called.ok()) return;
    *failed = true;
    LogWarn(kHostLogTag, called.ToString() + "; it is not called again");
  };
}

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
  // Rounded up: a wait of zero would let the rate exceed the limit.
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(begin - now);
  if (!clock_->SleepFor(wait, std::move(stop))) {
    return Status(StatusCode::kCancelled, "stopped on request");
  }
  return Status::Ok();
}

}  // namespace levelkeep
