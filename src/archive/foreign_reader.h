// Checks and extracts archives that we did not write. Private to archive.

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

// One pass over a .tar.gz that ends without our footer.
//
// Our own archive that somebody unpacked and packed again is one gzip member
// and holds levelkeep-manifest.json: its digests decide then. Several members
// and that manifest, or a table of contents, are our own archive without its
// end.
// Thread safety: one call of Run.
class ForeignReader {
 public:
  // All outlive it.
  ForeignReader(const ByteSource& source, uint64_t archive_bytes,
                const ArchiveReadOptions& options, TargetDirectory* target);

  Result<ExtractedDatabase> Run();
  // Run failed because the file ends before the archive does.
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
  uint64_t stated_bytes_ = 0;  // by the headers of all entries
  uint64_t reported_bytes_ = 0;
  bool has_toc_ = false;
  bool has_manifest_ = false;
  bool cut_short_ = false;
  std::string manifest_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_FOREIGN_READER_H_
