// Reads the gzip members of LevelKeep's own archives and checks every byte.
// Private to archive.

#ifndef LEVELKEEP_ARCHIVE_MEMBER_READER_H_
#define LEVELKEEP_ARCHIVE_MEMBER_READER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "archive/byte_buffer.h"
#include "archive/codec.h"
#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

// kCorruption, with the hint for a LevelKeep archive.
Status DamagedArchive(const std::string& problem);

// All failures except read errors are kCorruption and name an offset.
// Thread safety: one thread at a time.
class MemberReader {
 public:
  // `source` outlives this object.
  explicit MemberReader(const ByteSource* source);

  // Begins to read the members that fill exactly [begin, end).
  void Start(uint64_t begin, uint64_t end);
  // The same if the bytes from `begin` on are in memory already; `bytes` must
  // stay valid while they are read.
  void Start(uint64_t begin, std::string_view bytes);
  // Whether all bytes up to `end` were read.
  bool AtEnd() const;

  // For each member call Begin, Read until the content is complete, then End.
  Status BeginMember();
  Status Read(char* buffer, size_t size);
  Status ReadZeros(size_t count);
  // Fails unless the member has no more content and its CRC and length match.
  Status EndMember();
  // Begin, all content, End. Fails if the content is larger than `limit`.
  Result<std::string> ReadMember(uint64_t limit);

 private:
  Status Refill();
  Status Damaged(const char* what) const;
  // Inflates up to `size` bytes; sets `ended_` when the member is complete.
  Status Inflate(char* buffer, size_t size, size_t* written);

  const ByteSource* const source_;
  const std::unique_ptr<MemberInflater> inflater_ = MemberInflater::New();
  ByteBuffer block_;
  std::string_view input_;  // not yet read
  uint64_t offset_ = 0;     // of the byte behind input_
  uint64_t end_ = 0;
  bool ended_ = false;  // the current member is complete
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_MEMBER_READER_H_
