// Turns the bytes of a connection into checked requests: the guard. Chunked
// bodies (RFC 9112, section 7.1) are decoded strictly.
//
// It uses no socket and no clock, so that every refusal can be tested with
// bytes as input and a status as result. Its memory is limited by
// kMaxHeadBytes, the body limit of the route, and the size of one Append.

#ifndef LEVELKEEP_HTTP_REQUEST_READER_H_
#define LEVELKEEP_HTTP_REQUEST_READER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "http/request_head.h"

namespace levelkeep::http {

// Thread safety: one thread at a time.
class ChunkedBody {
 public:
  enum class State { kMore, kDone, kMalformed, kTooLarge };

  explicit ChunkedBody(size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // Consumes bytes from the front of `input` and appends content to `body`.
  // Chunk extensions and trailers are read, within limits, and dropped.
  State Consume(std::string* input, std::string* body);

 private:
  enum class Step { kSize, kData, kDataEnd, kTrailer };

  State ReadLine(const std::string& input, size_t* position, std::string* line);
  State TakeSize(const std::string& line);

  const size_t limit_bytes_;
  Step step_ = Step::kSize;
  uint64_t left_in_chunk_ = 0;
  size_t total_bytes_ = 0;
  size_t overhead_bytes_ = 0;  // of extensions and trailers
};

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

  explicit RequestReader(OnHead on_head) : on_head_(std::move(on_head)) {}

  State Append(std::string_view bytes);
  State state() const { return state_; }
  // True once per request, if the client waits for "100 Continue".
  bool TakeContinue() { return std::exchange(continue_wanted_, false); }
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
  // These return whether another step is possible.
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
