// When backups whose check could not be done are looked at again: the pauses
// grow (PauseBeforeRecheck), also across restarts.

#ifndef LEVELKEEP_ENGINE_RECHECKS_H_
#define LEVELKEEP_ENGINE_RECHECKS_H_

#include <map>
#include <string>

#include "base/clock.h"
#include "catalog/listing.h"

namespace levelkeep {

// Thread safety: one thread at a time.
class Rechecks {
 public:
  // Not owned; outlives this object.
  explicit Rechecks(Clock* clock) : clock_(clock) {}

  // A try of ours has just ended without a verdict; `entry` is as before it.
  // Counts also where that can't be recorded.
  void Failed(const CatalogEntry& entry);
  // Has it rested long enough? What was never tried has.
  bool IsDue(const CatalogEntry& entry);
  void Forget(const std::string& name) { due_.erase(name); }

 private:
  Clock* const clock_;
  std::map<std::string, DueTime> due_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ENGINE_RECHECKS_H_
