#include "archive/member_reader.h"

#include <algorithm>

#include "archive/gzip_format.h"
#include "base/status_macros.h"

namespace levelkeep {
namespace {

constexpr uint64_t kMemberReadBytes = 256u << 10;

}  // namespace

Status DamagedArchive(const std::string& problem) {
  return Status(StatusCode::kCorruption, problem,
                "the archive is damaged: use another backup");
}

MemberReader::MemberReader(const ByteSource* source) : source_(source) {}

void MemberReader::Start(uint64_t begin, uint64_t end) {
  input_ = {};
  offset_ = begin;
  end_ = end;
}

void MemberReader::Start(uint64_t begin, std::string_view bytes) {
  input_ = bytes;
  offset_ = begin + bytes.size();
  end_ = offset_;
}

bool MemberReader::AtEnd() const { return input_.empty() && offset_ == end_; }

Status MemberReader::Damaged(const char* what) const {
  return DamagedArchive(std::string(what) + " near offset " +
                        std::to_string(offset_ - input_.size()));
}

Status MemberReader::Refill() {
  if (offset_ == end_) return Damaged("a gzip member is cut short");
  const size_t size = std::min(kMemberReadBytes, end_ - offset_);
  LEVELKEEP_RETURN_IF_ERROR(block_.Read(*source_, offset_, size));
  input_ = block_.view();
  offset_ += size;
  return Status::Ok();
}

Status MemberReader::BeginMember() {
  for (const char expected : kMemberHeader) {
    if (input_.empty()) LEVELKEEP_RETURN_IF_ERROR(Refill());
    if (input_.front() != expected) {
      return Damaged("not a gzip header of LevelKeep");
    }
    input_.remove_prefix(1);
  }
  inflater_->Reset();
  ended_ = false;
  return Status::Ok();
}

Status MemberReader::Inflate(char* buffer, size_t size, size_t* written) {
  for (;;) {
    switch (inflater_->Inflate(&input_, buffer, size, written)) {
      case MemberInflater::Outcome::kMemberEnd:
        ended_ = true;
        return Status::Ok();
      case MemberInflater::Outcome::kNeedsOutput:
        return Status::Ok();
      case MemberInflater::Outcome::kNeedsInput:
        if (*written > 0) return Status::Ok();
        LEVELKEEP_RETURN_IF_ERROR(Refill());
        break;
      case MemberInflater::Outcome::kDamaged:
        return Damaged("compressed data or its checksum is wrong");
    }
  }
}

Status MemberReader::Read(char* buffer, size_t size) {
  while (size > 0) {
    if (ended_) return Damaged("content is shorter than stated");
    size_t written = 0;
    LEVELKEEP_RETURN_IF_ERROR(Inflate(buffer, size, &written));
    buffer += written;
    size -= written;
  }
  return Status::Ok();
}

Status MemberReader::ReadZeros(size_t count) {
  char zeros[512];
  while (count > 0) {
    const size_t size = std::min(count, sizeof zeros);
    LEVELKEEP_RETURN_IF_ERROR(Read(zeros, size));
    if (std::any_of(zeros, zeros + size, [](char c) { return c != 0; })) {
      return Damaged("padding is not zero");
    }
    count -= size;
  }
  return Status::Ok();
}

Status MemberReader::EndMember() {
  while (!ended_) {
    char more;
    size_t written = 0;
    LEVELKEEP_RETURN_IF_ERROR(Inflate(&more, 1, &written));
    if (written > 0) return Damaged("content is longer than stated");
  }
  return Status::Ok();
}

Result<std::string> MemberReader::ReadMember(uint64_t limit) {
  LEVELKEEP_RETURN_IF_ERROR(BeginMember());
  std::string content;
  char buffer[16 << 10];
  while (!ended_) {
    size_t written = 0;
    LEVELKEEP_RETURN_IF_ERROR(Inflate(buffer, sizeof buffer, &written));
    // Doubling the string would briefly take three times its size.
    const uint64_t size = content.size() + written;
    if (!content.empty() && size > content.capacity()) {
      content.reserve(static_cast<size_t>(std::min(
          limit + sizeof buffer,
          size + kMaxDeflateRatio * (input_.size() + end_ - offset_))));
    }
    content.append(buffer, written);
    if (content.size() > limit) return Damaged("content is too long");
  }
  return content;
}

}  // namespace levelkeep
