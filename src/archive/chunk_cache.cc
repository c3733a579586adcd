#include "archive/chunk_cache.h"

#include <algorithm>

#include "base/status_macros.h"

namespace levelkeep {

// Removes a chunk from loading_, even if loading throws: other threads would
// otherwise wait for it for ever.
class ChunkCache::LoadingMark {
 public:
  LoadingMark(ChunkCache* cache, uint64_t chunk)
      : cache_(*cache), chunk_(chunk) {}
  ~LoadingMark() {
    MutexLock lock(&cache_.mutex_);
    cache_.loading_.erase(chunk_);
    cache_.changed_.notify_all();
  }
  LoadingMark(const LoadingMark&) = delete;
  LoadingMark& operator=(const LoadingMark&) = delete;

 private:
  ChunkCache& cache_;
  const uint64_t chunk_;
};

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
  const LoadingMark mark(this, chunk);
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
  const auto entry =
      std::find_if(ahead.begin(), ahead.end(),
                   [&](const Entry& other) { return other.key == key; });
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
    const auto most = std::max_element(
        ahead_.begin(), ahead_.end(), [](const auto& a, const auto& b) {
          return a.second.size() < b.second.size();
        });
    most->second.pop_back();
    --ahead_count_;
    if (most->second.empty()) ahead_.erase(most);
  }
}

}  // namespace levelkeep
