// Which entries of a foreign archive are the database. Private to archive.

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

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_FOREIGN_ENTRY_H_
