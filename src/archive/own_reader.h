// Checks and extracts our own archives, in parallel. Private to archive.

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

// kCorruption, with the hint that fits one of ours.
Status DamagedArchive(const std::string& problem);

// Footer, table of contents and manifest, which agree with each other: the
// manifest's files are exactly the entries of its database folder, and the
// last entry is the manifest.
struct OwnIndex {
  uint64_t archive_bytes = 0;
  uint64_t toc_offset = 0;
  Toc toc;
  std::shared_ptr<const Manifest> manifest;  // set once it is loaded
  uint64_t content_bytes = 0;                // of the database files

  // toc.files[i] for all i below this are database files.
  size_t database_files() const { return toc.files.size() - 1; }
  // "000012.ldb" for toc.files[i].
  std::string FlatName(size_t i) const;
};

// Nothing if there is no footer of ours. With a footer, whatever is wrong is
// kCorruption, or kUnsupported for an archive of a newer version.
Result<std::optional<OwnIndex>> LoadOwnIndex(const ByteSource& source,
                                             uint64_t archive_bytes);

// Cuts the archive at the offsets of the table of contents into units that
// tile it from the first byte to the table of contents: a chunk's member,
// and behind a file's last chunk the header members of the entries up to the
// next chunk. Workers take units in order; a unit must fill its range to the
// byte.
// Thread safety: one call of Run; the rest is internal.
class OwnReader {
 public:
  // All outlive it. `sha256` is the archive's, or empty if not known yet.
  OwnReader(const ByteSource& source, const OwnIndex& index,
            const ArchiveReadOptions& options, TargetDirectory* target,
            std::string sha256);
  ~OwnReader();

  Result<ExtractedDatabase> Run();

 private:
  struct Unit;
  // The chunk that a unit begins with; of the first unit, nothing.
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
  std::vector<Start> starts_;  // of the units
  std::unordered_map<size_t, std::unique_ptr<LargeFile>> large_;  // by file

  std::atomic<size_t> next_unit_ = 0;
  // Of the archive: taken unit by unit, by the worker whose turn it is.
  Digest digest_{DigestKind::kSha256};
  std::string sha256_;  // empty: to be found out
  std::atomic<uint64_t> done_bytes_ = 0;
  Verdict verdict_;

  Mutex mutex_;  // also guards the turns inside LargeFile
  CondVar changed_;
  size_t digest_turn_ GUARDED_BY(mutex_) = 0;  // the unit that comes next
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_OWN_READER_H_
