#include <algorithm>
#include <utility>

#include "archive/write_pipeline.h"
#include "base/status_macros.h"

namespace levelkeep {

namespace {

// Often enough that the final sync is short, rarely enough that the device gets
// long sequential writes.
constexpr uint64_t kWritebackBytes = 8u << 20;

constexpr uint64_t kReadBackBytes = 1u << 20;
// Pieces in a run, so that the device sees long sequential reads.
constexpr size_t kPiecesPerRun = 8;
constexpr size_t kReadBytes = 4u << 20;  // whole pieces

Status DiffersAt(uint64_t offset) {
  return Status(StatusCode::kCorruption,
                "the archive on disk differs from what was written, near "
                "offset " +
                    std::to_string(offset),
                "the disk or its controller is damaged: back up to another "
                "disk");
}

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

ReadBack::ReadBack(File* file, ThreadPriority priority, std::stop_token stop)
    : file_(file), priority_(priority), verdict_(std::move(stop)) {}

ReadBack::~ReadBack() {
  MutexLock lock(&mutex_);
  ended_ = true;
  runs_.clear();
  changed_.notify_all();
}

void ReadBack::Written(std::string_view bytes) {
  while (!bytes.empty()) {
    if (written_.pieces.empty() ||
        written_.pieces.back().size_bytes == kReadBackBytes) {
      written_.pieces.emplace_back();
    }
    Piece& piece = written_.pieces.back();
    const std::string_view part =
        bytes.substr(0, static_cast<size_t>(kReadBackBytes - piece.size_bytes));
    piece.crc32 = Crc32(piece.crc32, part);
    piece.size_bytes += part.size();
    written_.size_bytes += part.size();
    bytes.remove_prefix(part.size());
    if (written_.size_bytes < kPiecesPerRun * kReadBackBytes) continue;
    const uint64_t end = written_.offset + written_.size_bytes;
    {
      MutexLock lock(&mutex_);
      runs_.push_back(std::exchange(written_, Run{end, 0, {}}));
      changed_.notify_all();
    }
    if (!thread_.joinable()) thread_ = StartThread();
  }
}

std::jthread ReadBack::StartThread() {
  return TryThread(priority_, [this] {
    verdict_.Fail(RunGuarded([this] { return CheckRuns(); }));
  });
}

Status ReadBack::Finish() {
  const uint64_t size = written_.offset + written_.size_bytes;
  uint64_t unchecked = 0;
  {
    MutexLock lock(&mutex_);
    if (written_.size_bytes > 0) {
      runs_.push_back(std::exchange(written_, Run{size, 0, {}}));
    }
    for (const Run& run : runs_) unchecked += run.size_bytes;
    ended_ = true;
    changed_.notify_all();
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, file_->Stat());
  if (info.size_bytes != size) {
    return Status(StatusCode::kCorruption,
                  "the archive has " + std::to_string(info.size_bytes) +
                      " bytes on disk, but " + std::to_string(size) +
                      " were written");
  }
  // The caller's thread keeps its priority, so a helper does most of the work.
  std::jthread helper;
  if (unchecked >= kSmallWorkBytes) helper = StartThread();
  if (helper.joinable()) {
    helper.join();
  } else {
    verdict_.Fail(RunGuarded([this] { return CheckRuns(); }));
  }
  if (thread_.joinable()) thread_.join();
  return verdict_.status();
}

Status ReadBack::CheckRuns() {
  ByteBuffer buffer;
  while (const std::optional<Run> run = Next()) {
    LEVELKEEP_RETURN_IF_ERROR(CheckRun(*run, buffer.Tail(kReadBytes)));
  }
  return Status::Ok();
}

std::optional<ReadBack::Run> ReadBack::Next() {
  MutexLock lock(&mutex_);
  while (runs_.empty() && !ended_) changed_.wait(mutex_);
  if (runs_.empty() || verdict_.failed()) return std::nullopt;
  Run run = std::move(runs_.front());
  runs_.pop_front();
  return run;
}

Status ReadBack::CheckRun(const Run& run, char* buffer) {
  // Cached pages prove nothing about the disk, and only pages that the device
  // has accepted can be dropped from the cache.
  LEVELKEEP_RETURN_IF_ERROR(
      file_->WaitForWriteback(run.offset, run.size_bytes));
  // Dropping also leaves more cache to the application.
  file_->DontNeed(run.offset, run.size_bytes);
  uint64_t offset = run.offset;
  std::string_view bytes;
  for (const Piece& piece : run.pieces) {
    if (bytes.empty()) {
      LEVELKEEP_RETURN_IF_ERROR(verdict_.Check());
      const size_t wanted = static_cast<size_t>(
          std::min<uint64_t>(kReadBytes, run.offset + run.size_bytes - offset));
      // Reads to the end of a block; the bytes behind `wanted` are ignored.
      LEVELKEEP_ASSIGN_OR_RETURN(
          const size_t count,
          file_->ReadFromDevice(offset, buffer, RoundUpToBlock(wanted)));
      if (count < wanted) return DiffersAt(offset + count);
      bytes = {buffer, wanted};
    }
    const size_t size = static_cast<size_t>(piece.size_bytes);
    if (Crc32(0, bytes.substr(0, size)) != piece.crc32) {
      return DiffersAt(offset);
    }
    bytes.remove_prefix(size);
    offset += size;
  }
  return Status::Ok();
}

}  // namespace levelkeep
