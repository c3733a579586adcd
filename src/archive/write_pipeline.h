// The middle of the writer: many workers, one order. Private to archive.

#ifndef LEVELKEEP_ARCHIVE_WRITE_PIPELINE_H_
#define LEVELKEEP_ARCHIVE_WRITE_PIPELINE_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "archive/archive_sink.h"
#include "archive/archive_writer.h"
#include "archive/byte_buffer.h"
#include "archive/entry_encoder.h"
#include "base/mutex.h"
#include "format/toc.h"

namespace levelkeep {

// Workers take jobs (a batch of small files, a file, or a chunk of a large
// file) in order and encode them into buffers. The worker that finishes the
// next job of the archive appends it and all ready jobs behind it, so that no
// thread only writes. The number of buffers limits memory.
//
// The digest of a large file needs its bytes in order: after encoding its
// chunk, a worker waits for the previous chunk and reads its own chunk again
// (from the page cache). That costs one SHA-256 per byte on one thread at a
// time, while the other threads deflate.
//
// Thread safety: one call of Run; the rest is internal.
class WritePipeline {
 public:
  // All arguments outlive this object. Moves the names out of `inputs`.
  WritePipeline(std::vector<ArchiveInput>* inputs,
                const ArchiveWriteOptions& options, ArchiveSink* sink);
  ~WritePipeline();

  // Appends all inputs. `files` gets one entry per input, in order.
  Status Run(std::vector<TocFile>* files);
  // After Run: see ArchiveSummary.
  uint64_t reused_bytes() const { return reused_bytes_; }
  uint64_t damaged_members() const { return damaged_members_; }
  uint64_t unreadable_members() const { return unreadable_members_; }

 private:
  struct LargeFile;
  struct Source;
  struct Job;

  Status Work();
  // False if no job is left, a worker failed, or (without `wait`) no buffer is
  // free.
  bool Claim(Job* job, bool wait);
  void FillJob(Job* job) REQUIRES_LOCK(mutex_);
  Status OpenAhead(Job* job);
  Status OpenLarge(Job* job);
  Result<bool> CopyMember(EntryEncoder* encoder, const ArchiveInput& input,
                          size_t chunk, Job* job);
  Status EncodeBatch(EntryEncoder* encoder, Job* job);
  Status EncodeChunk(EntryEncoder* encoder, Job* job);
  Result<uint32_t> Compress(EntryEncoder* encoder, const ArchiveInput& input,
                            const ByteSource& source, uint64_t offset,
                            uint64_t size, Job* job);
  void TakeArchivedDigest(Job* job) const;
  Status DigestInTurn(EntryEncoder* encoder, uint32_t crc32, Job* job);
  Status Deliver(Job job);
  Status Append(Job* job);
  void WakeAll();
  Result<Source> Open(const ArchiveInput& input);

  // Constant after construction.
  const ArchiveWriteOptions& options_;
  ArchiveSink* const sink_;  // used by the worker that appends
  uint64_t total_bytes_ = 0;

  // The name of an input moves to `files_` when no worker needs it any more.
  std::vector<ArchiveInput>& inputs_;
  std::vector<TocFile> files_;  // written by the worker that appends
  Verdict verdict_;
  RateLimiter limiter_;
  std::atomic<uint64_t> done_bytes_ = 0;
  std::atomic<uint64_t> reused_bytes_ = 0;
  std::atomic<uint64_t> damaged_members_ = 0;
  std::atomic<uint64_t> unreadable_members_ = 0;

  Mutex mutex_;
  CondVar changed_;
  // The next job to be claimed.
  size_t next_input_ GUARDED_BY(mutex_) = 0;
  uint64_t next_chunk_ GUARDED_BY(mutex_) = 0;
  std::shared_ptr<LargeFile> large_ GUARDED_BY(mutex_);
  uint64_t next_sequence_ GUARDED_BY(mutex_) = 0;
  std::vector<ByteBuffer> free_buffers_ GUARDED_BY(mutex_);
  // Encoded jobs that wait for the jobs before them.
  std::map<uint64_t, Job> encoded_ GUARDED_BY(mutex_);
  uint64_t next_append_ GUARDED_BY(mutex_) = 0;
  bool appending_ GUARDED_BY(mutex_) = false;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_WRITE_PIPELINE_H_
