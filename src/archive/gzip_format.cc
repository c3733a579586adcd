#include "archive/gzip_format.h"

#include "base/hash.h"

namespace levelkeep {
namespace {

constexpr size_t kOffsetDigits = 16;
constexpr size_t kOffsetPosition = 16;

void AppendLittleEndian32(uint32_t value, ByteBuffer* out) {
  const char bytes[4] = {static_cast<char>(value & 0xff),
                         static_cast<char>(value >> 8 & 0xff),
                         static_cast<char>(value >> 16 & 0xff),
                         static_cast<char>(value >> 24 & 0xff)};
  out->Append({bytes, sizeof bytes});
}

}  // namespace

MemberWriter::MemberWriter(Deflater* deflater, ByteBuffer* out)
    : deflater_(deflater), out_(out) {
  out_->Append(kMemberHeader);
}

void MemberWriter::Append(std::string_view step, bool last) {
  crc_ = Crc32(crc_, step);
  size_ += static_cast<uint32_t>(step.size());
  deflater_->Append(step, last, out_);
  if (!last) return;
  AppendLittleEndian32(crc_, out_);
  AppendLittleEndian32(size_, out_);
}

std::string EncodeFooter(uint64_t toc_offset) {
  // gzip header with FEXTRA, 26 bytes of extra field: "SG", length 22.
  std::string footer(
      "\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff\x1a\x00SG\x16\x00",
      kOffsetPosition);
  static constexpr char kDigits[] = "0123456789abcdef";
  for (size_t i = 0; i < kOffsetDigits; ++i) {
    const size_t shift = 4 * (kOffsetDigits - 1 - i);
    footer += kDigits[toc_offset >> shift & 0xf];
  }
  footer += "STARGZ";
  // One empty stored block, marked as the last; CRC and length of no bytes.
  footer += std::string("\x01\x00\x00\xff\xff", 5);
  footer += std::string(kMemberTrailerBytes, '\0');
  return footer;
}

std::optional<uint64_t> DecodeFooter(std::string_view footer) {
  if (footer.size() != kFooterBytes) return std::nullopt;
  uint64_t offset = 0;
  for (const char digit : footer.substr(kOffsetPosition, kOffsetDigits)) {
    uint64_t value = 0;
    if (digit >= '0' && digit <= '9') {
      value = static_cast<uint64_t>(digit - '0');
    } else if (digit >= 'a' && digit <= 'f') {
      value = static_cast<uint64_t>(digit - 'a') + 10;
    } else {
      return std::nullopt;
    }
    offset = offset << 4 | value;
  }
  if (EncodeFooter(offset) != footer) return std::nullopt;
  return offset;
}

}  // namespace levelkeep
