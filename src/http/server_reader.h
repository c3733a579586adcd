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

// `response` in wire format, with "Connection: close". Only for requests that
// no handler answers.
std::string FormatRefusal(const Response& response);

// Waits until the peer has read everything and closes its side. If we closed
// first, the peer could lose the end of the answer.
void Linger(int fd);

// Thread safety: one thread at a time.
class ConnectionReader {
 public:
  // All pointers outlive this object; `fd` is not owned.
  ConnectionReader(int fd, const Router* router, const ServerOptions* options,
                   Budget* bodies, const std::atomic<bool>* cut);

  // The next complete and checked request, which the caller may change; null if
  // the connection must end, after the client was told why. A large body keeps
  // its share of `bodies` until the next call.
  RequestHead* Next();

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  SteadyTime Deadline(bool first) const;
  // False if the connection must end.
  bool Read(SteadyTime deadline);
  // False if the connection must end.
  bool HasRoom(SteadyTime deadline);
  size_t BodyBytes() const;
  void Refuse(const Refusal& refusal) const;

  const int fd_;
  const ServerOptions* const options_;
  Budget* const bodies_;
  const std::atomic<bool>* const cut_;
  Budget::Share room_;  // of a large body
  RequestReader reader_;
  bool first_ = true;
};

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_SERVER_READER_H_
