// One backup as the catalog knows it, the owner of the backups, and the content
// of backups/ at one moment.

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

// The size limit of our sidecars and state files.
inline constexpr uint64_t kSmallFileLimit = 64 << 10;

struct CatalogEntry {
  std::string name;
  std::string path;  // empty: the archive is not in `backups/`
  BackupName parsed;
  uint64_t size_bytes = 0;
  int64_t mtime_ns = 0;
  uint64_t inode = 0;
  // The manifest for listings (ManifestForListing); none, and `problem` set, if
  // the archive is unreadable or foreign.
  std::optional<Manifest> manifest;
  std::string problem;
  bool foreign = false;  // an archive that LevelKeep did not write
  std::string sha256;    // from the sidecar; empty without one
  bool pinned = false;
  std::string warning;  // see BackupState; empty if it is of another archive
  // The result of the last verification, if its record is ours: see Catalog.
  std::optional<VerifyRecord> verification;
  std::string verified_sha256;  // of the verified archive
  std::optional<NotChecked> not_checked;
  std::optional<Time> covered_until;  // see Covered
  std::vector<BackupCopy> copies;     // in other destinations

  // True if the archive is in `backups/`.
  bool is_local() const { return !path.empty(); }
  // The manifest's time, or else the name's.
  Time created() const;
  // The last time up to `now` at which the backup is known to have had every
  // write.
  Time CoveredUntil(Time now) const {
    const bool later =
        covered_until && *covered_until > created() && *covered_until <= now;
    return later ? *covered_until : created();
  }
  // The manifest's OrderTimeOf, or else the name's time.
  Time order_time() const;
  // True if every byte was read and was right; "structure" does not count.
  bool verified() const {
    return verification && verification->passed &&
           verification->depth != VerifyDepth::kStructure;
  }
  bool damaged() const { return verification && !verification->passed; }
  bool verified_in_full() const {
    return verified() && verification->depth == VerifyDepth::kFull;
  }
  // True if another full verification would tell nothing new.
  bool judged() const { return damaged() || verified_in_full(); }
  // True if nobody has read the whole archive yet, and the last try failed.
  bool waits_for_check() const {
    return not_checked && !verified() && !damaged();
  }
  BackupStatus status() const;
};

// The database whose backups a caller asks for. Value type.
struct Owner {
  // True if there is a database, though its identity may not exist yet. False:
  // the caller knows no database (a worker that sees only the backups).
  bool known = false;
  std::string id = {};  // DATABASE_ID; empty: not created, or not known
  bool alone = true;    // no other database has a record in this folder

  // True if the manifest names another database. A manifest without a name is
  // not enough.
  bool IsOther(const Manifest& manifest) const {
    return known && !manifest.db_id.empty() && manifest.db_id != id;
  }
  bool IsOther(const CatalogEntry& entry) const {
    return entry.manifest && IsOther(*entry.manifest);
  }
  bool operator==(const Owner&) const = default;
};

// Newest first, in the order of format/manifest.h; an archive without a
// manifest has no history, and the time in its name.
//
// All archives are entries. All other questions concern the owner's own backups
// only, and of these only the ones with an archive in the folder. Archives that
// name no database (from 0.1.0 or other programs) count as the owner's while no
// other database uses the folder; otherwise they belong to nobody. If no owner
// is known and all backups are of at most one database, they count as its own.
//
// The values for health are counted once, when the listing is made: with 10,000
// backups, counting takes longer than the rest of health.
// Thread safety: immutable; share it as shared_ptr<const Listing>.
class Listing {
 public:
  using Entry = std::shared_ptr<const CatalogEntry>;

  Listing() = default;
  // `entries` may be in any order; none is null.
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
  // True if the backups are of several databases, and no owner is known.
  bool ambiguous() const { return !owner_.known && !alone_; }
  // The number of backups, without those of other databases.
  size_t count() const { return count_; }

  // The pointers below live as long as the listing; null: there is no such
  // backup.

  // The newest backup that has a manifest and is not known to be damaged.
  const CatalogEntry* newest_usable() const { return newest_usable_; }
  // The newest one of the history `epoch` that counts LevelDB's writes.
  const CatalogEntry* NewestOfEpoch(std::string_view epoch) const;
  // The newest "verified" or "unverified" one, also if another program wrote
  // it.
  const CatalogEntry* newest_good() const { return newest_good_; }
  const CatalogEntry* newest_verified() const { return newest_verified_; }
  // "damaged" or "unreadable" ones, newest first; not those of other databases.
  const std::vector<const CatalogEntry*>& bad() const { return bad_; }
  // Backups with waits_for_check(), newest first.
  const std::vector<const CatalogEntry*>& waiting() const { return waiting_; }
  // The size of all backups that count() counts.
  uint64_t total_bytes() const { return total_bytes_; }
  // How many of the backups that count() counts have each status.
  const std::map<BackupStatus, uint64_t>& by_status() const {
    return by_status_;
  }
  // The latest time at which an own backup says that it was made; Time::min()
  // without one.
  Time latest_created() const { return latest_created_; }
  // Manifest::order_time for a backup that is made at `now`: no value if the
  // clock is not behind any backup, as it should be. Walks over all backups.
  std::optional<Time> OrderTimeAt(Time now) const;

 private:
  void Count(const CatalogEntry& entry);

  std::vector<Entry> entries_;
  Owner owner_;
  bool alone_ = true;  // no backup or record of another database
  size_t count_ = 0;
  const CatalogEntry* newest_usable_ = nullptr;
  const CatalogEntry* newest_good_ = nullptr;
  const CatalogEntry* newest_verified_ = nullptr;
  std::vector<const CatalogEntry*> bad_;
  std::vector<const CatalogEntry*> waiting_;
  // The keys point into the entries.
  std::map<std::string_view, const CatalogEntry*> newest_of_epoch_;
  uint64_t total_bytes_ = 0;
  std::map<BackupStatus, uint64_t> by_status_;
  Time latest_created_ = Time::min();
};

}  // namespace levelkeep

#endif  // LEVELKEEP_CATALOG_LISTING_H_
