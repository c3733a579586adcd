// The inside of one gzip member, by a library of codec.h. Private to archive.
// Source of the format: RFC 1951, RFC 1952.

#ifndef LEVELKEEP_ARCHIVE_INFLATE_H_
#define LEVELKEEP_ARCHIVE_INFLATE_H_

#include <cstddef>
#include <memory>
#include <string_view>

namespace levelkeep {

// Inflates deflate blocks and the trailer (CRC-32, length) behind them, and
// checks the trailer. The member's header is the caller's.
// Thread safety: one thread at a time.
class MemberInflater {
 public:
  enum class Outcome {
    kNeedsInput,   // all input is taken
    kNeedsOutput,  // the output room is full (and input may be left)
    kMemberEnd,    // the trailer was read and is right
    kDamaged,      // bad block, CRC or length
  };

  // One library's way to do it.
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

  // Begins a member, behind its header.
  void Reset() { engine_->Reset(); }
  // Takes bytes from the front of `*input` and writes `*written` of them,
  // inflated, to `output`. At kMemberEnd `*input` begins behind the trailer.
  Outcome Inflate(std::string_view* input, char* output, size_t output_size,
                  size_t* written) {
    return engine_->Inflate(input, output, output_size, written);
  }

 private:
  const std::unique_ptr<Engine> engine_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_INFLATE_H_
