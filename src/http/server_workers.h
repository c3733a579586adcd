// Threads that run the handlers.

#ifndef LEVELKEEP_HTTP_SERVER_WORKERS_H_
#define LEVELKEEP_HTTP_SERVER_WORKERS_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "http/api.h"

namespace levelkeep::http {

// Requests that read go before those that change something, and a quarter of
// the threads is theirs alone: a health check never waits for a restore.
// The queue is bounded by the number of connections, each of which has one
// request at a time.
// Thread safety: Submit may be called from any thread.
class WorkerPool {
 public:
  // Called by a worker when the handler is done.
  using Done = std::function<void(uint64_t connection, Response response)>;

  // `api` outlives this object. REQUIRES: threads >= 2.
  WorkerPool(Api* api, int threads, Done done);
  // Waits for the running handlers; queued requests are dropped.
  ~WorkerPool();

  void Submit(uint64_t connection, Request request);

 private:
  struct Job {
    uint64_t connection = 0;
    Request request;
  };

  void Run(std::stop_token stop);
  bool TakeJob(std::stop_token stop, Job* job, bool* changes);
  void Execute(const Job& job);

  Api* const api_;
  const Done done_;
  const int max_changes_;
  Mutex mutex_;
  CondVar work_;
  std::deque<Job> reads_ GUARDED_BY(mutex_);
  std::deque<Job> changes_ GUARDED_BY(mutex_);
  int running_changes_ GUARDED_BY(mutex_) = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_SERVER_WORKERS_H_
