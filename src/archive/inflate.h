// Inflates one gzip member, with a library of codec.h. Private to archive.
// Source of the format: RFC 1951, RFC 1952.

#ifndef LEVELKEEP_ARCHIVE_INFLATE_H_
#define LEVELKEEP_ARCHIVE_INFLATE_H_

#include <cstddef>
#include <memory>
#include <string_view>

namespace levelkeep {

// Inflates deflate blocks and checks the trailer (CRC-32, length) behind them.
// The caller reads the member's header.
// Thread safety: one thread at a time.
class MemberInflater {
 public:
  enum class Outcome {
    kNeedsInput,   // all input was consumed
    kNeedsOutput,  // the output is full; input may be left
    kMemberEnd,    // the trailer was read and is correct
    kDamaged,      // a block, the CRC or the length is wrong
  };

  // The inflate implementation of one library.
  class Engine {
   public:
    virtual ~Engine() = default;
    virtual void Reset() = 0;
    virtual Outcome Inflate(std::string_view* input, char* output,
                            size_t output_size, size_t* written) = 0;
  };

  MemberInflater();
  ~MemberInflater();
  MemberInflater(const MemberInflater&) = delete;
  MemberInflater& operator=(const MemberInflater&) = delete;

  // Begins a member, after its header.
  void Reset() { engine_->Reset(); }
  // Consumes bytes from the front of `*input` and writes `*written` inflated
  // bytes to `output`. At kMemberEnd, `*input` begins behind the trailer.
  Outcome Inflate(std::string_view* input, char* output, size_t output_size,
                  size_t* written) {
    return engine_->Inflate(input, output, output_size, written);
  }

 private:
  const std::unique_ptr<Engine> engine_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_INFLATE_H_
