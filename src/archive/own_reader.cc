#include "archive/own_reader.h"

#include <algorithm>
#include <utility>

#include "archive/file_digest.h"
#include "archive/tar_format.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {
namespace {

constexpr size_t kNoFile = SIZE_MAX;
// Inflated and digested while in the cache.
constexpr uint64_t kStepBytes = 256u << 10;
// Asked of the device before it is needed, in runs of this length.
constexpr uint64_t kAheadBytes = 16u << 20;
// A pax header with the longest name that we allow is far below this.
constexpr uint64_t kMaxHeaderBytes = 64u << 10;

Status Corrupt(const std::string& problem) {
  return Status(StatusCode::kCorruption, problem,
                "the archive is damaged: use another backup");
}

}  // namespace

// A file of several chunks: its digest takes them in order.
struct OwnReader::LargeFile {
  bool opened = false;  // guarded by mutex_; `file` is set before
  std::unique_ptr<File> file;
  uint64_t turn = 0;  // guarded by mutex_; its owner may use `digest`
  Digest digest{DigestKind::kSha256};
};

struct OwnReader::Unit {
  uint64_t begin = 0;
  uint64_t end = 0;
  size_t file = kNoFile;  // kNoFile: only headers
  size_t chunk = 0;
  std::shared_ptr<LargeFile> large;  // null for a file of one chunk
  // Entries whose header members follow: [first, last).
  size_t first_header = 0;
  size_t last_header = 0;
};

// What one thread needs.
class OwnReader::Worker {
 public:
  explicit Worker(OwnReader* owner)
      : owner_(*owner), members_(&owner->source_) {}

  Status Work() {
    if (!owner_.digest_claimed_.exchange(true)) {
      LEVELKEEP_RETURN_IF_ERROR(owner_.DigestArchive());
    }
    for (;;) {
      const size_t i = owner_.next_unit_.fetch_add(1);
      if (i >= owner_.units_.size()) return queue_.Finish();
      LEVELKEEP_RETURN_IF_ERROR(owner_.verdict_.Check());
      LEVELKEEP_RETURN_IF_ERROR(ReadUnit(owner_.units_[i]));
    }
  }

 private:
  Status ReadUnit(const Unit& unit) {
    members_.Start(unit.begin, unit.end);
    owner_.ReadAhead(unit.begin);
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
    return Corrupt("there are bytes that belong to no entry before offset " +
                   std::to_string(unit.end));
  }

