// How long the space for backups lasts: a pure function without disk access.

#ifndef LEVELKEEP_CATALOG_GROWTH_H_
#define LEVELKEEP_CATALOG_GROWTH_H_

#include <cstdint>
#include <optional>

#include "catalog/listing.h"
#include "catalog/retention.h"

namespace levelkeep {

// In how many days the owner's backups in `listing` will have taken
// `free_bytes` more.
//
// If what `policy` allows, as many backups as the newest one in size, does not
// fit, they grow by their total size per day since the oldest one. If it fits,
// they grow as the size of one backup does: by the straight line that fits the
// newest hundred sizes best, times their number.
//
// No value: there are fewer than three backups, or they are of less than a day;
// they do not grow; or it will take more than ten years. Other files are not
// looked at. Takes no longer for 10,000 backups than for a hundred.
std::optional<double> DaysUntilFull(const Listing& listing,
                                    const RetentionPolicy& policy,
                                    uint64_t free_bytes);

}  // namespace levelkeep

#endif  // LEVELKEEP_CATALOG_GROWTH_H_
