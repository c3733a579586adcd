#if defined(LEVELKEEP_WITH_ISAL)

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <new>

#include "archive/codec.h"
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

class IsalDeflate : public Deflater::Engine {
 public:
  explicit IsalDeflate(int level)
      : level_(static_cast<uint32_t>(std::clamp(level, 0, 3))),
        level_buffer_(std::make_unique<uint8_t[]>(kLevelBufferBytes[level_])) {}

  bool TryDeflate(std::string_view step, bool last, size_t limit,
                  ByteBuffer* out) override {
    isal_zstream& stream = stream_.For(step);
    stream.level = level_;
    stream.level_buf = level_buffer_.get();
    stream.level_buf_size = kLevelBufferBytes[level_];
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

 private:
  PlacedStream stream_;
  const uint32_t level_;
  const std::unique_ptr<uint8_t[]> level_buffer_;
};

class IsalInflate : public MemberInflater {
 public:
  IsalInflate() { IsalInflate::Reset(); }

  void Reset() override {
    isal_inflate_init(&state_);
    // No header; the trailer is read and compared by the library.
    state_.crc_flag = ISAL_GZIP_NO_HDR_VER;
  }

  Outcome Inflate(std::string_view* input, char* output, size_t output_size,
                  size_t* written) override {
    const size_t offered = std::min<size_t>(input->size(), 1u << 30);
    const size_t room = std::min<size_t>(output_size, 1u << 30);
    state_.next_in =
        reinterpret_cast<uint8_t*>(const_cast<char*>(input->data()));
    state_.avail_in = static_cast<uint32_t>(offered);
    state_.next_out = reinterpret_cast<uint8_t*>(output);
    state_.avail_out = static_cast<uint32_t>(room);
    const int code = isal_inflate(&state_);
    *written = 0;
    // For some damaged data it counts more than it was given.
    if (state_.avail_in > offered || state_.avail_out > room) {
      return Outcome::kDamaged;
    }
    input->remove_prefix(offered - state_.avail_in);
    *written = room - state_.avail_out;
    if (code < 0 || code > ISAL_OUT_OVERFLOW) return Outcome::kDamaged;
    if (state_.block_state == ISAL_BLOCK_FINISH) return Outcome::kMemberEnd;
    if (state_.avail_out == 0) return Outcome::kNeedsOutput;
    return state_.avail_in == 0 ? Outcome::kNeedsInput : Outcome::kDamaged;
  }

 private:
  inflate_state state_;
};

}  // namespace

const Codec kIsalCodec = {"isa-l",
                          [](int level) -> std::unique_ptr<Deflater::Engine> {
                            return std::make_unique<IsalDeflate>(level);
                          },
                          []() -> std::unique_ptr<MemberInflater> {
                            return std::make_unique<IsalInflate>();
                          }};

}  // namespace levelkeep

#endif  // LEVELKEEP_WITH_ISAL
