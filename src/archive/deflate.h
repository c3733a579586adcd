// Raw deflate in independent steps, by a library of codec.h. Private to
// archive. Source of the format: RFC 1951.

#ifndef LEVELKEEP_ARCHIVE_DEFLATE_H_
#define LEVELKEEP_ARCHIVE_DEFLATE_H_

#include <cstddef>
#include <memory>
#include <string_view>

#include "archive/byte_buffer.h"

namespace levelkeep {

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
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  // Appends the blocks of `step` (at most 1 GiB) to `out`; `last` ends the
  // stream.
  void Append(std::string_view step, bool last, ByteBuffer* out);

 private:
  std::unique_ptr<Engine> engine_;  // null: store
};

// The number of bytes that storing `size` bytes takes.
size_t StoredSize(size_t size);

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_DEFLATE_H_
