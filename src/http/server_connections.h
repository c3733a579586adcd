// The open connections of the server, each with a thread of its own.

#ifndef LEVELKEEP_HTTP_SERVER_CONNECTIONS_H_
#define LEVELKEEP_HTTP_SERVER_CONNECTIONS_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <thread>

#include "base/mutex.h"
#include "base/unique_fd.h"

namespace levelkeep::http {

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

#endif  // LEVELKEEP_HTTP_SERVER_CONNECTIONS_H_
