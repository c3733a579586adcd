#include "archive/archive_sink.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"

namespace levelkeep {
namespace {

constexpr uint64_t kPieceBytes = 1u << 20;
// Often enough that the sync at the end finds little to do, rarely enough
// that the device sees long runs.
constexpr uint64_t kWritebackBytes = 8u << 20;

}  // namespace

ArchiveSink::ArchiveSink(File* file, bool md5)
    : file_(file), sha256_(DigestKind::kSha256) {
  if (md5) md5_ = std::make_unique<Digest>(DigestKind::kMd5);
}

Status ArchiveSink::Append(std::string_view bytes) {
  LEVELKEEP_RETURN_IF_ERROR(file_->Append(bytes));
  sha256_.Update(bytes);
  if (md5_ != nullptr) md5_->Update(bytes);
  CountPieces(bytes);
  size_bytes_ += bytes.size();
  if (size_bytes_ - writeback_started_ >= kWritebackBytes) {
    file_->StartWriteback(writeback_started_, size_bytes_ - writeback_started_);
    writeback_started_ = size_bytes_;
  }
  return Status::Ok();
}

void ArchiveSink::Finish(ArchiveSummary* summary) {
  summary->size_bytes = size_bytes_;
  summary->sha256 = sha256_.FinishHex();
  if (md5_ != nullptr) summary->md5 = md5_->FinishHex();
  summary->pieces = std::move(pieces_);
}

void ArchiveSink::CountPieces(std::string_view bytes) {
  while (!bytes.empty()) {
    if (pieces_.empty() || pieces_.back().size_bytes == kPieceBytes) {
      pieces_.emplace_back();
    }
    ArchivePiece& piece = pieces_.back();
    const std::string_view part =
        bytes.substr(0, static_cast<size_t>(std::min<uint64_t>(
                            bytes.size(), kPieceBytes - piece.size_bytes)));
    piece.crc32 = Crc32(piece.crc32, part);
    piece.size_bytes += part.size();
    bytes.remove_prefix(part.size());
  }
}

}  // namespace levelkeep
