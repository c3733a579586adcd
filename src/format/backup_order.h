// Orders backups from the newest to the oldest: one rule for listings,
// rotation, and several dropped archives.

#ifndef LEVELKEEP_FORMAT_BACKUP_ORDER_H_
#define LEVELKEEP_FORMAT_BACKUP_ORDER_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "format/manifest.h"

namespace levelkeep {

// The time by which the backup is ordered: `created`, or a later time if the
// clock was known to be behind.
Time OrderTimeOf(const Manifest& manifest);

// The values that decide the place of a backup among others.
struct OrderKey {
  OrderKey() = default;
  OrderKey(const Manifest& manifest, int counter, std::string_view name);

  // Backups of one epoch are one history. Empty: no epoch, or a logical backup,
  // whose sequence counts keys and falls when keys are deleted.
  std::string_view epoch;
  uint64_t sequence = 0;  // in the history; 0 without one
  Time order_time;
  int counter = 0;        // the counter in its name
  std::string_view name;  // decides if all other values are equal
};

// Indexes into `keys`, newest first, by one total order:
//  - within one epoch by sequence, so that a clock that was set back changes
//    nothing; then by order_time, counter and name;
//  - logical backups, and those without an epoch, by order_time alone;
//  - between epochs by order_time, then counter, then sequence; a backup counts
//    as made no earlier than the backups before it in its epoch.
std::vector<size_t> NewestFirst(const std::vector<OrderKey>& keys);

}  // namespace levelkeep

#endif  // LEVELKEEP_FORMAT_BACKUP_ORDER_H_
