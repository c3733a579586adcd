// Limits for what runs at once: handlers, downloads, event streams.

#ifndef LEVELKEEP_HTTP_SERVER_LIMITS_H_
#define LEVELKEEP_HTTP_SERVER_LIMITS_H_

#include <atomic>
#include <cstddef>
#include <memory>

#include "base/mutex.h"
#include "http/message.h"

namespace levelkeep::http {

// Requests wait here for a place. A quarter of the places is reserved for
// requests that only read: a health check never waits for a restore.
// Thread safety: all methods may be called concurrently.
class WorkGate {
 public:
  // REQUIRES: places >= 2.
  explicit WorkGate(int places);

  // Waits for a place. False, without a place, after Close.
  bool Enter(bool changes);
  void Leave(bool changes);
  void Close();

 private:
  const int max_;
  const int max_changes_;
  Mutex mutex_;
  CondVar left_;
  bool closed_ GUARDED_BY(mutex_) = false;
  int running_ GUARDED_BY(mutex_) = 0;
  int running_changes_ GUARDED_BY(mutex_) = 0;
};

// The memory for all bodies, or all answers, of more than kSmallBytes; smaller
// ones are not counted.
// Thread safety: all methods may be called concurrently.
class MemoryBudget {
 public:
  static constexpr size_t kSmallBytes = 16 << 10;
  // Returns its memory when it is destroyed. The budget outlives it.
  using Share = std::shared_ptr<void>;

  explicit MemoryBudget(size_t bytes) : max_(bytes) {}

  // Null if the budget is exhausted now. A request above the whole budget is
  // granted only while nothing else is outstanding.
  Share TryTake(size_t bytes);

 private:
  const size_t max_;
  std::atomic<size_t> taken_{0};
};

// Thread safety: all methods may be called concurrently.
class TransferLimits {
 public:
  TransferLimits(int max_downloads, int max_streams, size_t max_answer_bytes)
      : max_downloads_(max_downloads),
        max_streams_(max_streams),
        answers_(max_answer_bytes) {}

  // A response with a file, a stream or a large body holds a place until it is
  // destroyed; if no place is free, it becomes a 503. EndStreams ends all
  // streams. This object outlives the response.
  Response Admit(Response response);
  void EndStreams() { streams_end_ = true; }

 private:
  const int max_downloads_;
  const int max_streams_;
  MemoryBudget answers_;
  std::atomic<int> downloads_{0};
  std::atomic<int> streams_{0};
  std::atomic<bool> streams_end_{false};
};

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_SERVER_LIMITS_H_
