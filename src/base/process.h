// Child processes, facts about this process, and settings of the whole process
// that only a program makes, never the library in its host.

#ifndef LEVELKEEP_BASE_PROCESS_H_
#define LEVELKEEP_BASE_PROCESS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "levelkeep/options.h"
#include "levelkeep/status.h"

namespace levelkeep {

struct ProgramOutcome {
  int exit_code = -1;  // if it exited
  int signal = 0;      // if a signal ended it
  bool timed_out = false;
  std::string output;  // at most `output_limit_bytes`; the rest is dropped
};

// A program to run and its surroundings.
struct ProgramCall {
  std::vector<std::string> arguments;  // first the program
  std::chrono::milliseconds timeout{0};
  size_t output_limit_bytes = 0;
  std::stop_token stop = {};
  // Standard error goes to `output`, too; false: it is dropped.
  bool with_errors = false;
  // "NAME=value" each; no value: the environment of this process.
  std::optional<std::vector<std::string>> environment = {};
};

// Runs a program to its end with posix_spawn (never with fork alone: a forked
// copy of a process that runs LevelDB can hang). Standard input is empty. The
// program has a process group of its own, which is killed when the program has
// ended, at `timeout` and on `stop` (kCancelled). kNotFound if there is no such
// program.
Result<ProgramOutcome> RunProgram(const ProgramCall& run);
// As above; standard error is dropped.
Result<ProgramOutcome> RunProgram(const std::vector<std::string>& arguments,
                                  std::chrono::milliseconds timeout,
                                  size_t output_limit_bytes,
                                  std::stop_token stop);

// The environment of this process, "NAME=value" each.
// Thread safety: as getenv.
std::vector<std::string> OwnEnvironment();
// The path of the running program; empty if it is unknown.
std::string ExecutablePath();
std::string HostName();
// The effective user id.
uint32_t EffectiveUser();
// Lowers the calling thread below the host's threads: SCHED_BATCH, nice +10 or
// SCHED_IDLE, and the lowest best-effort I/O class. A thread that is as low
// already, by inheritance or by the operator, is not changed. Only for threads
// of our own: raising the priority again needs a privilege. Best effort, never
// fails.
void LowerThreadPriority(ThreadPriority priority);
// Starts `body` on a thread. `*thread` is that thread; if it was another one,
// that one has ended, and is joined. False: there is no thread, and the log
// says under `tag` that there is none for `what`.
bool StartThread(std::jthread* thread, const char* tag, const std::string& what,
                 std::function<void(std::stop_token)> body);
// True if the calling thread is SCHED_IDLE for any reason.
bool IsIdleThread();

// Best effort, never fails:
//
//   1. descriptors 0 to 2 are open: a closed one leads to /dev/null, for
//      reading only, so that no database file gets its number and output to it
//      fails as before
//   2. SIGPIPE and SIGXFSZ are ignored: a closed pipe or a limit of file sizes
//      is an error of that write, not the end of the process
//   3. SIGUSR1 is ignored until a part of the program waits for it
//   4. SIGCHLD has its default action: if a parent has set it to be ignored,
//      the end of a child can't be observed
//   5. as many files may be open at once as the hard limit allows
//
// REQUIRES: called first, before any file is opened and any thread started.
void SettleOwnProcess();

// The limit of file sizes (ulimit -f, LimitFSIZE=) in bytes; no value: no
// limit.
std::optional<uint64_t> FileSizeLimit();

// True if so few files may be open (ulimit -n) that none should stay open for
// speed.
bool FewFilesMayBeOpen();

// "0.1.0"; set by the build.
const char* LevelKeepVersion();

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_PROCESS_H_
