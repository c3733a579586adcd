#include "archive/write_pipeline.h"

#include <algorithm>
#include <map>
#include <utility>

#include "archive/tar_format.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {
namespace {

// Limits of a batch of small files that are encoded together.
constexpr uint64_t kBatchBytes = 1u << 20;
constexpr size_t kBatchFiles = 256;
// A buffer holds at most one chunk that did not shrink. Ten buffers and the
// memory of eight workers stay below 64 MiB; only the used part of a buffer is
// resident.
constexpr int kMaxBuffers = 10;
constexpr size_t kEncodedBufferBytes =
    static_cast<size_t>(kChunkBytes) + (128u << 10);
// Larger batches are not opened in advance, because descriptors are scarce.
constexpr size_t kMaxFilesAhead = 4;

// An input. If its pages were not cached before, they are dropped again: the
// page cache belongs to the application.
struct Source {
  std::unique_ptr<ByteSource> bytes;
  bool cold = false;
};

// A file of several chunks. The fields from `opened` on are guarded by the
// pipeline's mutex; `digest` belongs to the worker whose turn it is.
struct LargeFile {
  Source source;  // set before `opened`
  bool opening = false;
  bool opened = false;
  uint64_t digest_turn = 0;  // the chunk whose worker may use `digest`
  Digest digest{DigestKind::kSha256};
};

struct Job {
  uint64_t sequence = 0;
  size_t first_input = 0;
  size_t input_count = 0;
  uint64_t chunk = 0;                // of a large file
  std::shared_ptr<LargeFile> large;  // null for a batch

  std::vector<Source> ahead;  // inputs opened in advance; null if copied
  ByteBuffer out;
  struct Encoded {
    // archive_offset counts from the start of `out` until the job is appended.
    // An empty file has no bytes.
    TocChunk chunk;
    std::optional<Sha256> file_sha256;  // with the last chunk
  };
  std::vector<Encoded> encoded;  // one per file, or one for the chunk
};

// Workers take jobs (a batch of small files, a file, or a chunk of a large
// file) in order and encode them into buffers. The worker that finishes the
// next job of the archive appends it and all ready jobs behind it, so that no
// thread only writes. The number of buffers limits memory.
//
// The digest of a large file needs its bytes in order: after encoding its
// chunk, a worker waits for the previous chunk and reads its own chunk again
// (from the page cache). That costs one SHA-256 per byte on one thread at a
// time, while the other threads deflate.
class WritePipeline {
 public:
  WritePipeline(std::vector<ArchiveInput>* inputs,
                const ArchiveWriteOptions& options, ArchiveSink* sink)
      : options_(options),
        sink_(sink),
        inputs_(*inputs),
        verdict_(options.work.stop),
        limiter_(Clock::System(), options.rate_limit_bytes_per_second) {
    files_.reserve(inputs_.size());
    for (const ArchiveInput& input : inputs_) {
      files_.emplace_back().size_bytes = input.size_bytes;
      total_bytes_ += input.size_bytes;
    }
  }

  // Appends all inputs. `files` gets one entry per input, in order.
  Status Run(std::vector<TocFile>* files, ArchiveSummary* summary) {
    const int workers = WorkerCount(options_.threads);
    {
      MutexLock lock(&mutex_);
      const int buffers = std::min(2 * workers + 2, kMaxBuffers);
      for (int i = 0; i < buffers; ++i)
        free_buffers_.emplace_back(kEncodedBufferBytes);
    }
    const auto tick = [this] {
      options_.work.Report(done_bytes_, total_bytes_);
    };
    LEVELKEEP_RETURN_IF_ERROR(RunWorkers(
        total_bytes_ < kSmallWorkBytes ? 0 : workers, options_.priority,
        &verdict_, [this] { return Work(); }, tick,
        [this] {
          MutexLock lock(&mutex_);
          changed_.notify_all();
        }));
    *files = std::move(files_);
    summary->reused_bytes = reused_bytes_;
    summary->damaged_members = damaged_members_;
    summary->unreadable_members = unreadable_members_;
    return Status::Ok();
  }

