// Raw deflate in independent steps, by a library of codec.h. Private to
// archive.
// Source of the format: RFC 1951.

#ifndef LEVELKEEP_ARCHIVE_DEFLATE_H_
#define LEVELKEEP_ARCHIVE_DEFLATE_H_

#include <cstddef>
#include <memory>
#include <string_view>

#include "archive/byte_buffer.h"

namespace levelkeep {

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

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_DEFLATE_H_
