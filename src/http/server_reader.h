// Reads the requests of one connection, with deadlines.

#ifndef LEVELKEEP_HTTP_SERVER_READER_H_
#define LEVELKEEP_HTTP_SERVER_READER_H_

#include <atomic>
#include <chrono>
#include <string>

#include "http/request_reader.h"
#include "http/router.h"
#include "http/server.h"
#include "http/server_limits.h"

namespace levelkeep::http {

// `response` as it goes over the wire, with "Connection: close". Only for
// what no handler answers.
std::string FormatRefusal(const Response& response);

// Waits until the peer has read everything and closes too; closing first
// could make it lose the end of the answer.
void Linger(int fd);

// Thread safety: one thread at a time.
class ConnectionReader {
 public:
  // All of them outlive this object; `fd` is not owned.
  ConnectionReader(int fd, const Router* router, const ServerOptions* options,
                   MemoryBudget* bodies, const std::atomic<bool>* cut);

  // The next complete and checked request, which may be changed; null when
  // the connection is to end. The client has then been told why. A large body
  // keeps its place in `bodies` until the next call.
  RequestHead* Next();

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  SteadyTime Deadline(bool first) const;
  // False: the connection is to end.
  bool Read(SteadyTime deadline);
  // False: the connection is to end.
  bool HasRoom(SteadyTime deadline);
  size_t BodyBytes() const;
  void Refuse(const Refusal& refusal) const;

  const int fd_;
  const ServerOptions* const options_;
  MemoryBudget* const bodies_;
  const std::atomic<bool>* const cut_;
  MemoryBudget::Share room_;  // of a large body
  RequestReader reader_;
  bool first_ = true;
};

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_SERVER_READER_H_
