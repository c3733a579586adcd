// One backup as the catalog knows it, whose backups count, and what was in
// backups/ at one moment.

#ifndef LEVELKEEP_CATALOG_LISTING_H_
#define LEVELKEEP_CATALOG_LISTING_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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

// The database that asks. Value type.
struct Owner {
  // There is one; its identity may still have to be made. False: whoever asks
  // knows of no database (a worker that sees the backups only).
  bool known = false;
  std::string id = {};  // DATABASE_ID; empty: not made yet, or not known
  bool alone = true;    // no other database is remembered in this folder

  // Its manifest names another database. That alone makes it another's.
  bool IsOther(const Manifest& manifest) const {
    return known && !manifest.db_id.empty() && manifest.db_id != id;
  }
  bool IsOther(const CatalogEntry& entry) const {
    return entry.manifest && IsOther(*entry.manifest);
  }
  bool operator==(const Owner&) const = default;
};

// Newest first, as format/manifest.h has it; an archive without manifest
// is of no history, and of the time in its name.
//
// All archives are entries. What is asked for beyond that looks at the owner's
// own backups only, and of those at the archives that are in the folder.
// Archives that name no database (of 0.1.0, of other programs) count as its own
// while no other database uses the folder; else they are nobody's. Where nobody
// knows of a database, and the backups are of one at most, they count as its
// own.
//
// What health asks for is counted once, when the listing is made: with
// 10,000 backups a walk over them takes longer than all the rest of it.
// Thread safety: immutable; share it as shared_ptr<const Listing>.
class Listing {
 public:
  using Entry = std::shared_ptr<const CatalogEntry>;

  Listing() = default;
  // `entries` in any order, none null.
  explicit Listing(std::vector<Entry> entries, Owner owner = {});
  Listing(const Listing&) = delete;
  Listing& operator=(const Listing&) = delete;

  const std::vector<Entry>& entries() const { return entries_; }
  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }

  const Owner& owner() const { return owner_; }
  bool IsOther(const CatalogEntry& entry) const {
    return owner_.IsOther(entry);
  }
  bool IsOwn(const CatalogEntry& entry) const;
  // Those of several databases, of which nobody knows which one is meant.
  bool ambiguous() const { return !owner_.known && !alone_; }
  // Without those of other databases.
  size_t count() const { return count_; }

  // The pointers below live as long as the listing; null: there is none.

  // With a manifest, and not known to be damaged.
  const CatalogEntry* newest_usable() const { return newest_usable_; }
  // The same, within the history `epoch`, of those that count LevelDB's writes.
  const CatalogEntry* NewestOfEpoch(std::string_view epoch) const;
  // "verified" or "unverified", also by somebody else's program.
  const CatalogEntry* newest_good() const { return newest_good_; }
  const CatalogEntry* newest_verified() const { return newest_verified_; }
  // "damaged" or "unreadable", newest first; of other databases none.
  const std::vector<const CatalogEntry*>& bad() const { return bad_; }
  // CatalogEntry::waits_for_check(), newest first.
  const std::vector<const CatalogEntry*>& waiting() const { return waiting_; }
  // Of what count() counts.
  uint64_t total_bytes() const { return total_bytes_; }
  // Manifest::order_time of a backup that is made at `now`, beside these:
  // none if the clock is not behind any of them, as it should be. A walk.
  std::optional<Time> OrderTimeAt(Time now) const;

 private:
  void Count(const CatalogEntry& entry);

  std::vector<Entry> entries_;
  Owner owner_;
  bool alone_ = true;  // no other database's backups, nor memory of one
  size_t count_ = 0;
  const CatalogEntry* newest_usable_ = nullptr;
  const CatalogEntry* newest_good_ = nullptr;
  const CatalogEntry* newest_verified_ = nullptr;
  std::vector<const CatalogEntry*> bad_;
  std::vector<const CatalogEntry*> waiting_;
  // Keys point into the entries.
  std::map<std::string_view, const CatalogEntry*> newest_of_epoch_;
  uint64_t total_bytes_ = 0;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_CATALOG_LISTING_H_
