// Checks and extracts LevelKeep archives, in parallel. Private to archive.

#ifndef LEVELKEEP_ARCHIVE_OWN_READER_H_
#define LEVELKEEP_ARCHIVE_OWN_READER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "archive/archive_reader.h"
#include "archive/target_directory.h"
#include "base/file_system.h"
#include "format/manifest.h"
#include "format/toc.h"
#include "levelkeep/status.h"

namespace levelkeep {

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

// Checks the archive, and extracts it if `target` writes. `sha256` is the
// archive's, empty if not known yet.
Result<ExtractedDatabase> ReadOwnArchive(const ByteSource& source,
                                         const OwnIndex& index,
                                         const ArchiveReadOptions& options,
                                         TargetDirectory* target,
                                         std::string sha256);

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_OWN_READER_H_
