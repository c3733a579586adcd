#include "archive/archive_sink.h"

#include "base/status_macros.h"

namespace levelkeep {
namespace {

// Often enough that the final sync is short, rarely enough that the device gets
// long sequential writes.
constexpr uint64_t kWritebackBytes = 8u << 20;

}  // namespace

ArchiveSink::ArchiveSink(File* file, bool md5, ReadBack* read_back)
    : file_(file), read_back_(read_back), sha256_(DigestKind::kSha256) {
  if (md5) md5_ = std::make_unique<Digest>(DigestKind::kMd5);
}

Status ArchiveSink::Append(std::string_view bytes) {
  if (read_back_ != nullptr && read_back_->failed()) {
    return read_back_->status();
  }
  LEVELKEEP_RETURN_IF_ERROR(file_->Append(bytes));
  sha256_.Update(bytes);
  if (md5_ != nullptr) md5_->Update(bytes);
  size_bytes_ += bytes.size();
  if (size_bytes_ - writeback_started_ >= kWritebackBytes) {
    file_->StartWriteback(writeback_started_, size_bytes_ - writeback_started_);
    writeback_started_ = size_bytes_;
  }
  if (read_back_ != nullptr) read_back_->Written(bytes);
  return Status::Ok();
}

void ArchiveSink::Finish(ArchiveSummary* summary) {
  summary->size_bytes = size_bytes_;
  summary->sha256 = sha256_.FinishHex();
  if (md5_ != nullptr) summary->md5 = md5_->FinishHex();
}

}  // namespace levelkeep
