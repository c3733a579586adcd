// Limits for the check of a database that may have been made to do harm.

#ifndef LEVELKEEP_CHECK_LIMITS_H_
#define LEVELKEEP_CHECK_LIMITS_H_

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>

#include "base/process.h"
#include "base/text.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LEVELKEEP_CHECK_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LEVELKEEP_CHECK_SANITIZED 1
#endif
#endif

namespace levelkeep::check {

// The caller's requests.
struct Allowance {
  // The size of the largest log batch or table block, stated by a manifest that
  // LevelKeep wrote; 0: not known. The memory limit grows with it, up to what
  // files of the database's size can hold.
  uint64_t largest_record = 0;
  // Doubles the memory, because the check before this one crashed.
  bool again = false;
  uint64_t processor_seconds = 0;  // 0: computed from the size of the database
};

// LevelDB holds each record of a log several times in memory. Nothing else
// needs more: a file that expands further was made to do harm.
inline uint64_t MemoryFor(uint64_t db_bytes, const Allowance& allowance) {
  constexpr uint64_t kLeastBytes = uint64_t{192} << 20;
  constexpr uint64_t kMostBytes = uint64_t{1} << 30;
  constexpr uint64_t kMostOfARecord = uint64_t{1} << 30;
  constexpr uint64_t kTimes = 8;
  // Snappy at its best makes a block 22 times as large as its bytes.
  constexpr uint64_t kMostInflation = 22;
  const uint64_t by_size = std::min(
      kMostBytes, kLeastBytes + kTimes * std::min(db_bytes, kMostBytes));
  const uint64_t record =
      std::min({allowance.largest_record, kMostOfARecord,
                kMostInflation * std::min(db_bytes, kMostOfARecord)});
  const uint64_t bytes = std::max(by_size, kLeastBytes + kTimes * record);
  return allowance.again ? 2 * bytes : bytes;
}

// Processor time by the size of the database, generous for slow hosts: 60 s,
// and 1 s per 5 MB.
inline uint64_t ProcessorSecondsFor(uint64_t db_bytes,
                                    const Allowance& allowance) {
  if (allowance.processor_seconds > 0) return allowance.processor_seconds;
  return 60 + db_bytes / 5'000'000;
}

// Tells the parent that a limit of the host is lower than ours, before anything
// is read under that limit: if this process dies of the limit, its death says
// nothing about the database. Only the first call prints.
inline void TellOfHostLimit(const std::string& limit) {
  static bool told = false;
  if (told) return;
  told = true;
  std::printf("{\"hostLimit\":\"%s\"}\n", limit.c_str());
  std::fflush(stdout);
}

// False if the host's own limit is lower; that limit then stays.
inline bool SetLimit(int resource, rlim_t value, rlim_t grace = 0) {
  const auto which = static_cast<__rlimit_resource_t>(resource);
  struct rlimit limit = {};
  if (::getrlimit(which, &limit) != 0) return true;
  const bool lower =
      limit.rlim_max != RLIM_INFINITY && value + grace > limit.rlim_max;
  if (lower) return false;
  limit.rlim_cur = value;
  limit.rlim_max = value + grace;
  (void)::setrlimit(which, &limit);
  return true;
}

inline rlim_t SoftLimit(int resource) {
  struct rlimit limit = {};
  const auto which = static_cast<__rlimit_resource_t>(resource);
  return ::getrlimit(which, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
}

// The report for the case that memory runs out. It is made in advance, because
// making it would need memory.
inline char no_memory_report[300] = "";

// Throws nothing: an exception in LevelDB or a library may look like a crash.
[[noreturn]] inline void EndWithoutMemory() {
  const ssize_t ignored =
      ::write(STDOUT_FILENO, no_memory_report, std::strlen(no_memory_report));
  (void)ignored;
  _exit(1);
}

inline std::string NoMemoryMessage(uint64_t bytes) {
  return "the check of the database needs more memory than " +
         FormatBytes(bytes);
}

// May be called again to raise the limit.
inline void LimitMemory(uint64_t db_bytes, const Allowance& allowance) {
  const uint64_t bytes = MemoryFor(db_bytes, allowance);
  std::snprintf(no_memory_report, sizeof no_memory_report,
                "{\"ok\":false,\"code\":\"not_checked\",\"error\":\"%s\"}\n",
                NoMemoryMessage(bytes).c_str());
  std::set_new_handler(EndWithoutMemory);
#if !defined(LEVELKEEP_CHECK_SANITIZED)  // shadow memory counts as data
  struct rlimit limit = {};
  if (::getrlimit(RLIMIT_DATA, &limit) != 0) return;
  limit.rlim_cur = std::min<rlim_t>(bytes, limit.rlim_max);
  (void)::setrlimit(RLIMIT_DATA, &limit);
  if (limit.rlim_cur < bytes) {
    TellOfHostLimit("memory (ulimit -d) of " + FormatBytes(limit.rlim_cur));
  }
  // Address space that is not data: the program, its libraries, thread stacks.
  constexpr uint64_t kOtherRoom = uint64_t{1} << 30;
  const rlim_t room = SoftLimit(RLIMIT_AS);
  if (room != RLIM_INFINITY && room < bytes + kOtherRoom) {
    TellOfHostLimit("address space (ulimit -v) of " + FormatBytes(room));
  }
  constexpr rlim_t kLeastStack = rlim_t{1} << 20;
  const rlim_t stack = SoftLimit(RLIMIT_STACK);
  if (stack != RLIM_INFINITY && stack < kLeastStack) {
    TellOfHostLimit("stack (ulimit -s) of " + FormatBytes(stack));
  }
#endif
}

// Call before anything of the database is read. Best effort: on a kernel that
// lacks one of these calls, the database is still checked.
inline void LimitThisProcess() {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  (void)SetLimit(RLIMIT_CORE, 0);
  LowerThreadPriority(ThreadPriority::kLow);  // stays idle if the parent is
}

// SIGXCPU comes first and names the reason. SIGKILL, which follows after the
// grace, would look like a host without memory.
inline void LimitProcessorTime(uint64_t db_bytes, const Allowance& allowance) {
  const uint64_t seconds = ProcessorSecondsFor(db_bytes, allowance);
  if (SetLimit(RLIMIT_CPU, seconds, /*grace=*/5)) return;
  TellOfHostLimit("processor time (ulimit -t) of " +
                  std::to_string(SoftLimit(RLIMIT_CPU)) + " s");
}

}  // namespace levelkeep::check

#endif  // LEVELKEEP_CHECK_LIMITS_H_
