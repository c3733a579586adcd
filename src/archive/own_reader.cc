#include <algorithm>
#include <atomic>
#include <unordered_map>
#include <utility>

#include "archive/member_reader.h"
#include "archive/readers.h"
#include "archive/tar_format.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {
namespace {

constexpr size_t kNoFile = SIZE_MAX;
// Step size: bytes are inflated, digested and written while in the CPU's cache.
constexpr uint64_t kExtractStepBytes = 256u << 10;
// A larger unit is not read at once. A stored chunk and some headers fit; only
// folders full of empty files have larger units.
constexpr uint64_t kMaxUnitBytes = kChunkBytes + (128u << 10);
// Each worker holds a unit and the chunk that it writes.
constexpr int kMaxReaders = 6;
// A pax header with the longest permitted name is far smaller than this.
constexpr uint64_t kMaxHeaderBytes = 64u << 10;

// More readers than cores: some wait for the device.
int ReaderCount(int threads) {
  const int workers = WorkerCount(threads);
  return std::min(threads == 0 ? workers + 2 : workers, kMaxReaders);
}

// A file of several chunks, whose digest needs them in order.
struct LargeTarget {
  bool opened = false;  // guarded by mutex_; `file` is set before
  std::unique_ptr<File> file;
  uint64_t turn = 0;  // guarded by mutex_; that chunk's worker uses `digest`
  Digest digest{DigestKind::kSha256};
};

// A worker builds the unit from its number when it takes it.
struct Unit {
  uint64_t begin = 0;
  uint64_t end = 0;
  size_t file = kNoFile;  // kNoFile: only headers
  size_t chunk = 0;
  LargeTarget* large = nullptr;  // null for a file of one chunk
  // Entries whose header members follow: [first, last).
  size_t first_header = 0;
  size_t last_header = 0;
};

// Cuts the archive at the offsets in its table of contents into units that
// cover it without gaps up to the table of contents. A unit is a chunk's member
// and, behind a file's last chunk, the header members of the entries before the
// next chunk. Workers take units in order; each unit must fill its range
// exactly.
class OwnReader {
 public:
  OwnReader(const ByteSource& source, const OwnIndex& index,
            const ArchiveReadOptions& options, TargetDirectory* target,
            std::string sha256)
      : source_(source),
        index_(index),
        options_(options),
        target_(target),
        sha256_(std::move(sha256)),
        verdict_(options.work.stop) {}

  Result<ExtractedDatabase> Run() {
    LEVELKEEP_RETURN_IF_ERROR(CheckLimits());
    LEVELKEEP_RETURN_IF_ERROR(target_->CheckEmpty());
    CutUnits();
    const auto tick = [this] {
      options_.work.Report(done_bytes_, index_.content_bytes);
    };
    LEVELKEEP_RETURN_IF_ERROR(RunWorkers(
        index_.archive_bytes < kSmallWorkBytes ? 0
                                               : ReaderCount(options_.threads),
        ThreadPriority::kLow, &verdict_, [this] { return Worker(this).Work(); },
        tick,
        [this] {
          MutexLock lock(&mutex_);
          changed_.notify_all();
        }));
    LEVELKEEP_RETURN_IF_ERROR(DigestTail());
    LEVELKEEP_RETURN_IF_ERROR(target_->Sync());
    ExtractedDatabase database;
    database.own = true;
    database.manifest = index_.manifest;
    database.content_bytes = index_.content_bytes;
    database.archive_sha256 = sha256_;
    return database;
  }

 private:
  // The chunk at the start of a unit; the first unit begins without a chunk.
  struct Start {
    uint32_t file = 0;
    uint32_t chunk = 0;
  };

  // The state of one thread.
  class Worker {
   public:
    explicit Worker(OwnReader* owner)
        : owner_(*owner), members_(&owner->source_) {}

    Status Work() {
      for (;;) {
        const size_t i = owner_.next_unit_.fetch_add(1);
        if (i >= owner_.starts_.size()) return queue_.Finish();
        LEVELKEEP_RETURN_IF_ERROR(owner_.verdict_.Check());
        LEVELKEEP_RETURN_IF_ERROR(ReadUnit(i));
      }
    }

