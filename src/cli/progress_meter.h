// Does this process still work, or does it hang?

#ifndef LEVELKEEP_CLI_PROGRESS_METER_H_
#define LEVELKEEP_CLI_PROGRESS_METER_H_

#include <cstdint>
#include <map>
#include <string>

#include "base/file_system.h"

namespace levelkeep::cli {

// Measures work by what the kernel counts: the bytes that this process has read
// and written (also from the page cache), and the processor time of its
// children. A process that waits for ever counts nothing. Endless work counts,
// too, but there is none: the time of a check of a database is limited.
// Thread safety: one thread at a time.
class ProgressMeter {
 public:
  // The meter's own reads count little against this.
  static constexpr uint64_t kLeastBytes = 64 << 10;

  // `fs` leads to /proc and outlives this object.
  explicit ProgressMeter(FileSystem* fs = FileSystem::Posix());

  // True if there was work since the last call that returned true, or since the
  // construction.
  bool Advanced();

 private:
  uint64_t Bytes() const;
  // By process id, in ticks of the kernel.
  std::map<std::string, uint64_t> ChildTimes() const;

  FileSystem* const fs_;
  uint64_t bytes_;
  std::map<std::string, uint64_t> times_;
};

}  // namespace levelkeep::cli

#endif  // LEVELKEEP_CLI_PROGRESS_METER_H_
