// Which of several backups is the newer one: one answer, for listings, for
// rotation, and where several archives were dropped.

#ifndef LEVELKEEP_FORMAT_BACKUP_ORDER_H_
#define LEVELKEEP_FORMAT_BACKUP_ORDER_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "format/manifest.h"

namespace levelkeep {

// When the backup counts as made where backups are put in order: `created`, or
// later if the clock was known to be behind.
Time OrderTimeOf(const Manifest& manifest);

// What tells a backup's place among others.
struct OrderKey {
  OrderKey() = default;
  OrderKey(const Manifest& manifest, int counter, std::string_view name);

  // Backups of one are one history. Empty: of none, or a logical one, whose
  // sequence counts keys and falls where some are deleted.
  std::string_view epoch;
  uint64_t sequence = 0;  // in the history; 0 without one
  Time order_time;
  int counter = 0;        // of its name, where it has one
  std::string_view name;  // decides where nothing else does
};

// Indexes into `keys`, newest first, by one total order:
//  - within one epoch by sequence, so that a clock that was set back reorders
//    nothing; then by order_time, counter and name;
//  - logical ones, and those of no epoch, by order_time alone;
//  - between epochs by order_time, then counter, then sequence; a backup counts
//    as made no earlier than the ones before it in its epoch.
std::vector<size_t> NewestFirst(const std::vector<OrderKey>& keys);

}  // namespace levelkeep

#endif  // LEVELKEEP_FORMAT_BACKUP_ORDER_H_
