// Checks and extracts archives that we did not write: which of their entries
// are the database, and where their bytes go. Private to archive.

#ifndef LEVELKEEP_ARCHIVE_FOREIGN_READER_H_
#define LEVELKEEP_ARCHIVE_FOREIGN_READER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "archive/archive_reader.h"
#include "archive/byte_buffer.h"
#include "archive/gzip_format.h"
#include "archive/parallel.h"
#include "archive/tar_format.h"
#include "archive/target_directory.h"
#include "base/file_system.h"
#include "format/manifest.h"
#include "levelkeep/status.h"

namespace levelkeep {

// What the check needs of foreign files besides their names and sizes.
// Thread safety: one thread at a time.
class DatabaseCheck {
 public:
  // CURRENT and MANIFESTs; their content is kept in memory.
  static bool WantsContent(std::string_view flat_name);
  // Before its content comes: kUnsupported when that would make more than
  // 64 MiB in all.
  Status Expect(const std::string& flat_name, uint64_t size_bytes);
  // No more than was expected.
  void AddContent(const std::string& flat_name, std::string_view bytes);

  // kCorruption unless CURRENT names a MANIFEST that is there and whole (a
  // torn last record is what a crash leaves and fine), and all tables and
  // the log that it names are there with the sizes that it names.
  Status Check(const std::vector<ManifestFile>& files) const;

 private:
  std::map<std::string, std::string> contents_;
  uint64_t content_bytes_ = 0;
};

// Thread safety: one thread at a time.
class BlockWriter {
 public:
  // The next file, which is empty. It outlives its Finish.
  void Begin(File* file);
  Status Append(std::string_view bytes);
  // Writes what is left. The file is not synced.
  Status Finish();

 private:
  Status Flush();

  File* file_ = nullptr;
  uint64_t written_ = 0;
  ByteBuffer buffer_;
};

enum class ForeignKind {
  kDatabase,  // CURRENT, MANIFEST, table or log
  kManifest,  // levelkeep-manifest.json: an archive of ours, packed again
  kToc,       // stargz.index.json, likewise
  kIdentity,  // DATABASE_ID: whose data it is
  kIgnored,   // directories, LOCK, LOG, lost/, what desktops leave behind
};

struct ForeignEntry {
  ForeignKind kind = ForeignKind::kIgnored;
  std::string flat_name;
};

// Decides entry by entry and remembers what must not repeat.
// Thread safety: one thread at a time.
class ForeignClassifier {
 public:
  explicit ForeignClassifier(size_t max_path_length)
      : max_path_length_(max_path_length) {}

  // kCorruption, naming the entry, for whatever does not belong into a
  // database's archive: links, devices, paths that lead out, duplicates,
  // other files, database files in two folders.
  Result<ForeignEntry> Classify(const TarEntry& entry);
  // "" for the top; the folder that holds the database.
  const std::string& folder() const { return folder_; }

 private:
  Status CheckPath(const TarEntry& entry, std::string* clean) const;

  const size_t max_path_length_;
  bool folder_known_ = false;
  std::string folder_;
  std::set<std::string> seen_;
};

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
