// Which backups stay: a pure function, no disk.

#ifndef LEVELKEEP_CATALOG_RETENTION_H_
#define LEVELKEEP_CATALOG_RETENTION_H_

#include <string>
#include <vector>

#include "base/clock.h"
#include "catalog/catalog.h"

namespace levelkeep {

struct RetentionPolicy {
  int max_backups = 10;  // at least 1
};

struct RetentionDecision {
  std::string name;
  bool keep = true;
  std::string reason;  // "newest verified backup", "beyond MAX_BACKUPS=10"
};

// `entries` newest first, as Catalog::List gives them; the result is in the
// same order. `protect` are names that are in use (just made, being read).
//  - Only readable backups with our manifest are counted; foreign and
//    unreadable files are kept, not counted.
//  - Damaged backups never push out others, and go when as many good ones
//    as the policy keeps are newer.
//  - The newest verified one is always kept; so are pinned and protected
//    ones.
//  - Unverified ones never push out the last `max_backups` verified ones
//    unless newer ones are verified.  (see retention.cc for the exact rule)
std::vector<RetentionDecision> DecideRetention(
    const std::vector<CatalogEntry>& entries, const RetentionPolicy& policy,
    const std::vector<std::string>& protect, Time now);

}  // namespace levelkeep

#endif  // LEVELKEEP_CATALOG_RETENTION_H_
