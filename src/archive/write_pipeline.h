// The writing pipeline: many workers turn files into gzip members; one sink
// appends these in order, remembers what was written, and reads it again from
// the device while more is being written. Private to archive.

#ifndef LEVELKEEP_ARCHIVE_WRITE_PIPELINE_H_
#define LEVELKEEP_ARCHIVE_WRITE_PIPELINE_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "archive/archive_writer.h"
#include "archive/byte_buffer.h"
#include "archive/codec.h"
#include "archive/gzip_format.h"
#include "archive/parallel.h"
#include "base/file_system.h"
#include "base/hash.h"
#include "base/mutex.h"
#include "base/work.h"
#include "format/toc.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Step size: bytes are read, digested and deflated while in the CPU's cache.
inline constexpr size_t kStepBytes = 512u << 10;

// The objects that all workers use between steps.
struct StepControl {
  Verdict* verdict;
  RateLimiter* limiter;
  std::stop_token stop;
  std::atomic<uint64_t>* done_bytes;
};

// Turns files into gzip members: the work of one worker.
// Thread safety: one thread at a time.
class EntryEncoder {
 public:
  EntryEncoder(const ArchiveWriteOptions& options, StepControl control);

  // Appends the member that holds the entry's tar header.
  Status AppendHeader(const std::string& name, uint64_t size_bytes,
                      ByteBuffer* out);
  struct Chunk {
    TocChunk member;     // its offset counts from the start of the buffer
    uint32_t crc32 = 0;  // of the content and its padding
  };
  // Appends the member with `size` > 0 bytes of `source` at `offset`, and
  // `padding` zeros. `name` is for messages.
  Result<Chunk> AppendChunk(const std::string& name, const ByteSource& source,
                            uint64_t offset, uint64_t size, size_t padding,
                            ByteBuffer* out);
  enum class Copy {
    kDone,
    kDamaged,     // the member has changed
    kUnreadable,  // the device did not return it; another try may succeed
  };
  // Appends a copy of the member in `archive`, which stands for `size` bytes of
  // content. `out` is unchanged unless the result is kDone.
  Result<Copy> AppendCopy(const ByteSource& archive, const TocChunk& member,
                          uint64_t size, ByteBuffer* out);
  // Begins a member that the caller fills in steps of kStepBytes.
  MemberWriter BeginMember(ByteBuffer* out) { return {&deflater_, out}; }
  // Reads the same bytes again into `digest`. kCorruption if these bytes and
  // `padding` zeros do not have the CRC `crc32`.
  Status DigestAgain(const std::string& name, const ByteSource& source,
                     uint64_t offset, uint64_t size, size_t padding,
                     uint32_t crc32, Digest* digest);

 private:
  Status ReadStep(const std::string& name, const ByteSource& source,
                  uint64_t offset, size_t size);

  const int64_t mtime_seconds_;
  const StepControl control_;
  Deflater deflater_;
  ByteBuffer step_;
};

// Compares the bytes on the device with the bytes that were written. Its own
// thread follows the writer and mostly waits for the device, so that at the end
// only the last megabytes are left to read.
//
// Thread safety: Written and Finish from one thread at a time; failed and
// status from any.
class ReadBack {
 public:
  // `file` outlives this object.
  ReadBack(File* file, ThreadPriority priority, std::stop_token stop);
  // Abandons the runs that are not checked yet.
  ~ReadBack();
  ReadBack(const ReadBack&) = delete;
  ReadBack& operator=(const ReadBack&) = delete;

  // `bytes` were appended to the file, behind all earlier ones.
  void Written(std::string_view bytes);
  // Whether a fault was found; the writer may stop at once.
  bool failed() const { return verdict_.failed(); }
  Status status() { return verdict_.status(); }

  // Checks the rest. kCorruption if a byte or the size differs; kIoError if the
  // device does not accept or return the bytes. REQUIRES: the file was synced,
  // and all its bytes were passed to Written.
  Status Finish();

 private:
  struct Piece {
    uint64_t size_bytes = 0;
    uint32_t crc32 = 0;
  };
  struct Run {
    uint64_t offset = 0;
    uint64_t size_bytes = 0;
    std::vector<Piece> pieces;
  };

  // A thread that runs CheckRuns; no thread if the host refuses one.
  std::jthread StartThread();
  Status CheckRuns();
  // The next run; nullopt at the end or after a failure.
  std::optional<Run> Next();
  // `buffer` is aligned for ReadFromDevice.
  Status CheckRun(const Run& run, char* buffer);

  File* const file_;
  const ThreadPriority priority_;
  Verdict verdict_;

  Run written_;  // the bytes that do not fill a run yet

  Mutex mutex_;
  CondVar changed_;
  std::deque<Run> runs_ GUARDED_BY(mutex_);
  bool ended_ GUARDED_BY(mutex_) = false;
  std::jthread thread_;  // started with the first whole run
};

// Thread safety: one thread at a time.
class ArchiveSink {
 public:
  // `file` is empty. `file` and `read_back` (may be null) outlive this object.
  ArchiveSink(File* file, bool md5, ReadBack* read_back);

  Status Append(std::string_view bytes);
  uint64_t size_bytes() const { return size_bytes_; }
  // Sets the size and digests of the summary.
  void Finish(ArchiveSummary* summary);

 private:
  File* const file_;
  ReadBack* const read_back_;
  Digest sha256_;
  std::unique_ptr<Digest> md5_;  // null if not requested
  uint64_t size_bytes_ = 0;
  uint64_t writeback_started_ = 0;  // writeback was started up to this offset
};

// Appends all inputs to `sink`, and moves the names out of `inputs`. `files`
// gets one entry per input, in order; `summary` gets what was reused and what
// could not be.
Status WriteInputs(std::vector<ArchiveInput>* inputs,
                   const ArchiveWriteOptions& options, ArchiveSink* sink,
                   std::vector<TocFile>* files, ArchiveSummary* summary);

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_WRITE_PIPELINE_H_
