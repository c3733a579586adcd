#if !defined(LEVELKEEP_WITH_ISAL)

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>

#include "archive/archive_writer.h"
#include "archive/deflate.h"

namespace levelkeep {
namespace {

// zlib's levels that come nearest to ISA-L's 0..3 in size.
constexpr std::array<int, 4> kZlibLevels = {1, 1, 2, 4};

}  // namespace

struct Deflater::Engine {
  z_stream stream = {};
  ~Engine() { deflateEnd(&stream); }
};

Deflater::Deflater(bool compress, int level) {
  if (!compress) return;
  engine_ = std::make_unique<Engine>();
  const int zlib_level =
      kZlibLevels[static_cast<size_t>(std::clamp(level, 0, 3))];
  // Negative window bits: no zlib header around the blocks.
  if (deflateInit2(&engine_->stream, zlib_level, Z_DEFLATED, -MAX_WBITS, 8,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();  // caught where threads begin
  }
}

Deflater::~Deflater() = default;

bool Deflater::TryDeflate(std::string_view step, bool last, size_t limit,
                          ByteBuffer* out) {
  z_stream& stream = engine_->stream;
  deflateReset(&stream);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(step.data()));
  stream.avail_in = static_cast<uInt>(step.size());
  stream.next_out = reinterpret_cast<Bytef*>(out->Tail(limit));
  stream.avail_out = static_cast<uInt>(limit);
  const int code = deflate(&stream, last ? Z_FINISH : Z_FULL_FLUSH);
  // A flush is complete only if it did not fill the room to the last byte.
  const bool complete =
      last ? code == Z_STREAM_END : code == Z_OK && stream.avail_out > 0;
  if (!complete || stream.avail_in != 0) return false;
  out->Advance(limit - stream.avail_out);
  return true;
}

std::string CompressorName() { return "zlib"; }

}  // namespace levelkeep

#endif  // !LEVELKEEP_WITH_ISAL
