// Turns files into gzip members: the work of one worker of the writer. Private
// to archive.

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

// Step size: bytes are read, digested and deflated while in the CPU's cache.
inline constexpr size_t kStepBytes = 512u << 10;

// The objects that all workers use between steps.
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
  // Appends the member with `size` > 0 bytes of `source` at `offset`, and
  // `padding` zeros. `name` is for messages.
  Result<Chunk> AppendChunk(const std::string& name, const ByteSource& source,
                            uint64_t offset, uint64_t size, size_t padding,
                            ByteBuffer* out);
  enum class Copy {
    kDone,
    kDamaged,     // the member has changed
    kUnreadable,  // the device did not return it; another try may succeed
  };
  // Appends a copy of the member in `archive`, which stands for `size` bytes of
  // content. `out` is unchanged unless the result is kDone.
  Result<Copy> AppendCopy(const ByteSource& archive, const TocChunk& member,
                          uint64_t size, ByteBuffer* out);
  // Begins a member that the caller fills in steps of kStepBytes.
  MemberWriter BeginMember(ByteBuffer* out) { return {&deflater_, out}; }
  // Reads the same bytes again into `digest`. kCorruption if these bytes and
  // `padding` zeros do not have the CRC `crc32`.
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

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_ENTRY_ENCODER_H_
