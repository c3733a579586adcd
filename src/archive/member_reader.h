// Reads the gzip members of our own archives, insisting on every byte.
// Private to archive.

#ifndef LEVELKEEP_ARCHIVE_MEMBER_READER_H_
#define LEVELKEEP_ARCHIVE_MEMBER_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "archive/byte_buffer.h"
#include "archive/codec.h"
#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

// All failures but those of reading are kCorruption and name an offset.
// Thread safety: one thread at a time.
class MemberReader {
 public:
  // `source` outlives it.
  explicit MemberReader(const ByteSource* source);

  // Turns to the members that fill exactly [begin, end).
  void Start(uint64_t begin, uint64_t end);
  // The same, where the bytes from `begin` on are in memory already; they
  // outlive the reading.
  void Start(uint64_t begin, std::string_view bytes);
  // All bytes up to `end` were taken.
  bool AtEnd() const;

  // One member after the other: Begin, Read until its content is taken, End.
  Status BeginMember();
  Status Read(char* buffer, size_t size);
  // Up to `size` bytes; 0 once the member's content was taken.
  Result<size_t> ReadSome(char* buffer, size_t size);
  Status ReadZeros(size_t count);
  // The member must have no more content, and a right CRC and length.
  Status EndMember();
  // Begin, all content, End; content above `limit` is refused.
  Result<std::string> ReadMember(uint64_t limit);

 private:
  Status Refill();
  Status Damaged(const char* what) const;
  // Inflates into up to `size` bytes; `*ended` when the member is complete.
  Status Inflate(char* buffer, size_t size, size_t* written, bool* ended);

  const ByteSource* const source_;
  MemberInflater inflater_;
  ByteBuffer block_;
  std::string_view input_;  // not yet read
  uint64_t offset_ = 0;     // of the byte behind input_
  uint64_t end_ = 0;
  bool ended_ = false;  // the member that was begun
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_MEMBER_READER_H_
