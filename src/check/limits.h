// What a database that was made to do harm may use up.

#ifndef LEVELKEEP_CHECK_LIMITS_H_
#define LEVELKEEP_CHECK_LIMITS_H_

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>

#include "base/process.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LEVELKEEP_CHECK_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LEVELKEEP_CHECK_SANITIZED 1
#endif
#endif

namespace levelkeep::check {

inline void SetLimit(int resource, rlim_t value, rlim_t grace = 0) {
  struct rlimit limit = {};
  if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0) {
    return;
  }
  if (limit.rlim_max != RLIM_INFINITY && value + grace > limit.rlim_max) {
    return;
  }
  limit.rlim_cur = value;
  limit.rlim_max = value + grace;
  (void)::setrlimit(static_cast<__rlimit_resource_t>(resource), &limit);
}

// By the size of the archive or the database: LevelDB holds a record of a log
// several times, and no more than that for any other reason. What makes more
// of few bytes was made to do harm. May be raised by calling it again.
inline void LimitMemory(uint64_t db_bytes) {
#if defined(LEVELKEEP_CHECK_SANITIZED)
  (void)db_bytes;  // shadow memory counts as data
#else
  constexpr rlim_t kLeastBytes = rlim_t{192} << 20;
  constexpr rlim_t kMostBytes = rlim_t{1} << 30;
  constexpr uint64_t kTimes = 8;
  struct rlimit limit = {};
  if (::getrlimit(RLIMIT_DATA, &limit) != 0) return;
  rlim_t most = std::min<rlim_t>(
      kMostBytes,
      kLeastBytes + kTimes * std::min<uint64_t>(db_bytes, kMostBytes));
  // A host's own limit stands.
  if (limit.rlim_max != RLIM_INFINITY) most = std::min(most, limit.rlim_max);
  limit.rlim_cur = most;
  (void)::setrlimit(RLIMIT_DATA, &limit);
#endif
}

// Before anything of the database is read. Best effort: a kernel that lacks
// one of them still checks the database.
inline void LimitThisProcess() {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  SetLimit(RLIMIT_CORE, 0);
  LowerThreadPriority(ThreadPriority::kLow);  // idle if the parent is
}

// Processor time by the size of the database: slow hosts are given 60 s and
// 1 s per 5 MB. SIGXCPU comes first and says why; SIGKILL, after the grace,
// would look like a host short of memory.
inline void LimitProcessorTime(uint64_t db_bytes) {
  SetLimit(RLIMIT_CPU, 60 + db_bytes / 5'000'000, /*grace=*/5);
}

}  // namespace levelkeep::check

#endif  // LEVELKEEP_CHECK_LIMITS_H_
