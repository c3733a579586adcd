// What was in backups/ at one moment.

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
#include "catalog/catalog_entry.h"

namespace levelkeep {

// Newest first, as format/backup_order.h has it; an archive without manifest
// is of no history, and of the time in its name.
// What health asks for is counted once, when the listing is made: with
// 10,000 backups a walk over them takes longer than all the rest of it.
// Thread safety: immutable; share it as shared_ptr<const Listing>.
class Listing {
 public:
  using Entry = std::shared_ptr<const CatalogEntry>;

  Listing() = default;
  // `entries` in any order, none null.
  explicit Listing(std::vector<Entry> entries);
  Listing(const Listing&) = delete;
  Listing& operator=(const Listing&) = delete;

  const std::vector<Entry>& entries() const { return entries_; }
  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }

  // The pointers below live as long as the listing; null: there is none.

  // With a manifest, and not known to be damaged.
  const CatalogEntry* newest_usable() const { return newest_usable_; }
  // The same, within the history `epoch`.
  const CatalogEntry* NewestOfEpoch(std::string_view epoch) const;
  // "verified" or "unverified", also by somebody else's program.
  const CatalogEntry* newest_good() const { return newest_good_; }
  const CatalogEntry* newest_verified() const { return newest_verified_; }
  // "damaged" or "unreadable", newest first.
  const std::vector<const CatalogEntry*>& bad() const { return bad_; }
  // CatalogEntry::waits_for_check(), newest first.
  const std::vector<const CatalogEntry*>& waiting() const { return waiting_; }
  uint64_t total_bytes() const { return total_bytes_; }
  // Manifest::order_time of a backup that is made at `now`, beside these:
  // none if the clock is not behind any of them, as it should be. A walk.
  std::optional<Time> OrderTimeAt(Time now) const;

 private:
  void Count(const CatalogEntry& entry);

  std::vector<Entry> entries_;
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