  Status ReadHeader(size_t i) {
    const TocFile& file = owner_.index_.toc.files[i];
    Result<std::string> header = members_.ReadMember(kMaxHeaderBytes);
    if (!header.ok()) {
      return header.status().WithContext("tar header of " +
                                         Printable(file.name));
    }
    LEVELKEEP_RETURN_IF_ERROR(CheckTarHeader(
        *header, file.name, file.size_bytes, owner_.index_.toc.mtime_seconds));
    if (file.size_bytes > 0) return Status::Ok();
    if (file.sha256 != Sha256Hex("")) {
      return Corrupt(Printable(file.name) + " is empty, its SHA-256 is not");
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
    Digest digest(DigestKind::kSha256);
    content_.Clear();
    LEVELKEEP_RETURN_IF_ERROR(members_.BeginMember());
    while (content_.size() < size) {
      LEVELKEEP_RETURN_IF_ERROR(owner_.verdict_.Check());
      const size_t step = static_cast<size_t>(
          std::min<uint64_t>(kStepBytes, size - content_.size()));
      char* const tail = content_.Tail(step);
      LEVELKEEP_RETURN_IF_ERROR(members_.Read(tail, step));
      content_.Advance(step);
      digest.Update({tail, step});
    }
    if (last) {
      LEVELKEEP_RETURN_IF_ERROR(
          members_.ReadZeros(TarPadding(file.size_bytes)));
    }
    LEVELKEEP_RETURN_IF_ERROR(members_.EndMember());
    if (digest.FinishHex() != file.chunks[unit.chunk].sha256) {
      return Corrupt("the SHA-256 of chunk " + std::to_string(unit.chunk) +
                     " is wrong");
    }
    LEVELKEEP_RETURN_IF_ERROR(unit.large ? TakeLargeChunk(unit, last)
                                         : TakeWholeFile(unit));
    owner_.done_bytes_.fetch_add(size, std::memory_order_relaxed);
    return Status::Ok();
  }

  Status TakeWholeFile(const Unit& unit) {
    if (!Writes(unit.file)) return Status::Ok();
    LEVELKEEP_ASSIGN_OR_RETURN(
        auto file, owner_.target_->Create(owner_.index_.FlatName(unit.file)));
    LEVELKEEP_RETURN_IF_ERROR(file->Append(content_.view()));
    return queue_.Add(std::move(file), content_.size());
  }

  Status TakeLargeChunk(const Unit& unit, bool last) {
    LargeFile& large = *unit.large;
    if (Writes(unit.file)) {
      LEVELKEEP_RETURN_IF_ERROR(OpenLarge(unit));
      LEVELKEEP_RETURN_IF_ERROR(
          large.file->WriteAt(unit.chunk * kChunkBytes, content_.view()));
      large.file->StartWriteback(unit.chunk * kChunkBytes, content_.size());
    }
    LEVELKEEP_RETURN_IF_ERROR(WaitForTurn(large, unit.chunk));
    large.digest.Update(content_.view());
    if (last) {
      const TocFile& file = owner_.index_.toc.files[unit.file];
      if (large.digest.FinishHex() != file.sha256) {
        return Corrupt("the SHA-256 of the whole file is wrong");
      }
      // All other chunks were written before their turn was passed on.
      if (large.file == nullptr) return Status::Ok();
      return queue_.Add(std::move(large.file), file.size_bytes);
    }
    MutexLock lock(&owner_.mutex_);
    ++large.turn;
    owner_.changed_.notify_all();
    return Status::Ok();
  }

  // The worker of the first chunk creates the file, the others wait for it.
  Status OpenLarge(const Unit& unit) {
    LargeFile& large = *unit.large;
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

  Status WaitForTurn(LargeFile& large, uint64_t chunk) {
    MutexLock lock(&owner_.mutex_);
    while (large.turn != chunk && !owner_.verdict_.failed()) {
      owner_.changed_.wait(owner_.mutex_);
    }
    return large.turn == chunk ? Status::Ok() : owner_.verdict_.status();
  }

  // The manifest is checked like any file, but it is not the database's.
  bool Writes(size_t file) const {
    return owner_.target_->writes() && file < owner_.index_.database_files();
  }

  OwnReader& owner_;
  MemberReader members_;
  SyncQueue queue_;
  ByteBuffer content_{static_cast<size_t>(kChunkBytes)};
};

OwnReader::OwnReader(const ByteSource& source, const OwnIndex& index,
                     const ArchiveReadOptions& options, TargetDirectory* target,
                     std::string sha256)
    : source_(source),
      index_(index),
      options_(options),
      target_(target),
      digest_claimed_(!sha256.empty()),
      sha256_(std::move(sha256)),
      verdict_(options.stop) {}

OwnReader::~OwnReader() = default;

Result<ExtractedDatabase> OwnReader::Run() {
  LEVELKEEP_RETURN_IF_ERROR(CheckLimits());
  LEVELKEEP_RETURN_IF_ERROR(target_->CheckEmpty());
  CutUnits();
  const auto tick = [this] {
    if (options_.progress) {
      options_.progress(std::min<uint64_t>(done_bytes_, index_.content_bytes),
                        index_.content_bytes);
    }
  };
  LEVELKEEP_RETURN_IF_ERROR(RunWorkers(
      index_.archive_bytes < kSmallWorkBytes ? 0
                                             : WorkerCount(options_.threads),
      &verdict_, [this] { return Worker(this).Work(); }, tick,
      [this] {
        MutexLock lock(&mutex_);
        changed_.notify_all();
      }));
  LEVELKEEP_RETURN_IF_ERROR(target_->Sync());
  ExtractedDatabase database;
  database.own = true;
  database.manifest = index_.manifest;
  database.files = index_.manifest.files;
  database.content_bytes = index_.content_bytes;
  database.archive_sha256 = sha256_;
  return database;
}

Status OwnReader::CheckLimits() const {
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
                      ", there is room for " +
                      FormatBytes(limits.max_total_bytes),
                  "free some space, or extract elsewhere");
  }
  if (index_.content_bytes / std::max<uint64_t>(1, limits.max_ratio) >
      index_.archive_bytes) {
    return Corrupt("the archive claims to hold more than it can");
  }
  return Status::Ok();
}

void OwnReader::CutUnits() {
  const std::vector<TocFile>& files = index_.toc.files;
  Unit* unit = &units_.emplace_back();  // headers before the first payload
  for (size_t i = 0; i < files.size(); ++i) {
    unit->last_header = i + 1;  // the header stands before the payload
    std::shared_ptr<LargeFile> large;
    if (files[i].chunks.size() > 1) large = std::make_shared<LargeFile>();
    for (size_t chunk = 0; chunk < files[i].chunks.size(); ++chunk) {
      const uint64_t offset = files[i].chunks[chunk].archive_offset;
      unit->end = offset;
      unit = &units_.emplace_back();
      unit->begin = offset;
      unit->file = i;
      unit->chunk = chunk;
      unit->large = large;
      unit->first_header = i + 1;
      unit->last_header = i + 1;
    }
  }
  unit->end = index_.toc_offset;
}

void OwnReader::ReadAhead(uint64_t offset) {
  uint64_t ahead = ahead_.load(std::memory_order_relaxed);
  if (offset + kAheadBytes <= ahead) return;
  if (ahead_.compare_exchange_strong(ahead, ahead + kAheadBytes)) {
    source_.WillNeed(ahead, kAheadBytes);
  }
}

Status OwnReader::DigestArchive() {
  LEVELKEEP_ASSIGN_OR_RETURN(
      sha256_, Sha256OfSource(source_, index_.archive_bytes, &verdict_));
  return Status::Ok();
}

}  // namespace levelkeep
