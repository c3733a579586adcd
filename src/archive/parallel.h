// Runs one body on several threads and returns the first failure; digests of
// what is long, which ask for such a failure between steps.

#ifndef LEVELKEEP_ARCHIVE_PARALLEL_H_
#define LEVELKEEP_ARCHIVE_PARALLEL_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <utility>

#include "base/file_system.h"
#include "base/hash.h"
#include "base/mutex.h"
#include "levelkeep/options.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Each worker of the archive module holds megabytes: more than this many are
// never used, whatever is asked for, so that memory stays bounded.
inline constexpr int kMaxWorkers = 8;

// `requested` workers, 0 for as many as cores; 1 .. kMaxWorkers.
int WorkerCount(int requested);

// Shared by the workers of one operation: the first failure stops all.
// Thread safety: all methods may be called concurrently.
class Verdict {
 public:
  explicit Verdict(std::stop_token stop) : stop_(std::move(stop)) {}

  // Keeps the first failure; ok is ignored.
  void Fail(const Status& status);
  // Something failed: leave.
  bool failed() const { return failed_.load(std::memory_order_acquire); }
  // kCancelled on a stop request, the first failure, or ok: to be asked
  // between steps of work.
  Status Check();
  Status status();

 private:
  const std::stop_token stop_;
  std::atomic<bool> failed_ = false;
  Mutex mutex_;
  Status first_ GUARDED_BY(mutex_);
};

// Runs `body` and turns whatever it throws (no memory, a callback of the
// host) into a Status.
Status RunGuarded(const std::function<Status()>& body);

// Less work than this is done at once, by the calling thread.
inline constexpr uint64_t kSmallWorkBytes = 1u << 20;

// Runs `body` on `workers` threads of that priority (0: on the calling thread,
// at its own) until all of them return and calls `tick` (if set) on the calling
// thread several times a second and once at the end. Failures and exceptions of
// a body go to `verdict`, whose status is returned. `wake` (if set) is called
// once after a failure, for bodies that wait for each other.
Status RunWorkers(int workers, ThreadPriority priority, Verdict* verdict,
                  const std::function<Status()>& body,
                  const std::function<void()>& tick,
                  const std::function<void()>& wake = nullptr);

// Feeds [begin, end) to `digest`; asks `verdict` between steps.
Status DigestRange(const ByteSource& source, uint64_t begin, uint64_t end,
                   Digest* digest, Verdict* verdict);
// Of the first `size_bytes`; asks `verdict` between steps.
Result<std::string> Sha256OfSource(const ByteSource& source,
                                   uint64_t size_bytes, Verdict* verdict);

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_PARALLEL_H_
