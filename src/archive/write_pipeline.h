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
// one) in order and encode them into buffers. Whoever finishes the job that
// is next in the archive appends it and those behind it that are ready, so
// that no thread does nothing but write. The number of buffers bounds memory.
//
// A large file's own digest needs its bytes in order: each worker, when its
// chunk is encoded, waits for the chunk before and reads its own again (from
// the page cache). That costs one SHA-256 per byte on one thread at a time,
// beside the chunks' deflating on the others.
//
// Thread safety: one call of Run; the rest is internal.
class WritePipeline {
 public:
  // All outlive it. Takes the names out of `inputs`.
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
  // False when there is nothing left, somebody failed, or (without `wait`) no
  // buffer is free.
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
  ArchiveSink* const sink_;  // used by the worker that is writing
  uint64_t total_bytes_ = 0;

  // An input's name goes into `files_` when nobody else needs it any more.
  std::vector<ArchiveInput>& inputs_;
  std::vector<TocFile> files_;  // written by the worker that is writing
  Verdict verdict_;
  RateLimiter limiter_;
  std::atomic<uint64_t> done_bytes_ = 0;
  std::atomic<uint64_t> reused_bytes_ = 0;
  std::atomic<uint64_t> damaged_members_ = 0;
  std::atomic<uint64_t> unreadable_members_ = 0;

  Mutex mutex_;
  CondVar changed_;
  // The job to be claimed next.
  size_t next_input_ GUARDED_BY(mutex_) = 0;
  uint64_t next_chunk_ GUARDED_BY(mutex_) = 0;
  std::shared_ptr<LargeFile> large_ GUARDED_BY(mutex_);
  uint64_t next_sequence_ GUARDED_BY(mutex_) = 0;
  std::vector<ByteBuffer> free_buffers_ GUARDED_BY(mutex_);
  // Encoded, waiting for those before them.
  std::map<uint64_t, Job> encoded_ GUARDED_BY(mutex_);
  uint64_t next_append_ GUARDED_BY(mutex_) = 0;
  bool appending_ GUARDED_BY(mutex_) = false;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_WRITE_PIPELINE_H_
