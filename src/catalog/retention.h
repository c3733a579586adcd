// Which backups stay: a pure function, no disk.

#ifndef LEVELKEEP_CATALOG_RETENTION_H_
#define LEVELKEEP_CATALOG_RETENTION_H_

#include <chrono>
#include <string>
#include <vector>

#include "base/clock.h"
#include "catalog/listing.h"

namespace levelkeep {

struct RetentionPolicy {
  int max_backups = 10;  // at least 1
  // BACKUP_VERIFY. False: an unverified backup is as good as a verified one,
  // since nobody is going to verify it.
  bool verification_expected = true;
  // How long a new backup may wait for its verification before it stops
  // counting as a good one.
  std::chrono::minutes verification_grace{60};
  // BACKUP_HISTORY_DAYS: how long the newest verified backup of a history stays
  // when that history has ended.
  std::chrono::days history{30};
};

struct RetentionDecision {
  std::string name;
  bool keep = true;
  std::string reason;  // "newest verified backup", "beyond MAX_BACKUPS=10"
};

// The result is in the order of the listing. `protect` are names that are in
// use (just made, being read).
//
// Kept whatever the number, and not counted: what is not the owner's own, or
// all, if there is no owner; pinned ones, and files that LevelKeep did not
// write or can't read. Of the others
//  - trusted are verified ones, and unverified ones that are younger than
//    `verification_grace` (each was read back when it was made);
//  - doubtful are unverified ones that are older than that;
//  - damaged are those that failed their verification; one whose check could
//    not be done is unverified.
// A trusted backup goes when `max_backups` newer trusted ones exist, a
// doubtful or damaged one when `max_backups` newer trusted or doubtful ones
// exist. So with verification at work exactly the newest `max_backups` stay;
// when verification does not happen, doubtful ones pile up to `max_backups`
// but push out no verified one; damaged ones push out nothing.
// The newest verified backup and those in `protect` never go. The newest
// verified one of each history stays until `history` after the next history's
// first backup was made: a restore or a fork is no reason to lose what was
// before it.
std::vector<RetentionDecision> DecideRetention(
    const Listing& listing, const RetentionPolicy& policy,
    const std::vector<std::string>& protect, Time now);

}  // namespace levelkeep

#endif  // LEVELKEEP_CATALOG_RETENTION_H_
