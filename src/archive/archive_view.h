// Reads the database files inside one of our archives in place: inflated chunks
// are cached in pieces, within a memory limit.

#ifndef LEVELKEEP_ARCHIVE_ARCHIVE_VIEW_H_
#define LEVELKEEP_ARCHIVE_ARCHIVE_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "archive/byte_buffer.h"
#include "base/file_system.h"
#include "base/mutex.h"
#include "levelkeep/status.h"

namespace levelkeep {

struct OwnIndex;

// Chunks are cached whole and evicted in pieces. LevelDB's iterator merges many
// tables and reads all of them at the same time, each from front to back. So
// pieces that are still to be read are kept apart from pieces that were read.
// When the chunks do not fit, each chunk keeps an equal share of the pieces
// that are read next: a chunk is then inflated a few times, not once for each
// block.
//
// Thread safety: all methods may be called concurrently.
class ChunkCache {
 public:
  static constexpr size_t kPieceBytes = 64u << 10;
  // Upper limit of threads that load at once; each load holds a whole chunk.
  static constexpr size_t kMaxLoading = 4;

  using Piece = std::shared_ptr<const ByteBuffer>;
  // All pieces of one chunk, in order, each but the last of kPieceBytes.
  using Load = std::function<Result<std::vector<Piece>>()>;

  explicit ChunkCache(size_t capacity_bytes)
      : max_used_(capacity_bytes / kPieceBytes / 4),
        max_ahead_(capacity_bytes / kPieceBytes - max_used_) {}

  // An empty buffer for kPieceBytes. Buffers are reused, because a heap that
  // allocates and frees this size on several threads uses twice the memory.
  // The buffer must not outlive the cache.
  std::shared_ptr<ByteBuffer> NewPiece();

  // Calls `load`, without holding a lock, if the piece is not cached; only one
  // thread loads a chunk at a time. REQUIRES: the chunk has such a piece.
  Result<Piece> Get(uint64_t chunk, size_t piece, const Load& load);

 private:
  using Key = std::pair<uint64_t, size_t>;
  struct Entry {
    Key key;
    Piece piece;
  };

  Piece Find(const Key& key) REQUIRES_LOCK(mutex_);
  void Use(const Key& key, Piece piece) REQUIRES_LOCK(mutex_);
  void Insert(uint64_t chunk, size_t wanted, const std::vector<Piece>& pieces)
      REQUIRES_LOCK(mutex_);
  void ShrinkAhead() REQUIRES_LOCK(mutex_);

  Mutex free_mutex_;  // may be taken while mutex_ is held
  // Has room for all buffers that exist, so that returning one never allocates.
  std::vector<std::unique_ptr<ByteBuffer>> free_ GUARDED_BY(free_mutex_);
  size_t made_ GUARDED_BY(free_mutex_) = 0;

  const size_t max_used_;  // pieces
  const size_t max_ahead_;
  Mutex mutex_;
  CondVar changed_;
  std::list<Entry> used_ GUARDED_BY(mutex_);  // the last used first
  std::map<Key, std::list<Entry>::iterator> by_key_ GUARDED_BY(mutex_);
  // Per chunk, the pieces not used yet, in reading order.
  std::map<uint64_t, std::deque<Entry>> ahead_ GUARDED_BY(mutex_);
  size_t ahead_count_ GUARDED_BY(mutex_) = 0;
  std::set<uint64_t> loading_ GUARDED_BY(mutex_);
};

// Inflates the needed chunks and caches the last ones. Checks sizes and CRCs,
// but no digests: see ArchiveReader::Check.
// Thread safety: all methods may be called concurrently.
class ArchiveView {
 public:
  // Together with chunks that are being inflated, below 64 MiB.
  static constexpr size_t kDefaultCacheBytes = 40u << 20;

  // kUnsupported unless it is a LevelKeep archive; kCorruption if its table of
  // contents or its manifest is damaged.
  static Result<std::shared_ptr<const ArchiveView>> Open(
      FileSystem* fs, const std::string& path,
      size_t cache_bytes = kDefaultCacheBytes);

  // The sizes of the database files, by name ("000012.ldb").
  const std::map<std::string, uint64_t>& sizes() const { return sizes_; }
  // kNotFound if there is no such file. The source keeps the view alive; its
  // reads fail with kCorruption if the archive is damaged.
  static Result<std::unique_ptr<ByteSource>> OpenFile(
      std::shared_ptr<const ArchiveView> view, const std::string& name);

 private:
  class Source;
  // A chunk's gzip member begins at `begin`; behind it are headers up to `end`.
  struct Extent {
    uint64_t begin = 0;
    uint64_t end = 0;
  };
  struct ViewedFile {
    uint64_t size_bytes = 0;
    std::vector<Extent> members;  // one for each chunk
  };

  explicit ArchiveView(size_t cache_bytes) : cache_(cache_bytes) {}
  // Keeps only what reading needs of the index, which is several times larger.
  void Take(const OwnIndex& index);

  std::string path_;
  std::unique_ptr<File> archive_;
  std::map<std::string, uint64_t> sizes_;
  std::map<std::string, ViewedFile> files_;
  mutable ChunkCache cache_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_ARCHIVE_VIEW_H_
