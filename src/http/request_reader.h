// The guard: turns the bytes of a connection into checked requests.
//
// It uses no socket and no clock, so that every refusal can be tested with
// bytes as input and a status as result. Its memory is limited by
// kMaxHeadBytes, the body limit of the route, and the size of one Append.

#ifndef LEVELKEEP_HTTP_REQUEST_READER_H_
#define LEVELKEEP_HTTP_REQUEST_READER_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "http/chunked_body.h"
#include "http/request_head.h"

namespace levelkeep::http {

// Thread safety: one thread at a time.
class RequestReader {
 public:
  // Called once for each head: resolves the request and returns the body limit
  // of its route.
  using OnHead = std::function<size_t(Request*)>;

  enum class State {
    kIdle,     // between requests; no byte of the next one was read
    kHead,     // inside a head
    kBody,     // inside a body
    kRequest,  // request() is complete
    kRefused,  // refusal() says why; the connection must be closed
  };

  explicit RequestReader(OnHead on_head);

  State Append(std::string_view bytes);
  State state() const { return state_; }
  // True once per request, if the client waits for "100 Continue".
  bool TakeContinue();
  // REQUIRES: state() == kRequest or kBody.
  const RequestHead& head() const { return head_; }
  RequestHead* mutable_head() { return &head_; }
  // REQUIRES: state() == kRefused.
  const Refusal& refusal() const { return refusal_; }
  // Continues with the next request, whose bytes may have arrived already.
  // REQUIRES: state() == kRequest.
  State Next();

 private:
  State Advance();
  bool ReadHead();
  bool ReadBody();
  bool Refuse(const Refusal& refusal);

  const OnHead on_head_;
  State state_ = State::kIdle;
  std::string input_;
  size_t scanned_ = 0;  // bytes of input_ that hold no end of the head
  RequestHead head_;
  std::optional<ChunkedBody> chunks_;
  bool continue_wanted_ = false;
  size_t empty_lines_ = 0;  // before the request
  Refusal refusal_;
};

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_REQUEST_READER_H_
