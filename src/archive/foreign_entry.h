// Decides which entries of a foreign archive to use. Private to archive.

#ifndef LEVELKEEP_ARCHIVE_FOREIGN_ENTRY_H_
#define LEVELKEEP_ARCHIVE_FOREIGN_ENTRY_H_

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

#include "archive/tar_stream.h"
#include "levelkeep/status.h"

namespace levelkeep {

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

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_FOREIGN_ENTRY_H_
