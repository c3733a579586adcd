#include "catalog/catalog_entry.h"

#include "format/backup_order.h"

namespace levelkeep {

Time CatalogEntry::created() const {
  return manifest ? manifest->created : parsed.time;
}

Time CatalogEntry::order_time() const {
  return manifest ? OrderTimeOf(*manifest) : parsed.time;
}

BackupStatus CatalogEntry::status() const {
  if (damaged()) return BackupStatus::kDamaged;
  if (!manifest && !foreign) return BackupStatus::kUnreadable;
  return verified() ? BackupStatus::kVerified : BackupStatus::kUnverified;
}

}  // namespace levelkeep
