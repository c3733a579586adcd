// Deflates in independent steps and inflates gzip members, with zlib or, if it
// is built in, with ISA-L. Private to archive. Source of the formats: RFC 1951,
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

// Inflates deflate blocks, by one library, and checks the trailer (CRC-32,
// length) behind them. The caller reads the member's header.
// Thread safety: one thread at a time.
class MemberInflater {
 public:
  enum class Outcome {
    kNeedsInput,   // all input was consumed
    kNeedsOutput,  // the output is full; input may be left
    kMemberEnd,    // the trailer was read and is correct
    kDamaged,      // a block, the CRC or the length is wrong
  };

  static std::unique_ptr<MemberInflater> New();
  virtual ~MemberInflater() = default;

  // Begins a member, after its header.
  virtual void Reset() = 0;
  // Consumes bytes from the front of `*input` and writes `*written` inflated
  // bytes to `output`. At kMemberEnd, `*input` begins behind the trailer.
  virtual Outcome Inflate(std::string_view* input, char* output,
                          size_t output_size, size_t* written) = 0;
};

// Turns each step into blocks that end on a byte boundary and refer to no bytes
// before the step. A step that deflate does not shrink is stored. The bytes
// depend only on the step, the mode, the library and, with ISA-L, the
// kind of processor only. Thread safety: one thread at a time.
class Deflater {
 public:
  // The deflate implementation of one library.
  class Engine {
   public:
    virtual ~Engine() = default;
    // Appends the deflated step to `out` if it takes at most `limit` bytes;
    // otherwise returns false and leaves `out` unchanged.
    virtual bool TryDeflate(std::string_view step, bool last, size_t limit,
                            ByteBuffer* out) = 0;
  };

  // `level` is 0..3 as in ISA-L; with compress = false, all steps are stored.
  Deflater(bool compress, int level);

  // Appends the blocks of `step` (at most 1 GiB) to `out`; `last` ends the
  // stream.
  void Append(std::string_view step, bool last, ByteBuffer* out);

 private:
  std::unique_ptr<Engine> engine_;  // null: store
};

// The number of bytes that storing `size` bytes takes.
size_t StoredSize(size_t size);

struct Codec {
  const char* name;  // the library: "isa-l" or "zlib"
  // `level` is 0..3 as in ISA-L.
  std::unique_ptr<Deflater::Engine> (*new_deflate)(int level);
  std::unique_ptr<MemberInflater> (*new_inflate)();
};

extern const Codec kIsalCodec;  // only if it is built in
extern const Codec kZlibCodec;

// The libraries for Deflaters and MemberInflaters that are created from now on
// in this process: the first of BuiltInCodecs(). Only tests change them.
// Thread safety: any thread.
struct CodecsInUse {
  std::atomic<const Codec*> deflate;
  std::atomic<const Codec*> inflate;
};
CodecsInUse& TheCodecs();

// The libraries that are built in, the default first.
std::vector<const Codec*> BuiltInCodecs();

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_CODEC_H_
