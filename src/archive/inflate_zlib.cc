#if !defined(LEVELKEEP_WITH_ISAL)

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <new>

#include "archive/inflate.h"
#include "base/hash.h"

namespace levelkeep {
namespace {

constexpr size_t kTrailerBytes = 8;

uint32_t LittleEndian32(const unsigned char* bytes) {
  return static_cast<uint32_t>(bytes[0]) |
         static_cast<uint32_t>(bytes[1]) << 8 |
         static_cast<uint32_t>(bytes[2]) << 16 |
         static_cast<uint32_t>(bytes[3]) << 24;
}

}  // namespace

struct MemberInflater::Engine {
  z_stream stream = {};
  uint32_t crc = 0;
  uint32_t size = 0;  // modulo 2^32, as the trailer has it
  bool in_trailer = false;
  unsigned char trailer[kTrailerBytes];
  size_t trailer_size = 0;

  ~Engine() { inflateEnd(&stream); }

  Outcome TakeTrailer(std::string_view* input) {
    while (trailer_size < kTrailerBytes && !input->empty()) {
      trailer[trailer_size++] = static_cast<unsigned char>(input->front());
      input->remove_prefix(1);
    }
    if (trailer_size < kTrailerBytes) return Outcome::kNeedsInput;
    return LittleEndian32(trailer) == crc && LittleEndian32(trailer + 4) == size
               ? Outcome::kMemberEnd
               : Outcome::kDamaged;
  }
};

MemberInflater::MemberInflater() : engine_(std::make_unique<Engine>()) {
  if (inflateInit2(&engine_->stream, -MAX_WBITS) != Z_OK) {
    throw std::bad_alloc();  // caught where threads begin
  }
}

MemberInflater::~MemberInflater() = default;

void MemberInflater::Reset() {
  inflateReset(&engine_->stream);
  engine_->crc = 0;
  engine_->size = 0;
  engine_->in_trailer = false;
  engine_->trailer_size = 0;
}

MemberInflater::Outcome MemberInflater::Inflate(std::string_view* input,
                                                char* output,
                                                size_t output_size,
                                                size_t* written) {
  *written = 0;
  if (engine_->in_trailer) return engine_->TakeTrailer(input);
  z_stream& stream = engine_->stream;
  const size_t offered = std::min<size_t>(input->size(), 1u << 30);
  const size_t room = std::min<size_t>(output_size, 1u << 30);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input->data()));
  stream.avail_in = static_cast<uInt>(offered);
  stream.next_out = reinterpret_cast<Bytef*>(output);
  stream.avail_out = static_cast<uInt>(room);
  const int code = inflate(&stream, Z_NO_FLUSH);
  input->remove_prefix(offered - stream.avail_in);
  *written = room - stream.avail_out;
  engine_->crc = Crc32(engine_->crc, {output, *written});
  engine_->size += static_cast<uint32_t>(*written);
  if (code == Z_STREAM_END) {
    engine_->in_trailer = true;
    return engine_->TakeTrailer(input);
  }
  if (code != Z_OK && code != Z_BUF_ERROR) return Outcome::kDamaged;
  if (stream.avail_out == 0) return Outcome::kNeedsOutput;
  return stream.avail_in == 0 ? Outcome::kNeedsInput : Outcome::kDamaged;
}

}  // namespace levelkeep

#endif  // !LEVELKEEP_WITH_ISAL
