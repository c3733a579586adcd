#if defined(LEVELKEEP_WITH_ISAL)

#include <isa-l/igzip_lib.h>

#include <array>
#include <cstdint>
#include <new>

#include "archive/archive_writer.h"
#include "archive/deflate.h"
#include "base/hash.h"

namespace levelkeep {
namespace {

// The large buffers: 15 % faster than the small ones.
constexpr std::array<uint32_t, 4> kLevelBufferBytes = {
    ISAL_DEF_LVL0_LARGE, ISAL_DEF_LVL1_LARGE, ISAL_DEF_LVL2_LARGE,
    ISAL_DEF_LVL3_LARGE};

// ISA-L's state, at an address that the bytes it makes don't depend on.
//
// The x86 body of levels 1 and 2 (isal_deflate_icf_body_hash_hist, 2.30 to at
// least 2.32.1) enters a step's third position into its hash table under the
// hash of the state's address >> 16 instead of that of the bytes there. If
// that is the hash of one of the step's first three positions, another match
// is found later (decision 0016). So the state moves to an address whose hash
// is none of them. The places differ in bits 16 and 17 of their address; that
// makes their hashes differ in the low five bits, the fewest that ISA-L uses
// for a step that gets as far as this.
class PlacedStream {
 public:
  PlacedStream()
      : area_(static_cast<char*>(
            ::operator new(kAreaBytes, std::align_val_t(kAlignment)))),
        stream_(StreamAt(0)) {}
  ~PlacedStream() { ::operator delete(area_, std::align_val_t(kAlignment)); }
  PlacedStream(const PlacedStream&) = delete;
  PlacedStream& operator=(const PlacedStream&) = delete;

  // The state for `step`, as isal_deflate_stateless_init() leaves it.
  isal_zstream& For(std::string_view step) {
    for (size_t place = 0; Collides(step) && place < kPlaces; ++place) {
      stream_ = StreamAt(place);
    }
    isal_deflate_stateless_init(stream_);
    return *stream_;
  }

 private:
  static constexpr size_t kPlaces = 4;  // one more than can collide
  static constexpr size_t kStride = size_t{1} << 16;
  static constexpr size_t kAlignment = kPlaces * kStride;
  // The places overlap: one is in use at a time.
  static constexpr size_t kAreaBytes =
      (kPlaces - 1) * kStride + sizeof(isal_zstream);
  static constexpr size_t kHashedBytes = 4;

  isal_zstream* StreamAt(size_t place) {
    return new (area_ + place * kStride) isal_zstream{};
  }

  bool Collides(std::string_view step) const {
    const uint32_t address =
        static_cast<uint32_t>(reinterpret_cast<uintptr_t>(stream_) >> 16);
    const uint32_t own = LowHash(std::string_view(
        reinterpret_cast<const char*>(&address), kHashedBytes));
    for (size_t i = 0; i < 3 && i + kHashedBytes <= step.size(); ++i) {
      if (LowHash(step.substr(i, kHashedBytes)) == own) return true;
    }
    return false;
  }

  // ISA-L hashes with the CRC32 instruction, begun with 0 and not inverted.
  static uint32_t LowHash(std::string_view bytes) {
    return ~Crc32c(~uint32_t{0}, bytes) & 31;
  }

  char* area_;
  isal_zstream* stream_;
};

}  // namespace

struct Deflater::Engine {
  PlacedStream stream;
  uint32_t level = 0;
  std::unique_ptr<uint8_t[]> level_buffer;
};

Deflater::Deflater(bool compress, int level) {
  if (!compress) return;
  engine_ = std::make_unique<Engine>();
  engine_->level = static_cast<uint32_t>(std::clamp(level, 0, 3));
  const uint32_t size = kLevelBufferBytes[engine_->level];
  if (size > 0) engine_->level_buffer = std::make_unique<uint8_t[]>(size);
}

Deflater::~Deflater() = default;

bool Deflater::TryDeflate(std::string_view step, bool last, size_t limit,
                          ByteBuffer* out) {
  isal_zstream& stream = engine_->stream.For(step);
  stream.level = engine_->level;
  stream.level_buf = engine_->level_buffer.get();
  stream.level_buf_size = kLevelBufferBytes[engine_->level];
  stream.flush = last ? NO_FLUSH : FULL_FLUSH;
  stream.end_of_stream = last ? 1 : 0;
  stream.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(step.data()));
  stream.avail_in = static_cast<uint32_t>(step.size());
  stream.next_out = reinterpret_cast<uint8_t*>(out->Tail(limit));
  stream.avail_out = static_cast<uint32_t>(limit);
  if (isal_deflate_stateless(&stream) != COMP_OK || stream.avail_in != 0) {
    return false;
  }
  out->Advance(limit - stream.avail_out);
  return true;
}

std::string CompressorName() { return "isa-l"; }

}  // namespace levelkeep

#endif  // LEVELKEEP_WITH_ISAL