   private:
    Status ReadUnit(size_t number) {
      const Unit unit = owner_.UnitAt(number);
      if (unit.end - unit.begin <= kMaxUnitBytes) {
        LEVELKEEP_ASSIGN_OR_RETURN(const std::string_view bytes, Fetch(unit));
        LEVELKEEP_RETURN_IF_ERROR(DigestInTurn(number, [&]() -> Status {
          owner_.digest_.Update(bytes);
          return Status::Ok();
        }));
        members_.Start(unit.begin, bytes);
      } else {
        LEVELKEEP_RETURN_IF_ERROR(DigestInTurn(number, [&] {
          return DigestRange(owner_.source_, unit.begin, unit.end,
                             &owner_.digest_, &owner_.verdict_);
        }));
        members_.Start(unit.begin, unit.end);
      }
      if (unit.file != kNoFile) {
        const Status status = ReadChunk(unit);
        if (!status.ok()) {
          return status.WithContext(
              Printable(owner_.index_.toc.files[unit.file].name));
        }
      }
      for (size_t i = unit.first_header; i < unit.last_header; ++i) {
        LEVELKEEP_RETURN_IF_ERROR(ReadHeader(i));
      }
      if (members_.AtEnd()) return Status::Ok();
      return DamagedArchive(
          "there are bytes that belong to no entry before offset " +
          std::to_string(unit.end));
    }

    // The bytes of the unit. Cached pages are used; other bytes bypass the page
    // cache, because nobody needs them again.
    Result<std::string_view> Fetch(const Unit& unit) {
      const size_t size = static_cast<size_t>(unit.end - unit.begin);
      const size_t lead = static_cast<size_t>(unit.begin % kDeviceBlockBytes);
      unit_.Clear();
      char* const buffer = unit_.Tail(RoundUpToBlock(lead + size));
      if (!owner_.source_.IsCached(unit.begin)) {
        LEVELKEEP_ASSIGN_OR_RETURN(
            const size_t count,
            owner_.source_.ReadFromDevice(unit.begin - lead, buffer,
                                          RoundUpToBlock(lead + size)));
        if (count >= lead + size) return std::string_view(buffer + lead, size);
      }
      LEVELKEEP_RETURN_IF_ERROR(
          ReadExactly(owner_.source_, unit.begin, buffer, size));
      return std::string_view(buffer, size);
    }

    template <typename Take>
    Status DigestInTurn(size_t number, Take take) {
      if (!owner_.sha256_.empty()) return Status::Ok();
      LEVELKEEP_RETURN_IF_ERROR(WaitForTurn(&owner_.digest_turn_, number));
      LEVELKEEP_RETURN_IF_ERROR(take());
      MutexLock lock(&owner_.mutex_);
      ++owner_.digest_turn_;
      owner_.changed_.notify_all();
      return Status::Ok();
    }

    Status ReadHeader(size_t i) {
      const TocFile& file = owner_.index_.toc.files[i];
      Result<std::string> header = members_.ReadMember(kMaxHeaderBytes);
      if (!header.ok()) {
        return header.status().WithContext("tar header of " +
                                           Printable(file.name));
      }
      LEVELKEEP_RETURN_IF_ERROR(
          CheckTarHeader(*header, file.name, file.size_bytes,
                         owner_.index_.toc.mtime_seconds));
      if (file.size_bytes > 0) return Status::Ok();
      static const Sha256 kEmpty = Sha256::Of("");
      if (file.sha256 != kEmpty) {
        return DamagedArchive(Printable(file.name) +
                              " is empty, but its SHA-256 is not");
      }
      if (!Writes(i)) return Status::Ok();
      LEVELKEEP_ASSIGN_OR_RETURN(
          auto empty, owner_.target_->Create(owner_.index_.FlatName(i)));
      return queue_.Add(std::move(empty), 0);
    }

