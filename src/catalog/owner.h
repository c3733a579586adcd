// Whose backups count where something is decided about them.

#ifndef LEVELKEEP_CATALOG_OWNER_H_
#define LEVELKEEP_CATALOG_OWNER_H_

#include <string>

#include "catalog/catalog_entry.h"

namespace levelkeep {

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

}  // namespace levelkeep

#endif  // LEVELKEEP_CATALOG_OWNER_H_
