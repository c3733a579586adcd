// Appends to a file, bypassing the page cache, a megabyte at a time. Private to
// archive.

#ifndef LEVELKEEP_ARCHIVE_BLOCK_WRITER_H_
#define LEVELKEEP_ARCHIVE_BLOCK_WRITER_H_

#include <cstdint>
#include <string_view>

#include "archive/byte_buffer.h"
#include "base/file_system.h"

namespace levelkeep {

// Thread safety: one thread at a time.
class BlockWriter {
 public:
  // Continues with another file, which is empty. `file` outlives its Finish.
  void Begin(File* file);
  Status Append(std::string_view bytes);
  // Writes the remaining bytes. Does not sync the file.
  Status Finish();

 private:
  Status Flush();

  File* file_ = nullptr;
  uint64_t written_ = 0;
  ByteBuffer buffer_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_BLOCK_WRITER_H_
