#include "archive/chunk_cache.h"

#include "base/status_macros.h"

namespace levelkeep {

// Takes a chunk out of loading_ again, also when loading throws: the others
// would wait for it for ever.
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
  if (found == by_key_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->piece;
}

// What is read next leaves last: the pieces from the wanted one to the end,
// then, as after a table's footer, those from the front.
void ChunkCache::Insert(uint64_t chunk, size_t wanted,
                        const std::vector<Piece>& pieces) {
  for (size_t ahead = pieces.size(); ahead-- > 0;) {
    const size_t i = (wanted + ahead) % pieces.size();
    if (Find({chunk, i}) != nullptr) continue;
    entries_.push_front({{chunk, i}, pieces[i]});
    by_key_[{chunk, i}] = entries_.begin();
    bytes_ += pieces[i]->size();
  }
  Evict();
}

void ChunkCache::Evict() {
  while (bytes_ > capacity_bytes_ && !entries_.empty()) {
    bytes_ -= entries_.back().piece->size();
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

}  // namespace levelkeep
