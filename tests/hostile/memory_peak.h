// How much memory this process, and its children, have needed.

#ifndef LEVELKEEP_TESTS_HOSTILE_MEMORY_PEAK_H_
#define LEVELKEEP_TESTS_HOSTILE_MEMORY_PEAK_H_

#include <malloc.h>
#include <sys/resource.h>

#include <cstdint>
#include <string>

#include "base/text.h"
#include "support/temp_dir.h"

namespace levelkeep::test {

// Sanitizers keep freed memory and add memory of their own: numbers mean
// nothing.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kMemoryCounts = false;
#elif defined(__has_feature)
inline constexpr bool kMemoryCounts =
    !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer);
#else
inline constexpr bool kMemoryCounts = true;
#endif

// Memory that was used so far, for example to make archives, no longer counts.
inline void ForgetMemoryPeak() {
  malloc_trim(0);
  WriteFile("/proc/self/clear_refs", "5");
}

inline uint64_t MemoryPeakBytes() {
  const std::string status = ReadFile("/proc/self/status");
  const size_t at = status.find("VmHWM:");
  const size_t digits = status.find_first_of("0123456789", at);
  const size_t end = status.find_first_not_of("0123456789", digits);
  return ParseUint64(status.substr(digits, end - digits)).value_or(0) << 10;
}

// The largest peak of all children that have ended. The memory of this process
// at the start of a child counts as the child's.
inline uint64_t ChildMemoryPeakBytes() {
  struct rusage usage = {};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) << 10;
}

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_HOSTILE_MEMORY_PEAK_H_
