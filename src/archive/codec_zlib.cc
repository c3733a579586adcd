#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <new>

#include "archive/codec.h"

namespace levelkeep {
namespace {

// zlib's levels that come nearest to ISA-L's 0..3 in size.
constexpr std::array<int, 4> kZlibLevels = {1, 1, 2, 4};

constexpr size_t kTrailerBytes = 8;

uint32_t LittleEndian32(const unsigned char* bytes) {
  return static_cast<uint32_t>(bytes[0]) |
         static_cast<uint32_t>(bytes[1]) << 8 |
         static_cast<uint32_t>(bytes[2]) << 16 |
         static_cast<uint32_t>(bytes[3]) << 24;
}

class ZlibDeflate : public Deflater::Engine {
 public:
  explicit ZlibDeflate(int level) {
    const int zlib_level =
        kZlibLevels[static_cast<size_t>(std::clamp(level, 0, 3))];
    // Negative window bits: no zlib header around the blocks.
    if (deflateInit2(&stream_, zlib_level, Z_DEFLATED, -MAX_WBITS, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();  // caught where threads begin
    }
  }
  ~ZlibDeflate() override { deflateEnd(&stream_); }

  bool TryDeflate(std::string_view step, bool last, size_t limit,
                  ByteBuffer* out) override {
    deflateReset(&stream_);
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(step.data()));
    stream_.avail_in = static_cast<uInt>(step.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out->Tail(limit));
    stream_.avail_out = static_cast<uInt>(limit);
    const int code = deflate(&stream_, last ? Z_FINISH : Z_FULL_FLUSH);
    // A flush is complete only if it did not fill the room to the last byte.
    const bool complete =
        last ? code == Z_STREAM_END : code == Z_OK && stream_.avail_out > 0;
    if (!complete || stream_.avail_in != 0) return false;
    out->Advance(limit - stream_.avail_out);
    return true;
  }

 private:
  z_stream stream_ = {};
};

class ZlibInflate : public MemberInflater::Engine {
 public:
  using Outcome = MemberInflater::Outcome;

  ZlibInflate() {
    if (inflateInit2(&stream_, -MAX_WBITS) != Z_OK) {
      throw std::bad_alloc();  // caught where threads begin
    }
  }
  ~ZlibInflate() override { inflateEnd(&stream_); }

  void Reset() override {
    inflateReset(&stream_);
    crc_ = 0;
    size_ = 0;
    in_trailer_ = false;
    trailer_size_ = 0;
  }

  Outcome Inflate(std::string_view* input, char* output, size_t output_size,
                  size_t* written) override {
    *written = 0;
    if (in_trailer_) return TakeTrailer(input);
    const size_t offered = std::min<size_t>(input->size(), 1u << 30);
    const size_t room = std::min<size_t>(output_size, 1u << 30);
    stream_.next_in =
        reinterpret_cast<Bytef*>(const_cast<char*>(input->data()));
    stream_.avail_in = static_cast<uInt>(offered);
    stream_.next_out = reinterpret_cast<Bytef*>(output);
    stream_.avail_out = static_cast<uInt>(room);
    const int code = inflate(&stream_, Z_NO_FLUSH);
    input->remove_prefix(offered - stream_.avail_in);
    *written = room - stream_.avail_out;
    crc_ = ::crc32_z(crc_, reinterpret_cast<const Bytef*>(output), *written);
    size_ += static_cast<uint32_t>(*written);
    if (code == Z_STREAM_END) {
      in_trailer_ = true;
      return TakeTrailer(input);
    }
    if (code != Z_OK && code != Z_BUF_ERROR) return Outcome::kDamaged;
    if (stream_.avail_out == 0) return Outcome::kNeedsOutput;
    return stream_.avail_in == 0 ? Outcome::kNeedsInput : Outcome::kDamaged;
  }

 private:
  Outcome TakeTrailer(std::string_view* input) {
    while (trailer_size_ < kTrailerBytes && !input->empty()) {
      trailer_[trailer_size_++] = static_cast<unsigned char>(input->front());
      input->remove_prefix(1);
    }
    if (trailer_size_ < kTrailerBytes) return Outcome::kNeedsInput;
    return LittleEndian32(trailer_) == crc_ &&
                   LittleEndian32(trailer_ + 4) == size_
               ? Outcome::kMemberEnd
               : Outcome::kDamaged;
  }

  z_stream stream_ = {};
  uLong crc_ = 0;
  uint32_t size_ = 0;  // modulo 2^32, as the trailer has it
  bool in_trailer_ = false;
  unsigned char trailer_[kTrailerBytes];
  size_t trailer_size_ = 0;
};

}  // namespace

const Codec kZlibCodec = {"zlib",
                          [](int level) -> std::unique_ptr<Deflater::Engine> {
                            return std::make_unique<ZlibDeflate>(level);
                          },
                          []() -> std::unique_ptr<MemberInflater::Engine> {
                            return std::make_unique<ZlibInflate>();
                          }};

}  // namespace levelkeep
