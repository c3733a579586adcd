// Checks and extracts LevelKeep archives, in parallel. Private to archive.

#ifndef LEVELKEEP_ARCHIVE_OWN_READER_H_
#define LEVELKEEP_ARCHIVE_OWN_READER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "archive/archive_reader.h"
#include "archive/member_reader.h"
#include "archive/parallel.h"
#include "archive/target_directory.h"
#include "base/file_system.h"
#include "base/hash.h"
#include "base/mutex.h"
#include "format/manifest.h"
#include "format/toc.h"
#include "levelkeep/status.h"

namespace levelkeep {

// kCorruption, with the hint for a LevelKeep archive.
Status DamagedArchive(const std::string& problem);

// Footer, table of contents and manifest, which agree: the manifest's files are
// exactly the entries in its database folder, and the last entry is the
// manifest.
struct OwnIndex {
  uint64_t archive_bytes = 0;
  uint64_t toc_offset = 0;
  Toc toc;
  std::shared_ptr<const Manifest> manifest;  // set once it is loaded
  uint64_t content_bytes = 0;                // of the database files

  // toc.files[i] is a database file for all i below this number.
  size_t database_files() const { return toc.files.size() - 1; }
  // "000012.ldb" for toc.files[i].
  std::string FlatName(size_t i) const;
};

// Nullopt if the archive has no LevelKeep footer. If it has one, every fault is
// kCorruption, or kUnsupported for an archive of a newer version.
Result<std::optional<OwnIndex>> LoadOwnIndex(const ByteSource& source,
                                             uint64_t archive_bytes);

// Cuts the archive at the offsets in its table of contents into units that
// cover it without gaps up to the table of contents. A unit is a chunk's member
// and, behind a file's last chunk, the header members of the entries before the
// next chunk. Workers take units in order; each unit must fill its range
// exactly. Thread safety: one call of Run; the rest is internal.
class OwnReader {
 public:
  // All arguments outlive this object. `sha256` is the archive's, empty if not
  // known yet.
  OwnReader(const ByteSource& source, const OwnIndex& index,
            const ArchiveReadOptions& options, TargetDirectory* target,
            std::string sha256);
  ~OwnReader();

  Result<ExtractedDatabase> Run();

 private:
  struct Unit;
  // The chunk at the start of a unit; the first unit begins without a chunk.
  struct Start {
    uint32_t file = 0;
    uint32_t chunk = 0;
  };
  struct LargeFile;
  class Worker;

  void CutUnits();
  Unit UnitAt(size_t number) const;
  Status CheckLimits() const;
  Status DigestTail();

  // Constant after CutUnits.
  const ByteSource& source_;
  const OwnIndex& index_;
  const ArchiveReadOptions& options_;
  TargetDirectory* const target_;
  std::vector<Start> starts_;  // one for each unit
  std::unordered_map<size_t, std::unique_ptr<LargeFile>> large_;  // by file

  std::atomic<size_t> next_unit_ = 0;
  // The archive's digest. Workers add their units to it in order.
  Digest digest_{DigestKind::kSha256};
  std::string sha256_;  // empty: not known yet
  std::atomic<uint64_t> done_bytes_ = 0;
  Verdict verdict_;

  Mutex mutex_;  // also guards the turns inside LargeFile
  CondVar changed_;
  size_t digest_turn_ GUARDED_BY(mutex_) = 0;  // the unit that comes next
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_OWN_READER_H_
