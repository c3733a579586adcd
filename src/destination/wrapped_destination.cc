#include "destination/wrapped_destination.h"

#include <algorithm>
#include <random>

#include "base/log.h"
#include "base/status_macros.h"

namespace levelkeep {

LimitedDestination::LimitedDestination(std::unique_ptr<Destination> inner,
                                       Clock* clock, uint64_t bytes_per_second)
    : WrappedDestination(std::move(inner)), limiter_(clock, bytes_per_second) {}

GuardedSource::Guard LimitedDestination::Limit(const Work& work) {
  return [this, stop = work.stop](
             size_t size, const GuardedSource::Read& read) -> Result<size_t> {
    LEVELKEEP_RETURN_IF_ERROR(limiter_.Take(size, stop));
    return read();
  };
}

Result<std::unique_ptr<ByteSource>> LimitedDestination::Open(
    const std::string& name, const std::string& version, const Work& work) {
  LEVELKEEP_ASSIGN_OR_RETURN(auto source, inner()->Open(name, version, work));
  return std::unique_ptr<ByteSource>(
      std::make_unique<GuardedSource>(std::move(source), Limit(work)));
}

Result<StoredObject> LimitedDestination::Put(const std::string& name,
                                             const PutSource& source,
                                             PutRecord* record,
                                             const Work& work) {
  LEVELKEEP_RETURN_IF_ERROR(RequirePutSource(source));
  const GuardedSource limited(source.bytes, Limit(work));
  PutSource slow = source;
  slow.bytes = &limited;
  return inner()->Put(name, slow, record, work);
}

namespace {

constexpr char kLogTag[] = "Destination";

const Status& StatusOf(const Status& status) { return status; }
template <typename T>
const Status& StatusOf(const Result<T>& result) {
  return result.status();
}

// Counts the failures of one task.
// Thread safety: one thread at a time.
class Attempts {
 public:
  Attempts(Clock* clock, const RetryPolicy& policy, std::stop_token stop)
      : clock_(clock), policy_(policy), stop_(std::move(stop)) {}

  // The task made progress since the last failure.
  void NoteProgress() { failures_ = 0; }

  // Waits before the next try; returns the task's final error if there is none.
  Status Pause(const Status& failure) {
    if (failure.code() != StatusCode::kIoError) return failure;
    const auto now = clock_->SteadyNow();
    if (failures_++ == 0) {
      since_ = now;
      next_pause_ = policy_.first_pause;
    }
    if (now - since_ >= policy_.patience) return failure;
    std::uniform_int_distribution<int64_t> up_to(0, next_pause_.count());
    std::random_device random;
    if (!clock_->SleepFor(std::chrono::milliseconds(up_to(random)), stop_)) {
      return Status(StatusCode::kCancelled,
                    "stopped on request while waiting to try again: " +
                        failure.message());
    }
    next_pause_ = std::min(2 * next_pause_, policy_.longest_pause);
    return Status::Ok();
  }

 private:
  Clock* const clock_;
  const RetryPolicy& policy_;
  const std::stop_token stop_;
  uint64_t failures_ = 0;  // since the last progress
  std::chrono::steady_clock::time_point since_;
  std::chrono::milliseconds next_pause_{0};
};

}  // namespace

RetryingDestination::RetryingDestination(std::unique_ptr<Destination> inner,
                                         Clock* clock, RetryPolicy policy)
    : WrappedDestination(std::move(inner)), clock_(clock), policy_(policy) {}

template <typename Attempt>
auto RetryingDestination::Try(const Work& work, const Attempt& attempt) const {
  Attempts attempts(clock_, policy_, work.stop);
  for (;;) {
    auto done = attempt();
    if (done.ok()) return done;
    const Status over = attempts.Pause(StatusOf(done));
    if (!over.ok()) return decltype(done)(over);
    LogInfo(kLogTag, "trying again: " + StatusOf(done).ToString());
  }
}

Result<std::vector<StoredObject>> RetryingDestination::List(const Work& work) {
  return Try(work, [&] { return inner()->List(work); });
}

Result<StoredObject> RetryingDestination::Stat(const std::string& name,
                                               const Work& work) {
  return Try(work, [&] { return inner()->Stat(name, work); });
}

Result<std::unique_ptr<ByteSource>> RetryingDestination::Open(
    const std::string& name, const std::string& version, const Work& work) {
  LEVELKEEP_ASSIGN_OR_RETURN(auto source, Try(work, [&] {
                               return inner()->Open(name, version, work);
                             }));
  return std::unique_ptr<ByteSource>(std::make_unique<GuardedSource>(
      std::move(source),
      [this, stop = work.stop](size_t, const GuardedSource::Read& read) {
        return Try({stop, nullptr}, read);
      }));
}

Status RetryingDestination::Remove(const std::string& name, const Work& work) {
  return Try(work, [&] { return inner()->Remove(name, work); });
}

Result<StoredObject> RetryingDestination::Put(const std::string& name,
                                              const PutSource& source,
                                              PutRecord* record,
                                              const Work& work) {
  Attempts attempts(clock_, policy_, work.stop);
  double furthest = 0;  // the highest progress of all attempts
  Work counted = work;
  counted.progress = [&](double fraction) {
    if (fraction <= furthest) return;
    furthest = fraction;
    attempts.NoteProgress();
    if (work.progress) work.progress(fraction);
  };
  for (bool first = true;; first = false) {
    auto put = inner()->Put(name, source, record, counted);
    if (put.ok()) return put;
    if (put.status().code() == StatusCode::kAlreadyExists && !first) {
      return Recognise(name, source, put.status(), work);
    }
    LEVELKEEP_RETURN_IF_ERROR(attempts.Pause(put.status()));
    LogInfo(kLogTag, "putting " + name + " again: " + put.status().ToString());
  }
}

Result<StoredObject> RetryingDestination::Recognise(const std::string& name,
                                                    const PutSource& source,
                                                    const Status& taken,
                                                    const Work& work) {
  LEVELKEEP_ASSIGN_OR_RETURN(const StoredObject object, Stat(name, work));
  if (object.size_bytes != source.size_bytes) return taken;
  if (!object.sha256.empty() && !source.sha256.empty()) {
    if (object.sha256 == source.sha256) return object;
    return taken;
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const auto there,
                             Open(name, object.version, work));
  LEVELKEEP_ASSIGN_OR_RETURN(
      const uint64_t equal,
      CountEqualBytes(*there, *source.bytes, source.size_bytes, work));
  if (equal == source.size_bytes) return object;
  return taken;
}

}  // namespace levelkeep
