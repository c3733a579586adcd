#include <algorithm>
#include <atomic>
#include <utility>

#include "archive/archive_writer.h"
#include "archive/byte_buffer.h"
#include "archive/parallel.h"
#include "base/hash.h"
#include "base/status_macros.h"

namespace levelkeep {
namespace {

// Runs of pieces that one worker reads in a row, so that the device sees
// long sequential reads.
constexpr size_t kPiecesPerRun = 8;

}  // namespace

Status ReadBackArchive(const File& file, const ArchiveSummary& summary,
                       int threads, std::stop_token stop) {
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, file.Stat());
  if (info.size_bytes != summary.size_bytes) {
    return Status(StatusCode::kCorruption,
                  "the archive has " + std::to_string(info.size_bytes) +
                      " bytes on disk, " + std::to_string(summary.size_bytes) +
                      " were written");
  }
  // What the page cache holds proves nothing about the disk.
  file.DontNeed(0, summary.size_bytes);
  std::vector<uint64_t> offsets;
  uint64_t offset = 0;
  for (const ArchivePiece& piece : summary.pieces) {
    offsets.push_back(offset);
    offset += piece.size_bytes;
  }
  const size_t piece_count = summary.pieces.size();
  std::atomic<size_t> next_run = 0;
  Verdict verdict(std::move(stop));
  const auto work = [&]() -> Status {
    ByteBuffer buffer;
    for (;;) {
      const size_t begin = next_run.fetch_add(1) * kPiecesPerRun;
      if (begin >= piece_count) return Status::Ok();
      const size_t end = std::min(begin + kPiecesPerRun, piece_count);
      const uint64_t run_bytes = offsets[end - 1] +
                                 summary.pieces[end - 1].size_bytes -
                                 offsets[begin];
      file.WillNeed(offsets[begin], run_bytes);
      for (size_t i = begin; i < end; ++i) {
        LEVELKEEP_RETURN_IF_ERROR(verdict.Check());
        const size_t size = static_cast<size_t>(summary.pieces[i].size_bytes);
        buffer.Clear();
        LEVELKEEP_RETURN_IF_ERROR(
            ReadExactly(file, offsets[i], buffer.Tail(size), size));
        buffer.Advance(size);
        if (Crc32(0, buffer.view()) != summary.pieces[i].crc32) {
          return Status(StatusCode::kCorruption,
                        "the archive differs on disk from what was written, "
                        "near offset " +
                            std::to_string(offsets[i]),
                        "the disk or its controller is damaged: back up to "
                        "another one");
        }
      }
      // The application's pages are worth more than a backup's.
      file.DontNeed(offsets[begin], run_bytes);
    }
  };
  return RunWorkers(
      summary.size_bytes < kSmallWorkBytes ? 0 : WorkerCount(threads), &verdict,
      work, nullptr);
}

}  // namespace levelkeep