    Status ReadChunk(const Unit& unit) {
      const TocFile& file = owner_.index_.toc.files[unit.file];
      const uint64_t size = file.ChunkSize(unit.chunk);
      const bool last = unit.chunk + 1 == file.chunks.size();
      std::unique_ptr<File> whole;  // for a file of one chunk
      if (unit.large == nullptr && Writes(unit.file)) {
        LEVELKEEP_ASSIGN_OR_RETURN(
            whole, owner_.target_->Create(owner_.index_.FlatName(unit.file)));
      }
      Digest digest(DigestKind::kSha256);
      content_.Clear();
      if (unit.large != nullptr || whole != nullptr) {
        content_.Tail(static_cast<size_t>(size));
      }
      LEVELKEEP_RETURN_IF_ERROR(members_.BeginMember());
      for (uint64_t done = 0; done < size;) {
        LEVELKEEP_RETURN_IF_ERROR(owner_.verdict_.Check());
        const size_t step = static_cast<size_t>(
            std::min<uint64_t>(kExtractStepBytes, size - done));
        // The content is kept only if it is written or added to the digest of a
        // large file.
        if (unit.large == nullptr && whole == nullptr) content_.Clear();
        char* const tail = content_.Tail(step);
        LEVELKEEP_RETURN_IF_ERROR(members_.Read(tail, step));
        content_.Advance(step);
        digest.Update({tail, step});
        done += step;
      }
      if (last) {
        LEVELKEEP_RETURN_IF_ERROR(
            members_.ReadZeros(TarPadding(file.size_bytes)));
      }
      LEVELKEEP_RETURN_IF_ERROR(members_.EndMember());
      if (digest.FinishSha256() != file.chunks[unit.chunk].sha256) {
        return DamagedArchive("the SHA-256 of chunk " +
                              std::to_string(unit.chunk) + " is wrong");
      }
      if (unit.large) LEVELKEEP_RETURN_IF_ERROR(TakeLargeChunk(unit, last));
      if (whole) {
        LEVELKEEP_RETURN_IF_ERROR(WriteBlocks(whole.get(), 0, content_.view()));
        LEVELKEEP_RETURN_IF_ERROR(queue_.Add(std::move(whole), size));
      }
      owner_.done_bytes_.fetch_add(size, std::memory_order_relaxed);
      return Status::Ok();
    }

    Status TakeLargeChunk(const Unit& unit, bool last) {
      LargeTarget& large = *unit.large;
      if (Writes(unit.file)) {
        LEVELKEEP_RETURN_IF_ERROR(OpenLarge(unit));
        LEVELKEEP_RETURN_IF_ERROR(WriteBlocks(
            large.file.get(), unit.chunk * kChunkBytes, content_.view()));
      }
      LEVELKEEP_RETURN_IF_ERROR(WaitForTurn(&large.turn, unit.chunk));
      large.digest.Update(content_.view());
      if (last) {
        const TocFile& file = owner_.index_.toc.files[unit.file];
        if (large.digest.FinishSha256() != file.sha256) {
          return DamagedArchive("the SHA-256 of the whole file is wrong");
        }
        // All other chunks were written before their turn ended.
        if (large.file == nullptr) return Status::Ok();
        return queue_.Add(std::move(large.file), file.size_bytes);
      }
      MutexLock lock(&owner_.mutex_);
      ++large.turn;
      owner_.changed_.notify_all();
      return Status::Ok();
    }

    // The worker of the first chunk creates the file; the others wait for it.
    Status OpenLarge(const Unit& unit) {
      LargeTarget& large = *unit.large;
      if (unit.chunk == 0) {
        LEVELKEEP_ASSIGN_OR_RETURN(
            large.file,
            owner_.target_->Create(owner_.index_.FlatName(unit.file)));
        MutexLock lock(&owner_.mutex_);
        large.opened = true;
        owner_.changed_.notify_all();
        return Status::Ok();
      }
      MutexLock lock(&owner_.mutex_);
      while (!large.opened && !owner_.verdict_.failed()) {
        owner_.changed_.wait(owner_.mutex_);
      }
      return large.opened ? Status::Ok() : owner_.verdict_.status();
    }

    // Waits until `*turn`, which the mutex guards, is `number`.
    Status WaitForTurn(const uint64_t* turn, uint64_t number) {
      MutexLock lock(&owner_.mutex_);
      while (*turn != number && !owner_.verdict_.failed()) {
        owner_.changed_.wait(owner_.mutex_);
      }
      return *turn == number ? Status::Ok() : owner_.verdict_.status();
    }

    // The manifest is checked like any file, but is not extracted.
    bool Writes(size_t file) const {
      return owner_.target_->writes() && file < owner_.index_.database_files();
    }

