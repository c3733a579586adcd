// The open connections of the server; each has its own thread.

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
  ConnectionSet(size_t max_connections, Serve serve);
  ~ConnectionSet();  // EndAll()

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

#endif  // LEVELKEEP_HTTP_SERVER_CONNECTIONS_H_
