// Child processes, facts about this one, and what a program settles for its
// whole process, which the library leaves as its host has it.

#ifndef LEVELKEEP_BASE_PROCESS_H_
#define LEVELKEEP_BASE_PROCESS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "levelkeep/options.h"
#include "levelkeep/status.h"

namespace levelkeep {

struct ProgramOutcome {
  int exit_code = -1;  // when it exited
  int signal = 0;      // when a signal ended it
  bool timed_out = false;
  std::string output;  // standard output, at most `output_limit_bytes`
};

// Runs a program to its end with posix_spawn (never a bare fork: a forked
// copy of a process that runs LevelDB can hang). Standard input is empty,
// standard error is dropped. It is killed at `timeout` and on `stop`
// (kCancelled), and dies with this process' thread where the kernel can do
// that. kNotFound if there is no such program.
Result<ProgramOutcome> RunProgram(const std::vector<std::string>& arguments,
                                  std::chrono::milliseconds timeout,
                                  size_t output_limit_bytes,
                                  std::stop_token stop);

// The path of the running program; empty if it can't be told.
std::string ExecutablePath();
std::string HostName();
// The effective user id.
uint32_t EffectiveUser();
// Makes the calling thread yield to the host's own: SCHED_BATCH, nice +10 or
// SCHED_IDLE, and the idle-most best-effort I/O class. One that is as low
// already, by inheritance or by the operator, stays as it is. Only for threads
// of our own: without a privilege there is no way back. Best effort, never
// fails.
void LowerThreadPriority(ThreadPriority priority);
// Is the calling thread SCHED_IDLE, for whatever reason?
bool IsIdleThread();

// Best effort, never fails:
//
//   1. descriptors 0 to 2 are open: one that is closed leads to /dev/null, for
//      reading only, so that no database file gets its number and what is
//      printed there fails as before
//   2. SIGPIPE and SIGXFSZ are ignored: a closed pipe, a limit of file sizes
//      is an error of that write, not the end of the process
//   3. SIGUSR1 is ignored until somebody answers it
//   4. SIGCHLD is as it was born: where a parent has left it ignored, nobody
//      learns how a child ended
//   5. as many files may be open at once as the hard limit allows
//
// REQUIRES: called first, before any file is opened and any thread started.
void SettleOwnProcess();

// The limit of file sizes (ulimit -f, LimitFSIZE=) in bytes; nothing: none.
std::optional<uint64_t> FileSizeLimit();

// So few files may be open (ulimit -n) that none should be kept open for speed.
bool FewFilesMayBeOpen();

// "0.1.0"; set by the build.
const char* LevelKeepVersion();

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_PROCESS_H_
