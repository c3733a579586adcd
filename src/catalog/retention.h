// Decides which backups stay: a pure function without disk access.

#ifndef LEVELKEEP_CATALOG_RETENTION_H_
#define LEVELKEEP_CATALOG_RETENTION_H_

#include <chrono>
#include <string>
#include <vector>

#include "base/clock.h"
#include "catalog/listing.h"
#include "levelkeep/reports.h"

namespace levelkeep {

struct RetentionPolicy {
  int max_backups = 10;  // at least 1
  // BACKUP_VERIFY. False: an unverified backup is as good as a verified one,
  // because nothing will verify it.
  bool verification_expected = true;
  // How long a new backup may wait for its verification before it stops
  // counting as a good one.
  std::chrono::minutes verification_grace{60};
  // BACKUP_HISTORY_DAYS: how long the newest verified backup of a history stays
  // after that history has ended.
  std::chrono::days history{30};
};

// Returns the decisions in the order of the listing. `protect` has names that
// are in use (just made, being read).
//
// Some backups always stay and are not counted: those that are not the owner's
// (or all, without an owner), pinned ones, and files that LevelKeep did not
// write or can't read. The other backups are
//  - trusted: verified, or unverified and younger than `verification_grace`
//    (each backup is read back when it is made);
//  - doubtful: unverified and older than that, also if a check could not be
//    done;
//  - damaged: failed their verification.
// A trusted backup goes when `max_backups` newer trusted ones exist, a doubtful
// or damaged one when `max_backups` newer trusted or doubtful ones exist. So
// with working verification exactly the newest `max_backups` stay; without
// verification, up to `max_backups` doubtful ones collect, but they push out no
// verified one; damaged ones push out nothing.
// The newest verified backup and the backups in `protect` never go. The newest
// verified backup of each history stays until `history` after the next
// history's first backup was made: a restore or a fork must not lose the state
// before it.
std::vector<RotationDecision> DecideRetention(
    const Listing& listing, const RetentionPolicy& policy,
    const std::vector<std::string>& protect, Time now);

}  // namespace levelkeep

#endif  // LEVELKEEP_CATALOG_RETENTION_H_
