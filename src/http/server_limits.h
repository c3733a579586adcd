// How much of what runs at once: connections (each with a thread of its own),
// handlers, downloads, event streams.

#ifndef LEVELKEEP_HTTP_SERVER_LIMITS_H_
#define LEVELKEEP_HTTP_SERVER_LIMITS_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <thread>

#include "base/mutex.h"
#include "base/unique_fd.h"
#include "http/message.h"

namespace levelkeep::http {

// Requests wait here for their turn. A quarter of the places is for those
// that only read: a health check never waits for a restore.
// Thread safety: all methods may be called concurrently.
class WorkGate {
 public:
  // REQUIRES: places >= 2.
  explicit WorkGate(int places);

  // False, without a place: Close was called.
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

// So much memory is there for all bodies, or answers, that are larger than
// usual; what is below kSmallBytes is not counted.
// Thread safety: all methods may be called concurrently.
class MemoryBudget {
 public:
  static constexpr size_t kSmallBytes = 16 << 10;
  // Given back when it is gone. The budget outlives it.
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

  // A response with a file, a stream or a large body takes a place until it
  // is gone; one for which there is no place becomes a 503. Streams end with
  // EndStreams. This object outlives the response.
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

// Thread safety: Add and EndAll by one thread at a time; the rest by any.
class ConnectionSet {
 public:
  // kWorking: a request is handled or its answer sent. kLeaving: waits for
  // the client to close.
  enum class Phase { kReading, kWorking, kLeaving };

  class Connection {
   public:
    int fd() const { return fd_.get(); }

   private:
    friend class ConnectionSet;
    UniqueFd fd_;  // closed by its thread, under mutex_
    // Protected by mutex_ of the set.
    Phase phase_ = Phase::kReading;
    std::chrono::steady_clock::time_point since_;
    bool told_to_end_ = false;
    bool done_ = false;
    std::thread thread_;
  };
  using Serve = std::function<void(Connection*)>;

  // `serve` runs on the connection's thread; the connection is closed when
  // it returns. It must return soon after the socket was shut down, unless it
  // is in kWorking.
  ConnectionSet(size_t max_connections, Serve serve);
  ~ConnectionSet();  // EndAll()

  // When all places are taken, whoever is reading or leaving for longest must
  // go. False, with `*fd` untouched: all are at work, or there is no thread.
  bool Add(UniqueFd* fd);
  // False: the connection must end now.
  bool Enter(Phase phase, Connection* connection);
  // From now on nobody begins to read; who is reading ends.
  void EndReading();
  // Waits until nobody works. False: some still do at the deadline.
  bool WaitForWork(std::chrono::steady_clock::time_point deadline);
  // Shuts all down and waits for their threads.
  void EndAll();

 private:
  void Run(Connection* connection);
  void End(Connection* connection) REQUIRES_LOCK(mutex_);
  // Joins the threads that are done, and `evicted` if it is not null.
  void Reap(Connection* evicted);
  Connection* Evictable() REQUIRES_LOCK(mutex_);

  const size_t max_connections_;
  const Serve serve_;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::list<Connection> connections_ GUARDED_BY(mutex_);
};

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_SERVER_LIMITS_H_
