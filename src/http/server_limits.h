// Limits of concurrent work: connections (each with its own thread), handlers,
// memory, downloads, event streams.

#ifndef LEVELKEEP_HTTP_SERVER_LIMITS_H_
#define LEVELKEEP_HTTP_SERVER_LIMITS_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "base/unique_fd.h"
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

// A limited number of places, or of bytes for all bodies or answers of more
// than kSmallBytes; smaller ones are not counted.
// Thread safety: all methods may be called concurrently.
class Budget {
 public:
  static constexpr size_t kSmallBytes = 16 << 10;
  // Returns what it holds when it is destroyed. The budget outlives it.
  using Share = std::shared_ptr<void>;

  explicit Budget(size_t max) : max_(max) {}

  // Null if the budget is exhausted now. A request above the whole budget is
  // granted only while nothing else is outstanding.
  Share TryTake(size_t amount);

 private:
  const size_t max_;
  std::atomic<size_t> taken_{0};
};

// Thread safety: all methods may be called concurrently.
class TransferLimits {
 public:
  TransferLimits(size_t max_downloads, size_t max_streams,
                 size_t max_answer_bytes)
      : downloads_(max_downloads),
        streams_(max_streams),
        answers_(max_answer_bytes) {}

  // A response with a file, a stream or a large body holds a place until it is
  // destroyed; if no place is free, it becomes a 503. EndStreams ends all
  // streams. This object outlives the response.
  Response Admit(Response response);
  void EndStreams() { streams_end_ = true; }

 private:
  Budget downloads_;
  Budget streams_;
  Budget answers_;
  std::atomic<bool> streams_end_{false};
};

// Thread safety: one thread may call Add and EndAll; any thread the rest.
class ConnectionSet {
 public:
  // kWorking: handles a request or sends its answer. kLeaving: waits until the
  // client closes.
  enum class Phase { kReading, kWorking, kLeaving };

  class Connection {
   public:
    int fd() const { return fd_.get(); }

   private:
    friend class ConnectionSet;
    UniqueFd fd_;  // closed by the connection's thread, under mutex_
    // Protected by mutex_ of the set.
    Phase phase_ = Phase::kReading;
    std::chrono::steady_clock::time_point since_;
    bool told_to_end_ = false;
    bool done_ = false;
    std::thread thread_;
  };
  using Serve = std::function<void(Connection*)>;

  // `serve` runs on the connection's thread; the connection is closed when it
  // returns. Except in kWorking, it must return soon after the socket was shut
  // down.
  ConnectionSet(size_t max_connections, Serve serve)
      : max_connections_(max_connections), serve_(std::move(serve)) {}
  ~ConnectionSet() { EndAll(); }

  // If all places are taken, the connection that has been reading or leaving
  // longest is closed. False, with `*fd` unchanged, if all are working or no
  // thread can be started.
  bool Add(UniqueFd* fd);
  // False if the connection must end now.
  bool Enter(Phase phase, Connection* connection);
  // From now on no connection begins to read, and those that read end.
  void EndReading();
  // Waits until no connection works. False if some still do at the deadline.
  bool WaitForWork(std::chrono::steady_clock::time_point deadline);
  // Shuts down all connections and waits for their threads.
  void EndAll();

 private:
  void Run(Connection* connection);
  void End(Connection* connection) REQUIRES_LOCK(mutex_);
  // Joins finished threads, and the thread of `evicted` unless it is null.
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
