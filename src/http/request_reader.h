// Turns the bytes of a connection into checked requests: the guard. Chunked
// bodies (RFC 9112, section 7.1) are decoded strictly.
//
// Knows no socket and no clock, so every refusal is tested by bytes in,
// status out. Memory is bounded by kMaxHeadBytes, the body limit of the
// route, and what one call of Append brings.

#ifndef LEVELKEEP_HTTP_REQUEST_READER_H_
#define LEVELKEEP_HTTP_REQUEST_READER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "http/request_head.h"

namespace levelkeep::http {

// Thread safety: one thread at a time.
class ChunkedBody {
 public:
  enum class State { kMore, kDone, kMalformed, kTooLarge };

  explicit ChunkedBody(size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // Takes what it can use off the front of `input` and appends content to
  // `body`. Chunk extensions and trailers are read within bounds and dropped.
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
  // Called once for each head: resolves the request, and returns the largest
  // body that its route takes.
  using OnHead = std::function<size_t(Request*)>;

  enum class State {
    kIdle,     // between requests, nothing read of the next one
    kHead,     // within a head
    kBody,     // within a body
    kRequest,  // request() is complete
    kRefused,  // refusal() says why; the connection must be closed
  };

  explicit RequestReader(OnHead on_head);

  State Append(std::string_view bytes);
  State state() const { return state_; }
  // Once per request: true when the client waits for "100 Continue".
  bool TakeContinue();
  // REQUIRES: state() == kRequest or kBody.
  const RequestHead& head() const { return head_; }
  RequestHead* mutable_head() { return &head_; }
  // REQUIRES: state() == kRefused.
  const Refusal& refusal() const { return refusal_; }
  // Goes on to the next request, whose bytes may be there already.
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
  size_t scanned_ = 0;  // of input_, without the end of the head in it
  RequestHead head_;
  std::optional<ChunkedBody> chunks_;
  bool continue_wanted_ = false;
  size_t empty_lines_ = 0;  // before the request
  Refusal refusal_;
};

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_REQUEST_READER_H_