 private:
  Status Work() {
    EntryEncoder encoder(
        options_, {&verdict_, &limiter_, options_.work.stop, &done_bytes_});
    Job job;
    bool claimed = Claim(&job, /*wait=*/true);
    while (claimed) {
      LEVELKEEP_RETURN_IF_ERROR(verdict_.Check());
      // The device reads the next job's input while this one is encoded.
      Job next;
      claimed = Claim(&next, /*wait=*/false);
      if (claimed) LEVELKEEP_RETURN_IF_ERROR(OpenAhead(&next));
      LEVELKEEP_RETURN_IF_ERROR(job.large ? EncodeChunk(&encoder, &job)
                                          : EncodeBatch(&encoder, &job));
      LEVELKEEP_RETURN_IF_ERROR(Deliver(std::move(job)));
      if (!claimed) claimed = Claim(&next, /*wait=*/true);
      job = std::move(next);
    }
    return Status::Ok();
  }

  // A worker that holds a job must not wait here: all others may wait for that
  // job. With this rule, the next job of the archive always belongs to a
  // running worker, so that the pipeline never blocks.
  bool Claim(Job* job, bool wait) {
    MutexLock lock(&mutex_);
    while (wait && free_buffers_.empty() && next_input_ < inputs_.size() &&
           !verdict_.failed()) {
      changed_.wait(mutex_);
    }
    if (free_buffers_.empty() || next_input_ == inputs_.size() ||
        verdict_.failed()) {
      return false;
    }
    job->out = std::move(free_buffers_.back());
    free_buffers_.pop_back();
    job->sequence = next_sequence_++;
    FillJob(job);
    return true;
  }

  void FillJob(Job* job) REQUIRES_LOCK(mutex_) {
    job->first_input = next_input_;
    if (inputs_[next_input_].size_bytes > kChunkBytes) {
      if (next_chunk_ == 0) large_ = std::make_shared<LargeFile>();
      job->large = large_;
      job->chunk = next_chunk_++;
      job->input_count = 1;
      if (next_chunk_ == ChunkCount(inputs_[next_input_].size_bytes)) {
        large_.reset();
        next_chunk_ = 0;
        ++next_input_;
      }
      return;
    }
    uint64_t bytes = 0;
    while (next_input_ < inputs_.size() && job->input_count < kBatchFiles) {
      const uint64_t size = inputs_[next_input_].size_bytes;
      if (size > kChunkBytes) break;
      if (job->input_count > 0 && bytes + size > kBatchBytes) break;
      bytes += size;
      ++job->input_count;
      ++next_input_;
    }
    if (next_input_ == inputs_.size()) changed_.notify_all();
  }

  Result<Source> Open(const ArchiveInput& input) {
    Result<std::unique_ptr<ByteSource>> bytes = input.open();
    if (!bytes.ok()) {
      return bytes.status().WithContext("opening " + Printable(input.name));
    }
    Source source{std::move(*bytes), false};
    source.cold = input.size_bytes > 0 && !source.bytes->IsCached(0);
    source.bytes->WillNeed(0, std::min(input.size_bytes, kChunkBytes));
    return source;
  }

  Status OpenAhead(Job* job) {
    if (job->large) {
      const bool copied = inputs_[job->first_input].archived != nullptr;
      return job->chunk == 0 && !copied ? OpenLarge(job) : Status::Ok();
    }
    if (job->input_count > kMaxFilesAhead) return Status::Ok();
    for (size_t i = 0; i < job->input_count; ++i) {
      const ArchiveInput& input = inputs_[job->first_input + i];
      Source& source = job->ahead.emplace_back();
      if (input.archived != nullptr) continue;
      LEVELKEEP_ASSIGN_OR_RETURN(source, Open(input));
    }
    return Status::Ok();
  }

  // The first worker that needs the file opens it; the others wait for it.
  Status OpenLarge(Job* job) {
    LargeFile& large = *job->large;
    {
      MutexLock lock(&mutex_);
      while (large.opening && !large.opened && !verdict_.failed()) {
        changed_.wait(mutex_);
      }
      if (large.opened) return Status::Ok();
      if (large.opening) return verdict_.status();
      large.opening = true;
    }
    LEVELKEEP_ASSIGN_OR_RETURN(large.source, Open(inputs_[job->first_input]));
    MutexLock lock(&mutex_);
    large.opened = true;
    changed_.notify_all();
    return Status::Ok();
  }

