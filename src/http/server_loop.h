// The thread that owns all connections: reads requests, writes responses,
// keeps deadlines, and never blocks.

#ifndef LEVELKEEP_HTTP_SERVER_LOOP_H_
#define LEVELKEEP_HTTP_SERVER_LOOP_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/unique_fd.h"
#include "http/api.h"
#include "http/request_reader.h"
#include "http/server.h"
#include "http/server_transfers.h"
#include "http/server_workers.h"

namespace levelkeep::http {

// Thread safety: Complete and RequestStop may be called from any thread; Run
// by one, the rest by that one.
class ServerLoop {
 public:
  // `api` and `transfers` outlive this object.
  ServerLoop(Api* api, TransferSet* transfers, const ServerOptions& options);

  // kIoError when the kernel gives no epoll or eventfd.
  Status Open(UniqueFd listener);
  // Returns after RequestStop, when everything has been answered or the
  // time for that is over. `workers` call Complete.
  void Run(WorkerPool* workers);
  // The answer to the request of a connection.
  void Complete(uint64_t connection, Response response);
  void RequestStop();

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  enum class Phase { kReading, kHandling, kSending, kLingering };

  struct Connection {
    Connection(uint64_t id_in, UniqueFd fd_in,
               RequestReader::BodyLimit body_limit)
        : id(id_in), fd(std::move(fd_in)), reader(std::move(body_limit)) {}

    const uint64_t id;
    UniqueFd fd;
    RequestReader reader;
    RequestReader::State seen = RequestReader::State::kIdle;
    Phase phase = Phase::kReading;
    SteadyTime deadline = SteadyTime::max();
    std::string out;
    size_t sent = 0;
    size_t lingered_bytes = 0;
    bool close_after = false;
    bool broken = false;  // the peer reset it while its request runs
  };

  void Turn();
  int WaitMilliseconds() const;
  bool Drained();
  void Accept();
  // Makes room by closing the connection that has been reading for longest.
  bool EvictOne();
  void OnEvent(uint64_t id, uint32_t events);
  void OnDeadline(Connection* connection);
  void Read(Connection* connection);
  void AfterRead(Connection* connection);
  void SetReadDeadline(Connection* connection);
  void Dispatch(Connection* connection);
  void Answer(Connection* connection, Response response);
  void Refuse(Connection* connection, const Refusal& refusal);
  void StartSending(Connection* connection, std::string bytes);
  void Send(Connection* connection);
  void AfterSend(Connection* connection);
  void Linger(Connection* connection);
  void Watch(Connection* connection, uint32_t events);
  void Close(Connection* connection);
  void TakeCompletions();
  void BeginStop();
  void Wake();

  Api* const api_;
  TransferSet* const transfers_;
  const ServerOptions options_;
  WorkerPool* workers_ = nullptr;
  UniqueFd epoll_;
  UniqueFd wake_;
  UniqueFd listener_;
  uint64_t next_id_ = 2;  // 0: the listener, 1: wake_
  std::map<uint64_t, std::unique_ptr<Connection>> connections_;
  std::atomic<bool> stop_requested_{false};
  bool stopping_ = false;
  bool cancelled_ = false;
  SteadyTime stop_deadline_ = SteadyTime::max();

  Mutex mutex_;
  std::vector<std::pair<uint64_t, Response>> completions_ GUARDED_BY(mutex_);
};

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_SERVER_LOOP_H_
