// Checks and extracts archives of other programs. Private to archive.

#ifndef LEVELKEEP_ARCHIVE_FOREIGN_READER_H_
#define LEVELKEEP_ARCHIVE_FOREIGN_READER_H_

#include <cstdint>
#include <string>

#include "archive/archive_reader.h"
#include "archive/block_writer.h"
#include "archive/database_check.h"
#include "archive/foreign_entry.h"
#include "archive/gzip_stream.h"
#include "archive/parallel.h"
#include "archive/tar_stream.h"
#include "archive/target_directory.h"

namespace levelkeep {

// One pass over a .tar.gz that has no LevelKeep footer at its end.
//
// If somebody unpacked a LevelKeep archive and packed it again, it is one gzip
// member with levelkeep-manifest.json, and the manifest's digests are checked.
// An archive with several members and that manifest, or with a table of
// contents, is a LevelKeep archive whose end is missing.
// Thread safety: one call of Run.
class ForeignReader {
 public:
  // All arguments outlive this object.
  ForeignReader(const ByteSource& source, uint64_t archive_bytes,
                const ArchiveReadOptions& options, TargetDirectory* target);

  Result<ExtractedDatabase> Run();
  // True if Run failed because the file ends before the archive does.
  bool cut_short() const { return cut_short_; }

 private:
  Status ReadEntries();
  Status TakeFile(const TarEntry& entry, const std::string& flat_name);
  Status TakeManifest(const TarEntry& entry);
  Status TakeIdentity(const TarEntry& entry);
  Status Drain(const TarEntry& entry);
  Status CountEntry(const TarEntry& entry);
  void ReportProgress();
  Status CompareWithManifest(const std::string& text);

  const uint64_t archive_bytes_;
  const ArchiveReadOptions& options_;
  TargetDirectory* const target_;
  Verdict verdict_;
  InflateAhead gzip_;
  const uint64_t max_inflated_;
  TarStream tar_;
  ForeignClassifier classifier_;
  DatabaseCheck check_;
  BlockWriter writer_;
  SyncQueue queue_;
  ExtractedDatabase database_;
  uint64_t entries_ = 0;
  uint64_t stated_bytes_ = 0;  // sum of the sizes in all headers
  uint64_t reported_bytes_ = 0;
  bool has_toc_ = false;
  bool has_manifest_ = false;
  bool cut_short_ = false;
  std::string manifest_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_FOREIGN_READER_H_
