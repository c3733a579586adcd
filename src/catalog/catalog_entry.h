// One backup, as the catalog knows it.

#ifndef LEVELKEEP_CATALOG_CATALOG_ENTRY_H_
#define LEVELKEEP_CATALOG_CATALOG_ENTRY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "format/backup_name.h"
#include "format/backup_state.h"
#include "format/manifest.h"

namespace levelkeep {

// No sidecar or state file of ours is larger.
inline constexpr uint64_t kSmallFileLimit = 64 << 10;

struct CatalogEntry {
  std::string name;
  std::string path;  // empty: the archive is not in `backups/`
  BackupName parsed;
  uint64_t size_bytes = 0;
  int64_t mtime_ns = 0;
  uint64_t inode = 0;
  // Unreadable or foreign under our name: no manifest, and `problem`.
  // ManifestForListing's.
  std::optional<Manifest> manifest;
  std::string problem;
  bool foreign = false;  // an archive, but not one that LevelKeep wrote
  std::string sha256;    // from the sidecar; empty without
  bool pinned = false;
  // What a verification found, if its record is ours: see Catalog.
  std::optional<VerifyRecord> verification;
  std::string verified_sha256;  // of the archive that it speaks of
  std::optional<NotChecked> not_checked;
  std::vector<BackupCopy> copies;  // in other destinations

  // Its archive is in `backups/`.
  bool is_local() const { return !path.empty(); }
  // The manifest's time, else the name's.
  Time created() const;
  // The manifest's OrderTimeOf, else the name's time.
  Time order_time() const;
  // Every byte was read and was right; "structure" alone does not count.
  bool verified() const {
    return verification && verification->passed &&
           verification->depth != VerifyDepth::kStructure;
  }
  bool damaged() const { return verification && !verification->passed; }
  // Nobody has read all of it yet, and the last who tried could not.
  bool waits_for_check() const {
    return not_checked && !verified() && !damaged();
  }
  BackupStatus status() const;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_CATALOG_CATALOG_ENTRY_H_
