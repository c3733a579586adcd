#include "archive/archive_view.h"

#include <algorithm>
#include <cstring>

#include "archive/member_reader.h"
#include "archive/readers.h"
#include "archive/tar_format.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {

void ArchiveView::Take(const OwnIndex& index) {
  std::vector<uint64_t> begins;
  for (const TocFile& file : index.toc.files) {
    for (const TocChunk& chunk : file.chunks) {
      begins.push_back(chunk.archive_offset);
    }
  }
  begins.push_back(index.toc_offset);
  size_t next = 0;
  for (size_t i = 0; i < index.database_files(); ++i) {
    ViewedFile& file = files_[index.FlatName(i)];
    for (size_t n = index.toc.files[i].chunks.size(); n > 0; --n) {
      file.members.push_back({begins[next], begins[next + 1]});
      ++next;
    }
    sizes_[index.FlatName(i)] = file.size_bytes = index.toc.files[i].size_bytes;
  }
}

// One file of the view.
class ArchiveView::Source : public ByteSource {
 public:
  Source(std::shared_ptr<const ArchiveView> view, std::string name)
      : view_(std::move(view)),
        name_(std::move(name)),
        file_(view_->files_.at(name_)) {}

  Result<size_t> ReadAt(uint64_t offset, char* buffer,
                        size_t size) const override {
    if (offset >= file_.size_bytes) return size_t{0};
    size = static_cast<size_t>(
        std::min<uint64_t>(size, file_.size_bytes - offset));
    for (size_t done = 0; done < size;) {
      const uint64_t at = offset + done;
      LEVELKEEP_ASSIGN_OR_RETURN(const ChunkCache::Piece piece, PieceAt(at));
      const size_t skip =
          static_cast<size_t>(at % kChunkBytes % ChunkCache::kPieceBytes);
      const size_t count = std::min(size - done, piece->size() - skip);
      std::memcpy(buffer + done, piece->data() + skip, count);
      done += count;
    }
    return size;
  }

 private:
  Result<ChunkCache::Piece> PieceAt(uint64_t offset) const {
    const size_t chunk = static_cast<size_t>(offset / kChunkBytes);
    const size_t piece =
        static_cast<size_t>(offset % kChunkBytes / ChunkCache::kPieceBytes);
    auto found =
        view_->cache_.Get(file_.members[chunk].begin, piece,
                          [this, chunk] { return InflateChunk(chunk); });
    if (!found.ok()) {
      return found.status().WithContext(view_->path_ + ", " + name_);
    }
    return found;
  }

  // Pages that were not in the page cache before are dropped again.
  Result<std::vector<ChunkCache::Piece>> InflateChunk(size_t chunk) const {
    const auto [begin, end] = file_.members[chunk];
    const bool cached = view_->archive_->IsCached(begin);
    auto pieces = ReadMember(chunk);
    if (!cached) view_->archive_->DontNeed(begin, end - begin);
    return pieces;
  }

  Result<std::vector<ChunkCache::Piece>> ReadMember(size_t chunk) const {
    const bool last = chunk + 1 == file_.members.size();
    uint64_t left =
        std::min(kChunkBytes, file_.size_bytes - chunk * kChunkBytes);
    std::vector<ChunkCache::Piece> pieces;
    MemberReader member(view_->archive_.get());
    member.Start(file_.members[chunk].begin, file_.members[chunk].end);
    LEVELKEEP_RETURN_IF_ERROR(member.BeginMember());
    while (left > 0) {
      const size_t size = static_cast<size_t>(
          std::min<uint64_t>(ChunkCache::kPieceBytes, left));
      auto piece = view_->cache_.NewPiece();
      LEVELKEEP_RETURN_IF_ERROR(member.Read(piece->Tail(size), size));
      piece->Advance(size);
      pieces.push_back(std::move(piece));
      left -= size;
    }
    if (last) {
      LEVELKEEP_RETURN_IF_ERROR(member.ReadZeros(TarPadding(file_.size_bytes)));
    }
    LEVELKEEP_RETURN_IF_ERROR(member.EndMember());
    return pieces;
  }

  const std::shared_ptr<const ArchiveView> view_;
  const std::string name_;
  const ViewedFile& file_;
};

Result<std::shared_ptr<const ArchiveView>> ArchiveView::Open(
    FileSystem* fs, const std::string& path, size_t cache_bytes) {
  std::shared_ptr<ArchiveView> view(new ArchiveView(cache_bytes));
  view->path_ = path;
  LEVELKEEP_ASSIGN_OR_RETURN(view->archive_, fs->Open(path, OpenMode::kRead));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, view->archive_->Stat());
  const auto index = LoadOwnIndex(*view->archive_, info.size_bytes);
  if (!index.ok()) return index.status().WithContext(path);
  if (!index->has_value()) {
    return Status(StatusCode::kUnsupported,
                  path + " is not an archive of LevelKeep",
                  "extract it and check the folder");
  }
  view->Take(**index);
  return std::shared_ptr<const ArchiveView>(std::move(view));
}

