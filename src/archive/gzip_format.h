// gzip framing as LevelKeep writes it: one fixed header, so that a reader can
// check every bit. Private to archive. Source of the format: RFC 1952.

#ifndef LEVELKEEP_ARCHIVE_GZIP_FORMAT_H_
#define LEVELKEEP_ARCHIVE_GZIP_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "archive/byte_buffer.h"
#include "archive/deflate.h"

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

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_GZIP_FORMAT_H_
