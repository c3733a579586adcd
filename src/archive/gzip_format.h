// gzip framing as we write it: one fixed header, so that a reader can check
// every bit. Also gunzips files of other programs from front to back on a
// separate thread. Private to archive. Source of the format: RFC 1952.

#ifndef LEVELKEEP_ARCHIVE_GZIP_FORMAT_H_
#define LEVELKEEP_ARCHIVE_GZIP_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "archive/byte_buffer.h"
#include "archive/codec.h"
#include "archive/parallel.h"
#include "base/file_system.h"
#include "base/hash.h"
#include "base/mutex.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Deflate, no flags, no time, no level, unknown operating system.
inline constexpr std::string_view kMemberHeader{
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", 10};
inline constexpr size_t kMemberTrailerBytes = 8;
inline constexpr size_t kFooterBytes = 51;
// The highest ratio of deflate. An archive that claims more is lying.
inline constexpr uint64_t kMaxDeflateRatio = 1032;

// Builds one member in steps.
// Thread safety: one thread at a time.
class MemberWriter {
 public:
  // `deflater` and `out` outlive this object.
  MemberWriter(Deflater* deflater, ByteBuffer* out);
  // `last` completes the member.
  void Append(std::string_view step, bool last);
  // The CRC of all content so far.
  uint32_t crc32() const { return crc_; }

 private:
  Deflater* const deflater_;
  ByteBuffer* const out_;
  uint32_t crc_ = 0;
  uint32_t size_ = 0;
};

// The eStargz footer: an empty member that names the offset of the table of
// contents.
std::string EncodeFooter(uint64_t toc_offset);
// Nullopt unless the bytes are exactly as EncodeFooter writes them.
std::optional<uint64_t> DecodeFooter(std::string_view footer);

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
  // Two bytes, the lower one first.
  Result<unsigned> HeaderNumber();
  Status SkipHeaderText();
  Status ReadHeader();
  Status Damaged(const char* what) const;

  const ByteSource* const source_;
  const uint64_t size_bytes_;
  Verdict* const verdict_;
  const std::unique_ptr<MemberInflater> inflater_ = MemberInflater::New();
  ByteBuffer block_;
  std::string_view input_;  // the unread part of block_
  uint64_t offset_ = 0;     // of the byte behind block_
  uint64_t members_ = 0;
  bool in_member_ = false;
  bool cut_short_ = false;
  uint32_t header_crc_ = 0;
};

// Only one thread can inflate a gzip file of another program, and that takes
// longest; digests and writing run in parallel. A small file is inflated by the
// calling thread.
// Thread safety: one thread at a time.
class InflateAhead {
 public:
  // `source` and `verdict` outlive this object.
  InflateAhead(const ByteSource* source, uint64_t size_bytes, Verdict* verdict);
  ~InflateAhead();
  InflateAhead(const InflateAhead&) = delete;
  InflateAhead& operator=(const InflateAhead&) = delete;

  // More inflated bytes, valid until the next call; empty at the end.
  Result<std::string_view> Next();

  // Members begun and compressed bytes consumed, up to Next's last result.
  uint64_t members() const { return block_.members; }
  uint64_t offset() const { return block_.offset; }
  // True if Next failed because the file ends inside a member.
  bool cut_short() const { return block_.cut_short; }
  // The digest of all compressed bytes. REQUIRES: Next has returned empty.
  std::string FinishSha256() { return sha256_.FinishHex(); }

 private:
  struct Block {
    ByteBuffer bytes;  // empty at the end or after a failure
    Status status;
    uint64_t members = 0;
    uint64_t offset = 0;
    bool cut_short = false;
  };

  Block Inflate(ByteBuffer memory);
  void Work();
  bool Start();
  Block Take();

  const ByteSource* const source_;
  Verdict* const verdict_;
  GzipStream gzip_;  // used only by the thread, once it runs
  Digest sha256_{DigestKind::kSha256};
  Block block_;  // the last result of Next
  bool ended_ = false;
  bool alone_;  // no thread: the file is small, or the host refused one

  Mutex mutex_;
  CondVar changed_;
  std::deque<Block> ready_ GUARDED_BY(mutex_);
  std::deque<ByteBuffer> free_ GUARDED_BY(mutex_);
  bool given_up_ GUARDED_BY(mutex_) = false;
  std::jthread thread_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_GZIP_FORMAT_H_
