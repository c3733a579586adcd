// Gunzips a file of another program, front to back. Private to archive.
// Source of the format: RFC 1952.

#ifndef LEVELKEEP_ARCHIVE_GZIP_STREAM_H_
#define LEVELKEEP_ARCHIVE_GZIP_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "archive/byte_buffer.h"
#include "archive/inflate.h"
#include "archive/parallel.h"
#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Reads consecutive members up to the last byte of the file. Checks the CRC and
// length of each member; refuses any other bytes behind a member.
// Thread safety: one thread at a time.
class GzipStream {
 public:
  // `source` and `verdict` outlive this object.
  GzipStream(const ByteSource* source, uint64_t size_bytes, Verdict* verdict);

  // Up to `size` > 0 inflated bytes; 0 at the end. kCorruption if damaged.
  Result<size_t> Read(char* buffer, size_t size);
  // Members begun so far.
  uint64_t members() const { return members_; }
  // Compressed bytes consumed so far.
  uint64_t offset() const { return offset_; }
  // True if Read failed because the file ends inside a member.
  bool cut_short() const { return cut_short_; }

 private:
  Status Refill();
  Result<unsigned char> HeaderByte();
  Status SkipHeaderBytes(size_t count);
  Status SkipHeaderText();
  Status ReadHeader();
  Status Damaged(const char* what) const;

  const ByteSource* const source_;
  const uint64_t size_bytes_;
  Verdict* const verdict_;
  MemberInflater inflater_;
  ByteBuffer block_;
  std::string_view input_;  // the unread part of block_
  uint64_t offset_ = 0;     // of the byte behind block_
  uint64_t members_ = 0;
  bool in_member_ = false;
  bool cut_short_ = false;
  uint32_t header_crc_ = 0;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_GZIP_STREAM_H_
