// Checks and extracts archives: LevelKeep's own, in parallel, and those of
// other programs, from whose entries the database is picked. Private to
// archive.

#ifndef LEVELKEEP_ARCHIVE_READERS_H_
#define LEVELKEEP_ARCHIVE_READERS_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "archive/archive_reader.h"
#include "base/file_system.h"
#include "base/process.h"
#include "format/manifest.h"
#include "format/toc.h"
#include "levelkeep/status.h"

namespace levelkeep {

// The directory that an archive is extracted into. Creates files with permitted
// names; never replaces an existing file.
// Thread safety: all methods may be called concurrently.
class TargetDirectory {
 public:
  // `fs` outlives this object. With an empty `path`, nothing is written
  // (check).
  TargetDirectory(FileSystem* fs, std::string path);

  bool writes() const { return !path_.empty(); }
  // kInvalidArgument if the directory is not empty.
  Status CheckEmpty() const;
  // REQUIRES: writes(). kInternal unless `name` is that of a database file.
  Result<std::unique_ptr<File>> Create(const std::string& name);
  // Makes the creation of all files durable.
  Status Sync();

 private:
  FileSystem* const fs_;
  const std::string path_;
};

// Written files on their way to the device. A file is synced only after several
// others were written, so that the device can work in the meantime.
// Thread safety: one thread at a time.
class SyncQueue {
 public:
  // Adds a file whose content is complete.
  Status Add(std::unique_ptr<File> file, uint64_t size_bytes);
  // Syncs and closes the remaining files.
  Status Finish();

 private:
  Status SyncOldest();

  const size_t length_ = FewFilesMayBeOpen() ? 1 : 8;
  std::deque<std::unique_ptr<File>> files_;
};

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

// Collects what the check needs besides names and sizes of foreign files.
// Thread safety: one thread at a time.
class DatabaseCheck {
 public:
  // Call before the content of a file arrives. Returns where its bytes are to
  // be appended: the content of CURRENT and MANIFESTs is kept in memory; null
  // for other files. kUnsupported if all kept content would exceed 64 MiB.
  Result<std::string*> Expect(const std::string& flat_name,
                              uint64_t size_bytes);

  // kCorruption unless CURRENT names an existing, complete MANIFEST (a torn
  // last record, as a crash leaves it, is fine), and all tables and the log
  // that the MANIFEST names exist with the sizes it states.
  Status Check(const std::vector<ManifestFile>& files) const;

 private:
  std::map<std::string, std::string> contents_;
  uint64_t content_bytes_ = 0;
};

// One pass over a .tar.gz that has no LevelKeep footer at its end. Sets
// `cut_short` if it fails because the file ends before the archive does.
Result<ExtractedDatabase> ReadForeignArchive(const ByteSource& source,
                                             uint64_t archive_bytes,
                                             const ArchiveReadOptions& options,
                                             TargetDirectory* target,
                                             bool* cut_short);

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_READERS_H_
