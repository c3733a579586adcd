#include "catalog/catalog_entry.h"

#include "format/backup_order.h"

namespace levelkeep {

Time CatalogEntry::created() const {
  return manifest ? manifest->created : parsed.time;
}

Time CatalogEntry::order_time() const {
  return manifest ? OrderTimeOf(*manifest) : parsed.time;
}

std::string CatalogEntry::status() const {
  if (damaged()) return "damaged";
  if (!manifest && !foreign) return "unreadable";
  return verified() ? "verified" : "unverified";
}

}  // namespace levelkeep
