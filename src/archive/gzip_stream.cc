#include "archive/gzip_stream.h"

#include <algorithm>

#include "base/hash.h"
#include "base/status_macros.h"

namespace levelkeep {
namespace {

constexpr uint64_t kGzipReadBytes = 512u << 10;
constexpr uint64_t kAheadBytes = 8 * kGzipReadBytes;  // read in advance
constexpr size_t kMaxHeaderText = 4096;               // file name, comment

// Flags of the header.
constexpr unsigned kHeaderCrc = 1u << 1;
constexpr unsigned kExtra = 1u << 2;
constexpr unsigned kName = 1u << 3;
constexpr unsigned kComment = 1u << 4;
constexpr unsigned kReserved = 0xe0;

}  // namespace

GzipStream::GzipStream(const ByteSource* source, uint64_t size_bytes,
                       Verdict* verdict)
    : source_(source), size_bytes_(size_bytes), verdict_(verdict) {}

Status GzipStream::Damaged(const char* what) const {
  return Status(StatusCode::kCorruption,
                std::string(what) + " near offset " +
                    std::to_string(offset_ - input_.size()),
                "the archive is damaged: copy it again, or use another one");
}

Status GzipStream::Refill() {
  if (offset_ == size_bytes_) {
    cut_short_ = true;
    return Damaged("the archive is cut short");
  }
  LEVELKEEP_RETURN_IF_ERROR(verdict_->Check());
  const size_t size =
      static_cast<size_t>(std::min(kGzipReadBytes, size_bytes_ - offset_));
  if (offset_ % kAheadBytes == 0) {
    source_->WillNeed(offset_, 2 * kAheadBytes);
  }
  block_.Clear();
  LEVELKEEP_RETURN_IF_ERROR(
      ReadExactly(*source_, offset_, block_.Tail(size), size));
  block_.Advance(size);
  input_ = block_.view();
  offset_ += size;
  return Status::Ok();
}

Result<size_t> GzipStream::Read(char* buffer, size_t size) {
  for (;;) {
    if (!in_member_) {
      if (input_.empty() && offset_ == size_bytes_) return size_t{0};
      LEVELKEEP_RETURN_IF_ERROR(ReadHeader());
    }
    size_t written = 0;
    switch (inflater_.Inflate(&input_, buffer, size, &written)) {
      case MemberInflater::Outcome::kMemberEnd:
        in_member_ = false;
        break;
      case MemberInflater::Outcome::kNeedsOutput:
        break;
      case MemberInflater::Outcome::kNeedsInput:
        if (written == 0) LEVELKEEP_RETURN_IF_ERROR(Refill());
        break;
      case MemberInflater::Outcome::kDamaged:
        return Damaged("compressed data or its checksum is wrong");
    }
    if (written > 0) return written;
  }
}

Result<unsigned char> GzipStream::HeaderByte() {
  if (input_.empty()) LEVELKEEP_RETURN_IF_ERROR(Refill());
  header_crc_ = Crc32(header_crc_, input_.substr(0, 1));
  const auto byte = static_cast<unsigned char>(input_.front());
  input_.remove_prefix(1);
  return byte;
}

Status GzipStream::SkipHeaderBytes(size_t count) {
  for (size_t i = 0; i < count; ++i) {
    LEVELKEEP_RETURN_IF_ERROR(HeaderByte().status());
  }
  return Status::Ok();
}

Status GzipStream::SkipHeaderText() {
  for (size_t i = 0; i < kMaxHeaderText; ++i) {
    LEVELKEEP_ASSIGN_OR_RETURN(const unsigned char byte, HeaderByte());
    if (byte == 0) return Status::Ok();
  }
  return Damaged("a gzip header has an endless name");
}

Status GzipStream::ReadHeader() {
  header_crc_ = 0;
  for (const unsigned expected : {0x1fu, 0x8bu}) {
    LEVELKEEP_ASSIGN_OR_RETURN(const unsigned char byte, HeaderByte());
    if (byte != expected) {
      return Damaged(members_ == 0
                         ? "not a gzip file"
                         : "there are other bytes behind the gzip data");
    }
  }
  unsigned char fixed[8];
  for (unsigned char& byte : fixed) {
    LEVELKEEP_ASSIGN_OR_RETURN(byte, HeaderByte());
  }
  const unsigned flags = fixed[1];
  if (fixed[0] != 8 || (flags & kReserved) != 0) {
    return Damaged("a gzip header of an unknown kind");
  }
  if ((flags & kExtra) != 0) {
    LEVELKEEP_ASSIGN_OR_RETURN(const unsigned low, HeaderByte());
    LEVELKEEP_ASSIGN_OR_RETURN(const unsigned high, HeaderByte());
    LEVELKEEP_RETURN_IF_ERROR(SkipHeaderBytes(low | high << 8));
  }
  if ((flags & kName) != 0) LEVELKEEP_RETURN_IF_ERROR(SkipHeaderText());
  if ((flags & kComment) != 0) LEVELKEEP_RETURN_IF_ERROR(SkipHeaderText());
  if ((flags & kHeaderCrc) != 0) {
    const uint32_t expected = header_crc_ & 0xffff;
    LEVELKEEP_ASSIGN_OR_RETURN(const unsigned low, HeaderByte());
    LEVELKEEP_ASSIGN_OR_RETURN(const unsigned high, HeaderByte());
    if ((low | high << 8) != expected) {
      return Damaged("a gzip header has a wrong checksum");
    }
  }
  inflater_.Reset();
  in_member_ = true;
  ++members_;
  return Status::Ok();
}

}  // namespace levelkeep
