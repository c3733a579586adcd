#include "archive/gzip_format.h"

#include <algorithm>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <utility>

#include "base/status_macros.h"
#include "dbfiles/coding.h"

namespace levelkeep {

namespace {

constexpr size_t kOffsetDigits = 16;
constexpr size_t kOffsetPosition = 16;

constexpr uint64_t kGzipReadBytes = 512u << 10;
constexpr uint64_t kAheadBytes = 8 * kGzipReadBytes;  // read in advance
constexpr size_t kMaxHeaderText = 4096;               // file name, comment

// Flags of the header.
constexpr unsigned kHeaderCrc = 1u << 1;
constexpr unsigned kExtra = 1u << 2;
constexpr unsigned kName = 1u << 3;
constexpr unsigned kComment = 1u << 4;
constexpr unsigned kReserved = 0xe0;

constexpr size_t kInflatedBlockBytes = 256u << 10;
constexpr int kBlocksAhead = 8;

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
  std::string trailer;
  PutFixed(&trailer, crc_);
  PutFixed(&trailer, size_);
  out_->Append(trailer);
}

std::string EncodeFooter(uint64_t toc_offset) {
  // gzip header with FEXTRA, 26 bytes of extra field: "SG", length 22.
  std::string footer(
      "\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff\x1a\x00SG\x16\x00",
      kOffsetPosition);
  char digits[kOffsetDigits + 1];
  std::snprintf(digits, sizeof digits, "%016" PRIx64, toc_offset);
  footer += digits;
  footer += "STARGZ";
  // One empty stored block, marked as the last; CRC and length of no bytes.
  footer += std::string("\x01\x00\x00\xff\xff", 5);
  footer += std::string(kMemberTrailerBytes, '\0');
  return footer;
}

std::optional<uint64_t> DecodeFooter(std::string_view footer) {
  if (footer.size() != kFooterBytes) return std::nullopt;
  const char* const digits = footer.data() + kOffsetPosition;
  uint64_t offset = 0;
  std::from_chars(digits, digits + kOffsetDigits, offset, 16);
  // Also refuses all that are not lower-case digits.
  if (EncodeFooter(offset) != footer) return std::nullopt;
  return offset;
}

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
  const size_t size = std::min(kGzipReadBytes, size_bytes_ - offset_);
  if (offset_ % kAheadBytes == 0) {
    source_->WillNeed(offset_, 2 * kAheadBytes);
  }
  LEVELKEEP_RETURN_IF_ERROR(block_.Read(*source_, offset_, size));
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
    switch (inflater_->Inflate(&input_, buffer, size, &written)) {
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

Result<unsigned> GzipStream::HeaderNumber() {
  LEVELKEEP_ASSIGN_OR_RETURN(const unsigned low, HeaderByte());
  LEVELKEEP_ASSIGN_OR_RETURN(const unsigned high, HeaderByte());
  return low | high << 8;
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
    LEVELKEEP_ASSIGN_OR_RETURN(const unsigned size, HeaderNumber());
    for (unsigned i = 0; i < size; ++i) {
      LEVELKEEP_RETURN_IF_ERROR(HeaderByte().status());
    }
  }
  if ((flags & kName) != 0) LEVELKEEP_RETURN_IF_ERROR(SkipHeaderText());
  if ((flags & kComment) != 0) LEVELKEEP_RETURN_IF_ERROR(SkipHeaderText());
  if ((flags & kHeaderCrc) != 0) {
    const uint32_t expected = header_crc_ & 0xffff;
    LEVELKEEP_ASSIGN_OR_RETURN(const unsigned stated, HeaderNumber());
    if (stated != expected) {
      return Damaged("a gzip header has a wrong checksum");
    }
  }
  inflater_->Reset();
  in_member_ = true;
  ++members_;
  return Status::Ok();
}

InflateAhead::InflateAhead(const ByteSource* source, uint64_t size_bytes,
                           Verdict* verdict)
    : source_(source),
      verdict_(verdict),
      gzip_(source, size_bytes, verdict),
      alone_(size_bytes < kSmallWorkBytes) {}

InflateAhead::~InflateAhead() {
  MutexLock lock(&mutex_);
  given_up_ = true;
  changed_.notify_all();
}

Result<std::string_view> InflateAhead::Next() {
  if (ended_) return std::string_view();
  const uint64_t digested = block_.offset;
  if (!alone_ && (thread_.joinable() || Start())) {
    block_ = Take();
  } else {
    block_ = Inflate(std::move(block_.bytes));
  }
  LEVELKEEP_RETURN_IF_ERROR(block_.status);
  ended_ = block_.bytes.size() == 0;
  // Digests the bytes with another read, from the page cache: cheaper than on
  // the inflating thread, for which all others wait.
  LEVELKEEP_RETURN_IF_ERROR(
      DigestRange(*source_, digested, block_.offset, &sha256_, verdict_));
  return block_.bytes.view();
}

// False if the host refuses a thread; the calling thread then inflates.
bool InflateAhead::Start() {
  {
    MutexLock lock(&mutex_);
    for (int i = 0; i < kBlocksAhead; ++i)
      free_.emplace_back(kInflatedBlockBytes);
  }
  thread_ = TryThread(ThreadPriority::kLow, [this] { Work(); });
  if (thread_.joinable()) return true;
  // For good: the spare blocks were meant for the thread.
  alone_ = true;
  MutexLock lock(&mutex_);
  free_.clear();
  return false;
}

InflateAhead::Block InflateAhead::Inflate(ByteBuffer memory) {
  Block block;
  block.bytes = std::move(memory);
  block.bytes.Clear();
  block.status = RunGuarded([&]() -> Status {
    LEVELKEEP_ASSIGN_OR_RETURN(
        const size_t size,
        gzip_.Read(block.bytes.Tail(kInflatedBlockBytes), kInflatedBlockBytes));
    block.bytes.Advance(size);
    return Status::Ok();
  });
  block.members = gzip_.members();
  block.offset = gzip_.offset();
  block.cut_short = gzip_.cut_short();
  return block;
}

void InflateAhead::Work() {
  for (bool more = true; more;) {
    ByteBuffer memory;
    {
      MutexLock lock(&mutex_);
      while (free_.empty() && !given_up_) changed_.wait(mutex_);
      if (given_up_) return;
      memory = std::move(free_.front());
      free_.pop_front();
    }
    Block block = Inflate(std::move(memory));
    more = block.status.ok() && block.bytes.size() > 0;
    MutexLock lock(&mutex_);
    ready_.push_back(std::move(block));
    changed_.notify_all();
  }
}

InflateAhead::Block InflateAhead::Take() {
  MutexLock lock(&mutex_);
  // The first call has no block to return.
  if (block_.offset > 0) free_.push_back(std::move(block_.bytes));
  changed_.notify_all();
  while (ready_.empty()) changed_.wait(mutex_);
  Block block = std::move(ready_.front());
  ready_.pop_front();
  return block;
}

}  // namespace levelkeep
