// Runs one body on several threads and returns the first failure; digests of
// what is long, which ask for such a failure between steps.

#ifndef LEVELKEEP_ARCHIVE_PARALLEL_H_
#define LEVELKEEP_ARCHIVE_PARALLEL_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "base/file_system.h"
#include "base/hash.h"
#include "base/mutex.h"
#include "levelkeep/options.h"
#include "levelkeep/status.h"

namespace levelkeep {

// The highest number of workers, whatever is requested: each one holds
// megabytes, so this limits memory.
inline constexpr int kMaxWorkers = 8;

// The number of workers for a request, 1 .. kMaxWorkers; 0 means one per core.
int WorkerCount(int requested);

// Shared by the workers of one operation: the first failure stops all workers.
// Thread safety: all methods may be called concurrently.
class Verdict {
 public:
  explicit Verdict(std::stop_token stop) : stop_(std::move(stop)) {}

  // Keeps the first failure; ok is ignored.
  void Fail(const Status& status);
  // True after a failure: the worker must return.
  bool failed() const { return failed_.load(std::memory_order_acquire); }
  // kCancelled on a stop request, else the first failure, else ok. Workers call
  // this between steps.
  Status Check();
  Status status();

 private:
  const std::stop_token stop_;
  std::atomic<bool> failed_ = false;
  Mutex mutex_;
  Status first_ GUARDED_BY(mutex_);
};

// Runs `body` and converts any exception (no memory, or from a callback of the
// host) to a Status.
Status RunGuarded(const std::function<Status()>& body);

// Runs `work` on a thread of that priority; the thread is not joinable if the
// host refuses one.
std::jthread TryThread(ThreadPriority priority, std::function<void()> work);

// Runs `body`, guarded, on a thread of that priority, as are all threads and
// processes that it starts, and waits for its end. The caller's thread keeps
// its own priority, because it may belong to the application and go on to take
// locks that others wait for.
Status RunAside(ThreadPriority priority, const std::function<Status()>& body);

// Less work than this is done by the calling thread.
inline constexpr uint64_t kSmallWorkBytes = 1u << 20;

// Runs `body` on `workers` threads with that priority (0: on the calling thread
// with its own priority) until all have returned. Calls `tick`, if set, on the
// calling thread several times a second and once at the end. Failures and
// exceptions of a body go to `verdict`, whose status is returned. `wake`, if
// set, is called once after a failure, for bodies that wait for each other.
Status RunWorkers(int workers, ThreadPriority priority, Verdict* verdict,
                  const std::function<Status()>& body,
                  const std::function<void()>& tick,
                  const std::function<void()>& wake = nullptr);

// Feeds [begin, end) to `digest`; checks `verdict` between steps.
Status DigestRange(const ByteSource& source, uint64_t begin, uint64_t end,
                   Digest* digest, Verdict* verdict);
// The digest of the first `size_bytes` in hex; kCancelled on `stop`.
Result<std::string> DigestOfSource(DigestKind kind, const ByteSource& source,
                                   uint64_t size_bytes, std::stop_token stop);

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_PARALLEL_H_
