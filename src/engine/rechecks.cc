#include "engine/rechecks.h"

#include <algorithm>

namespace levelkeep {

void Rechecks::Failed(const CatalogEntry& entry) {
  const uint64_t before = entry.not_checked ? entry.not_checked->times : 0;
  due_.insert_or_assign(
      entry.name, DueTime(MomentOf(clock_), PauseBeforeRecheck(before + 1)));
}

bool Rechecks::IsDue(const CatalogEntry& entry) {
  const auto known = due_.find(entry.name);
  if (known != due_.end()) return known->second.HasCome(MomentOf(clock_));
  if (!entry.not_checked) return true;
  // Of an earlier process, by its wall clock; a clock that was set must not
  // stretch the pause.
  using Minutes = std::chrono::minutes;
  const Minutes pause = PauseBeforeRecheck(entry.not_checked->times);
  const auto rested = std::chrono::duration_cast<Minutes>(
      clock_->Now() - entry.not_checked->at);
  const Minutes left = std::clamp(pause - rested, Minutes(0), pause);
  due_.emplace(entry.name, DueTime(MomentOf(clock_), left));
  return left == Minutes(0);
}

}  // namespace levelkeep
