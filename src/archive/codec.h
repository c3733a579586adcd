// Deflates in independent steps and inflates gzip members, by zlib, or by ISA-L
// where it is built in. Private to archive. Source of the formats: RFC 1951,
// RFC 1952.

#ifndef LEVELKEEP_ARCHIVE_CODEC_H_
#define LEVELKEEP_ARCHIVE_CODEC_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "archive/byte_buffer.h"

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

// Turns each step into blocks that end on a byte boundary and refer to
// nothing before it, so that every step that does not shrink is stored.
// The bytes depend on the step, the mode, the library and, with ISA-L, the
// kind of processor only. Thread safety: one thread at a time.
class Deflater {
 public:
  // One library's way to do it.
  class Engine {
   public:
    virtual ~Engine() = default;
    // Deflates into at most `limit` bytes at the tail of `out`; false, with
    // `out` unchanged, if they don't suffice.
    virtual bool TryDeflate(std::string_view step, bool last, size_t limit,
                            ByteBuffer* out) = 0;
  };

  // `level` 0..3 as ISA-L counts; compress false: everything is stored.
  Deflater(bool compress, int level);
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  // Appends the blocks of `step` (at most 1 GiB) to `out`; `last` ends the
  // stream.
  void Append(std::string_view step, bool last, ByteBuffer* out);

 private:
  std::unique_ptr<Engine> engine_;  // none: store
};

// Bytes that storing `size` bytes takes.
size_t StoredSize(size_t size);

struct Codec {
  const char* name;  // of the library: "isa-l" or "zlib"
  // `level` 0..3 as ISA-L counts.
  std::unique_ptr<Deflater::Engine> (*new_deflate)(int level);
  std::unique_ptr<MemberInflater::Engine> (*new_inflate)();
};

extern const Codec kIsalCodec;  // where it is built in
extern const Codec kZlibCodec;

// What Deflater and MemberInflater are made with from now on, in the whole
// process: the first of BuiltInCodecs(). Only tests choose another one, for
// either side.
// Thread safety: any thread.
struct CodecsInUse {
  std::atomic<const Codec*> deflate;
  std::atomic<const Codec*> inflate;
};
CodecsInUse& TheCodecs();

// Those that are built in, the default first.
std::vector<const Codec*> BuiltInCodecs();

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_CODEC_H_
