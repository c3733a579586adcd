// Decodes a chunked request body (RFC 9112, section 7.1), strictly.

#ifndef LEVELKEEP_HTTP_CHUNKED_BODY_H_
#define LEVELKEEP_HTTP_CHUNKED_BODY_H_

#include <cstddef>
#include <cstdint>
#include <string>

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

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_CHUNKED_BODY_H_