  // False if the member can't be copied and must be compressed.
  Result<bool> CopyMember(EntryEncoder* encoder, const ArchiveInput& input,
                          size_t chunk, Job* job) {
    if (input.archived == nullptr) return false;
    const TocChunk& member = input.archived->chunks[chunk];
    const uint64_t size = input.archived->ChunkSize(chunk);
    TocChunk copy = member;
    copy.archive_offset = job->out.size();
    LEVELKEEP_ASSIGN_OR_RETURN(
        const EntryEncoder::Copy outcome,
        encoder->AppendCopy(*options_.reuse_from, member, size, &job->out));
    if (outcome != EntryEncoder::Copy::kDone) {
      ++(outcome == EntryEncoder::Copy::kDamaged ? damaged_members_
                                                 : unreadable_members_);
      return false;
    }
    reused_bytes_ += size;
    job->encoded.back().chunk = copy;
    return true;
  }

  Status EncodeBatch(EntryEncoder* encoder, Job* job) {
    static const Sha256 kEmptySha256 = Sha256::Of("");
    for (size_t i = 0; i < job->input_count; ++i) {
      const ArchiveInput& input = inputs_[job->first_input + i];
      LEVELKEEP_RETURN_IF_ERROR(
          encoder->AppendHeader(input.name, input.size_bytes, &job->out));
      Job::Encoded& encoded = job->encoded.emplace_back();
      encoded.file_sha256 = kEmptySha256;
      if (input.size_bytes > 0) {
        LEVELKEEP_ASSIGN_OR_RETURN(const bool copied,
                                   CopyMember(encoder, input, 0, job));
        if (copied) {
          encoded.file_sha256 = input.archived->sha256;
          continue;
        }
      }
      Source source;
      if (i < job->ahead.size()) source = std::move(job->ahead[i]);
      if (source.bytes == nullptr) {
        // Empty files are opened, too, to detect that they can't be.
        LEVELKEEP_ASSIGN_OR_RETURN(source, Open(input));
      }
      if (input.size_bytes == 0) continue;
      LEVELKEEP_RETURN_IF_ERROR(
          Compress(encoder, input, *source.bytes, 0, input.size_bytes, job)
              .status());
      encoded.file_sha256 = encoded.chunk.sha256;
      if (source.cold) source.bytes->DontNeed(0, input.size_bytes);
    }
    return Status::Ok();
  }

  // Returns the CRC-32 of the content and its padding.
  Result<uint32_t> Compress(EntryEncoder* encoder, const ArchiveInput& input,
                            const ByteSource& source, uint64_t offset,
                            uint64_t size, Job* job) {
    const bool last = offset + size == input.size_bytes;
    LEVELKEEP_ASSIGN_OR_RETURN(
        const EntryEncoder::Chunk chunk,
        encoder->AppendChunk(input.name, source, offset, size,
                             last ? TarPadding(input.size_bytes) : 0,
                             &job->out));
    job->encoded.back().chunk = chunk.member;
    return chunk.crc32;
  }

