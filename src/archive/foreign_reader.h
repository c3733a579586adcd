// Checks and extracts archives of other programs: finds the entries that are
// the database, and writes their bytes to files. Private to archive.

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

// Collects what the check needs besides names and sizes of foreign files.
// Thread safety: one thread at a time.
class DatabaseCheck {
 public:
  // True for CURRENT and MANIFESTs, whose content is kept in memory.
  static bool WantsContent(std::string_view flat_name);
  // Call before the content of a file arrives: kUnsupported if all kept content
  // would exceed 64 MiB.
  Status Expect(const std::string& flat_name, uint64_t size_bytes);
  // Adds content, not more than was announced by Expect.
  void AddContent(const std::string& flat_name, std::string_view bytes);

  // kCorruption unless CURRENT names an existing, complete MANIFEST (a torn
  // last record, as a crash leaves it, is fine), and all tables and the log
  // that the MANIFEST names exist with the sizes it states.
  Status Check(const std::vector<ManifestFile>& files) const;

 private:
  std::map<std::string, std::string> contents_;
  uint64_t content_bytes_ = 0;
};

// Thread safety: one thread at a time.
class BlockWriter {
 public:
  // Continues with another file, which is empty. `file` outlives its Finish.
  void Begin(File* file);
  Status Append(std::string_view bytes);
  // Writes the remaining bytes. Does not sync the file.
  Status Finish();

 private:
  Status Flush();

  File* file_ = nullptr;
  uint64_t written_ = 0;
  ByteBuffer buffer_;
};

enum class ForeignKind {
  kDatabase,  // CURRENT, MANIFEST, table or log
  kManifest,  // levelkeep-manifest.json: a repacked LevelKeep archive
  kToc,       // stargz.index.json: a LevelKeep archive without its end
  kIdentity,  // DATABASE_ID: the identity of the database
  kIgnored,   // directories, LOCK, LOG, lost/, files of desktop programs
};

struct ForeignEntry {
  ForeignKind kind = ForeignKind::kIgnored;
  std::string flat_name;
};

// Classifies entries one by one, and remembers names that must not repeat.
// Thread safety: one thread at a time.
class ForeignClassifier {
 public:
  explicit ForeignClassifier(size_t max_path_length)
      : max_path_length_(max_path_length) {}

  // kCorruption, with the entry's name, for entries that do not belong into the
  // archive of a database: links, devices, paths that lead out, duplicates,
  // other files, database files in two folders.
  Result<ForeignEntry> Classify(const TarEntry& entry);
  // The folder that holds the database; "" for the top of the archive.
  const std::string& folder() const { return folder_; }

 private:
  Status CheckPath(const TarEntry& entry, std::string* clean) const;

  const size_t max_path_length_;
  bool folder_known_ = false;
  std::string folder_;
  std::set<std::string> seen_;
};

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