    OwnReader& owner_;
    MemberReader members_;
    SyncQueue queue_;
    ByteBuffer unit_;
    ByteBuffer content_;
  };

  Status CheckLimits() const {
    const ArchiveLimits& limits = options_.limits;
    if (index_.toc.files.size() > limits.max_entries) {
      return Status(StatusCode::kCorruption,
                    "the archive has more than " +
                        std::to_string(limits.max_entries) + " entries");
    }
    for (const TocFile& file : index_.toc.files) {
      if (file.name.size() > limits.max_path_length) {
        return Status(StatusCode::kCorruption,
                      "the name " + Printable(file.name) + " is too long");
      }
    }
    if (index_.content_bytes > limits.max_total_bytes) {
      return Status(StatusCode::kNoSpace,
                    "the archive holds " + FormatBytes(index_.content_bytes) +
                        ", but there is room for only " +
                        FormatBytes(limits.max_total_bytes),
                    "free some space, or extract elsewhere");
    }
    if (index_.content_bytes / kMaxDeflateRatio > index_.archive_bytes) {
      return DamagedArchive(
          "the archive claims to hold more than its size allows");
    }
    return Status::Ok();
  }

  void CutUnits() {
    const std::vector<TocFile>& files = index_.toc.files;
    starts_.reserve(files.size() + 1);
    starts_.emplace_back();  // headers before the first payload
    for (size_t i = 0; i < files.size(); ++i) {
      const size_t chunks = files[i].chunks.size();
      if (chunks > 1) large_[i] = std::make_unique<LargeTarget>();
      for (size_t chunk = 0; chunk < chunks; ++chunk) {
        starts_.push_back(
            {static_cast<uint32_t>(i), static_cast<uint32_t>(chunk)});
      }
    }
  }

  Unit UnitAt(size_t number) const {
    const std::vector<TocFile>& files = index_.toc.files;
    Unit unit;
    if (number > 0) {
      const Start& start = starts_[number];
      unit.file = start.file;
      unit.chunk = start.chunk;
      unit.begin = files[start.file].chunks[start.chunk].archive_offset;
      unit.first_header = start.file + size_t{1};
      const auto large = large_.find(start.file);
      if (large != large_.end()) unit.large = large->second.get();
    }
    if (number + 1 == starts_.size()) {
      unit.end = index_.toc_offset;
      unit.last_header = files.size();
    } else {
      // A payload's header is before it.
      const Start& next = starts_[number + 1];
      unit.end = files[next.file].chunks[next.chunk].archive_offset;
      unit.last_header = next.file + size_t{1};
    }
    return unit;
  }

  // Digests the table of contents and the footer, behind the last unit.
  Status DigestTail() {
    if (!sha256_.empty()) return Status::Ok();
    LEVELKEEP_RETURN_IF_ERROR(DigestRange(
        source_, index_.toc_offset, index_.archive_bytes, &digest_, &verdict_));
    sha256_ = digest_.FinishHex();
    return Status::Ok();
  }

  // Constant after CutUnits.
  const ByteSource& source_;
  const OwnIndex& index_;
  const ArchiveReadOptions& options_;
  TargetDirectory* const target_;
  std::vector<Start> starts_;  // one for each unit
  std::unordered_map<size_t, std::unique_ptr<LargeTarget>> large_;  // by file

  std::atomic<size_t> next_unit_ = 0;
  // The archive's digest. Workers add their units to it in order.
  Digest digest_{DigestKind::kSha256};
  std::string sha256_;  // empty: not known yet
  std::atomic<uint64_t> done_bytes_ = 0;
  Verdict verdict_;

  Mutex mutex_;  // also guards the turns inside LargeTarget
  CondVar changed_;
  uint64_t digest_turn_ GUARDED_BY(mutex_) = 0;  // the unit that comes next
};

}  // namespace

Result<ExtractedDatabase> ReadOwnArchive(const ByteSource& source,
                                         const OwnIndex& index,
                                         const ArchiveReadOptions& options,
                                         TargetDirectory* target,
                                         std::string sha256) {
  return OwnReader(source, index, options, target, std::move(sha256)).Run();
}

}  // namespace levelkeep
