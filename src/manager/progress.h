// From bytes done to the fraction that callers of the public API get.

#ifndef LEVELKEEP_MANAGER_PROGRESS_H_
#define LEVELKEEP_MANAGER_PROGRESS_H_

#include <cstdint>
#include <functional>

namespace levelkeep {

// Empty for an empty callback.
inline std::function<void(uint64_t, uint64_t)> ToByteProgress(
    const std::function<void(double)>& progress) {
  if (!progress) return nullptr;
  return [progress](uint64_t done, uint64_t total) {
    progress(total == 0
                 ? 1.0
                 : static_cast<double>(done) / static_cast<double>(total));
  };
}

}  // namespace levelkeep

#endif  // LEVELKEEP_MANAGER_PROGRESS_H_