  Status EncodeChunk(EntryEncoder* encoder, Job* job) {
    const ArchiveInput& input = inputs_[job->first_input];
    LargeFile& large = *job->large;
    if (job->chunk == 0) {
      LEVELKEEP_RETURN_IF_ERROR(
          encoder->AppendHeader(input.name, input.size_bytes, &job->out));
    }
    Job::Encoded& encoded = job->encoded.emplace_back();
    LEVELKEEP_ASSIGN_OR_RETURN(const bool copied,
                               CopyMember(encoder, input, job->chunk, job));
    if (copied) {
      TakeArchivedDigest(job);
      return Status::Ok();
    }
    LEVELKEEP_RETURN_IF_ERROR(OpenLarge(job));
    const uint64_t offset = job->chunk * kChunkBytes;
    const uint64_t size = files_[job->first_input].ChunkSize(job->chunk);
    // Prefetches this chunk and the chunk that this worker likely takes next.
    large.source.bytes->WillNeed(offset, size + kChunkBytes);
    LEVELKEEP_ASSIGN_OR_RETURN(
        const uint32_t crc32,
        Compress(encoder, input, *large.source.bytes, offset, size, job));
    if (input.archived == nullptr) {
      LEVELKEEP_RETURN_IF_ERROR(DigestInTurn(encoder, crc32, job));
    } else if (encoded.chunk.sha256 !=
               input.archived->chunks[job->chunk].sha256) {
      return Status(StatusCode::kCorruption,
                    Printable(input.name) +
                        " is not what it was when it was archived before");
    } else {
      TakeArchivedDigest(job);
    }
    if (large.source.cold) large.source.bytes->DontNeed(offset, size);
    return Status::Ok();
  }

  // All chunks are unchanged, so the digest of the whole file is, too.
  void TakeArchivedDigest(Job* job) const {
    const TocFile& archived = *inputs_[job->first_input].archived;
    const bool last = job->chunk + 1 == archived.chunks.size();
    if (last) job->encoded.back().file_sha256 = archived.sha256;
  }

  Status DigestInTurn(EntryEncoder* encoder, uint32_t crc32, Job* job) {
    const ArchiveInput& input = inputs_[job->first_input];
    LargeFile& large = *job->large;
    {
      MutexLock lock(&mutex_);
      while (large.digest_turn != job->chunk && !verdict_.failed()) {
        changed_.wait(mutex_);
      }
      if (verdict_.failed()) return verdict_.status();
    }
    const uint64_t offset = job->chunk * kChunkBytes;
    const uint64_t size = files_[job->first_input].ChunkSize(job->chunk);
    const bool last = offset + size == input.size_bytes;
    LEVELKEEP_RETURN_IF_ERROR(encoder->DigestAgain(
        input.name, *large.source.bytes, offset, size,
        last ? TarPadding(input.size_bytes) : 0, crc32, &large.digest));
    if (last) job->encoded.back().file_sha256 = large.digest.FinishSha256();
    MutexLock lock(&mutex_);
    ++large.digest_turn;
    changed_.notify_all();
    return Status::Ok();
  }

  Status Deliver(Job job) {
    {
      MutexLock lock(&mutex_);
      encoded_.emplace(job.sequence, std::move(job));
      if (appending_) return Status::Ok();
      appending_ = true;
    }
    for (;;) {
      Job next;
      {
        MutexLock lock(&mutex_);
        const auto first = encoded_.begin();
        if (first == encoded_.end() || first->first != next_append_) {
          appending_ = false;
          return Status::Ok();
        }
        next = std::move(first->second);
        encoded_.erase(first);
      }
      // After a failure no worker appends: `appending_` stays true.
      LEVELKEEP_RETURN_IF_ERROR(Append(&next));
      next.out.Clear();
      MutexLock lock(&mutex_);
      ++next_append_;
      free_buffers_.push_back(std::move(next.out));
      changed_.notify_all();
    }
  }

  Status Append(Job* job) {
    const uint64_t base = sink_->size_bytes();
    for (size_t i = 0; i < job->encoded.size(); ++i) {
      Job::Encoded& encoded = job->encoded[i];
      TocFile& file = files_[job->first_input + i];
      if (encoded.chunk.member_bytes > 0) {
        encoded.chunk.archive_offset += base;
        file.chunks.push_back(encoded.chunk);
      }
      if (encoded.file_sha256) {
        file.sha256 = *encoded.file_sha256;
        // All other jobs of the file were appended before this one.
        file.name = std::move(inputs_[job->first_input + i].name);
      }
    }
    return sink_->Append(job->out.view());
  }

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

}  // namespace

Status WriteInputs(std::vector<ArchiveInput>* inputs,
                   const ArchiveWriteOptions& options, ArchiveSink* sink,
                   std::vector<TocFile>* files, ArchiveSummary* summary) {
  return WritePipeline(inputs, options, sink).Run(files, summary);
}

}  // namespace levelkeep