Result<std::unique_ptr<ByteSource>> ArchiveView::OpenFile(
    std::shared_ptr<const ArchiveView> view, const std::string& name) {
  if (view->sizes_.count(name) == 0) {
    return Status(StatusCode::kNotFound,
                  view->path_ + " holds no file " + Printable(name));
  }
  return std::unique_ptr<ByteSource>(
      std::make_unique<Source>(std::move(view), name));
}

std::shared_ptr<ByteBuffer> ChunkCache::NewPiece() {
  std::unique_ptr<ByteBuffer> buffer;
  {
    MutexLock lock(&free_mutex_);
    if (!free_.empty()) {
      buffer = std::move(free_.back());
      free_.pop_back();
    } else {
      free_.reserve(++made_);
    }
  }
  if (buffer == nullptr) buffer = std::make_unique<ByteBuffer>(kPieceBytes);
  const auto give_back = [this](ByteBuffer* used) {
    used->Clear();
    MutexLock lock(&free_mutex_);
    free_.emplace_back(used);
  };
  return {buffer.release(), give_back};
}

Result<ChunkCache::Piece> ChunkCache::Get(uint64_t chunk, size_t piece,
                                          const Load& load) {
  {
    MutexLock lock(&mutex_);
    for (;;) {
      if (Piece hit = Find({chunk, piece})) return hit;
      if (loading_.size() < kMaxLoading && loading_.count(chunk) == 0) break;
      changed_.wait(mutex_);
    }
    loading_.insert(chunk);
  }
  // Even if loading throws: other threads would otherwise wait for the chunk
  // for ever.
  const auto end = [this](const uint64_t* loaded) {
    MutexLock lock(&mutex_);
    loading_.erase(*loaded);
    changed_.notify_all();
  };
  const std::unique_ptr<const uint64_t, decltype(end)> loading(&chunk, end);
  LEVELKEEP_ASSIGN_OR_RETURN(const std::vector<Piece> pieces, load());
  if (piece >= pieces.size()) {
    return Status(StatusCode::kInternal, "a chunk has fewer pieces than asked");
  }
  MutexLock lock(&mutex_);
  Insert(chunk, piece, pieces);
  return pieces[piece];
}

ChunkCache::Piece ChunkCache::Find(const Key& key) {
  const auto found = by_key_.find(key);
  if (found != by_key_.end()) {
    used_.splice(used_.begin(), used_, found->second);
    return found->second->piece;
  }
  const auto chunk = ahead_.find(key.first);
  if (chunk == ahead_.end()) return nullptr;
  auto& ahead = chunk->second;
  const auto entry = std::ranges::find_if(
      ahead, [&](const Entry& other) { return other.key == key; });
  if (entry == ahead.end()) return nullptr;
  Piece piece = entry->piece;
  ahead.erase(entry);
  --ahead_count_;
  if (ahead.empty()) ahead_.erase(chunk);
  Use(key, piece);
  return piece;
}

void ChunkCache::Use(const Key& key, Piece piece) {
  used_.push_front({key, std::move(piece)});
  by_key_[key] = used_.begin();
  while (used_.size() > max_used_) {
    by_key_.erase(used_.back().key);
    used_.pop_back();
  }
}

// Marks the other pieces as ahead: from the wanted one to the end, then those
// at the front, because a table's reader begins with the footer at the end.
void ChunkCache::Insert(uint64_t chunk, size_t wanted,
                        const std::vector<Piece>& pieces) {
  Use({chunk, wanted}, pieces[wanted]);
  std::deque<Entry> ahead;
  for (size_t i = wanted + 1; i < wanted + pieces.size(); ++i) {
    const Key key(chunk, i % pieces.size());
    if (by_key_.count(key) == 0) ahead.push_back({key, pieces[key.second]});
  }
  const auto before = ahead_.find(chunk);
  if (before != ahead_.end()) {
    ahead_count_ -= before->second.size();
    ahead_.erase(before);
  }
  if (ahead.empty()) return;
  ahead_count_ += ahead.size();
  ahead_[chunk] = std::move(ahead);
  ShrinkAhead();
}

// Evicts from the chunk with the most pieces the one that is read last.
void ChunkCache::ShrinkAhead() {
  while (ahead_count_ > max_ahead_) {
    const auto most =
        std::ranges::max_element(ahead_, [](const auto& a, const auto& b) {
          return a.second.size() < b.second.size();
        });
    most->second.pop_back();
    --ahead_count_;
    if (most->second.empty()) ahead_.erase(most);
  }
}

}  // namespace levelkeep
