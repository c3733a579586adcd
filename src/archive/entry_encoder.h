// Turns files into gzip members: what one worker of the writer does.
// Private to archive.

#ifndef LEVELKEEP_ARCHIVE_ENTRY_ENCODER_H_
#define LEVELKEEP_ARCHIVE_ENTRY_ENCODER_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "archive/archive_writer.h"
#include "archive/byte_buffer.h"
#include "archive/codec.h"
#include "archive/gzip_format.h"
#include "archive/parallel.h"
#include "base/file_system.h"
#include "base/hash.h"
#include "base/work.h"
#include "format/toc.h"

namespace levelkeep {

// Bytes that are read, digested and deflated while they are in the cache.
inline constexpr size_t kStepBytes = 512u << 10;

// What the steps of all workers ask and tell.
struct StepControl {
  Verdict* verdict;
  RateLimiter* limiter;
  std::stop_token stop;
  std::atomic<uint64_t>* done_bytes;
};

// Thread safety: one thread at a time.
class EntryEncoder {
 public:
  EntryEncoder(const ArchiveWriteOptions& options, StepControl control);

  // Appends the member that holds the entry's tar header.
  Status AppendHeader(const std::string& name, uint64_t size_bytes,
                      ByteBuffer* out);
  struct Chunk {
    Sha256 sha256;
    uint32_t crc32 = 0;  // of the content and its padding
    uint64_t member_bytes = 0;
    uint64_t member_checksum = 0;
  };
  // Appends the member that holds `size` > 0 bytes of `source` at `offset`
  // and `padding` zeros. `name` is for messages.
  Result<Chunk> AppendChunk(const std::string& name, const ByteSource& source,
                            uint64_t offset, uint64_t size, size_t padding,
                            ByteBuffer* out);
  enum class Copy {
    kDone,
    kDamaged,     // the member is not what it was
    kUnreadable,  // the device did not give it: it may the next time
  };
  // Appends the member as it stands in `archive`, on behalf of `size` bytes
  // of content. `out` is unchanged unless it is done.
  Result<Copy> AppendCopy(const ByteSource& archive, const TocChunk& member,
                          uint64_t size, ByteBuffer* out);
  // A member that the caller fills, in steps of kStepBytes.
  MemberWriter BeginMember(ByteBuffer* out);
  // Appends one member that holds all of `content`.
  void AppendMember(std::string_view content, ByteBuffer* out);
  // Reads the same bytes again into `digest`; kCorruption if they, with
  // `padding` zeros, are not what `crc32` is of.
  Status DigestAgain(const std::string& name, const ByteSource& source,
                     uint64_t offset, uint64_t size, size_t padding,
                     uint32_t crc32, Digest* digest);

 private:
  Status ReadStep(const std::string& name, const ByteSource& source,
                  uint64_t offset, size_t size);

  const int64_t mtime_seconds_;
  const StepControl control_;
  Deflater deflater_;
  ByteBuffer step_;
};

int64_t MtimeSeconds(Time time);

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_ENTRY_ENCODER_H_
