// Inflated chunks in pieces, within a bound of memory. Private to archive.

#ifndef LEVELKEEP_ARCHIVE_CHUNK_CACHE_H_
#define LEVELKEEP_ARCHIVE_CHUNK_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "archive/byte_buffer.h"
#include "base/mutex.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Chunks come in whole and leave in pieces. A merge of many tables reads all
// of them at the same time, each from front to back: when they do not fit,
// each keeps the pieces that it reads next, and its chunk is inflated a few
// times instead of once for each block.
// Thread safety: Get may be called concurrently.
class ChunkCache {
 public:
  static constexpr size_t kPieceBytes = 256u << 10;
  // Each holds a chunk that is not in the cache yet.
  static constexpr size_t kMaxLoading = 4;

  using Piece = std::shared_ptr<const ByteBuffer>;
  // All pieces of one chunk, in order, each but the last of kPieceBytes.
  using Load = std::function<Result<std::vector<Piece>>()>;

  explicit ChunkCache(size_t capacity_bytes)
      : capacity_bytes_(capacity_bytes) {}

  // `load` is called, without any lock held, if the piece is not here; by one
  // thread at a time for each chunk. REQUIRES: the chunk has such a piece.
  Result<Piece> Get(uint64_t chunk, size_t piece, const Load& load);

 private:
  using Key = std::pair<uint64_t, size_t>;
  struct Entry {
    Key key;
    Piece piece;
  };
  class LoadingMark;

  Piece Find(const Key& key) REQUIRES_LOCK(mutex_);
  void Insert(uint64_t chunk, size_t wanted, const std::vector<Piece>& pieces)
      REQUIRES_LOCK(mutex_);
  void Evict() REQUIRES_LOCK(mutex_);

  const size_t capacity_bytes_;
  Mutex mutex_;
  CondVar changed_;
  std::list<Entry> entries_ GUARDED_BY(mutex_);  // last used first
  std::map<Key, std::list<Entry>::iterator> by_key_ GUARDED_BY(mutex_);
  size_t bytes_ GUARDED_BY(mutex_) = 0;
  std::set<uint64_t> loading_ GUARDED_BY(mutex_);
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_CHUNK_CACHE_H_
