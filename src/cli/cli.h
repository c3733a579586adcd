// The program `levelkeep`.
//
// Data goes to standard output; progress, warnings and errors go to standard
// error. With --json, standard output has exactly one JSON object, also after
// an error. docs/cli.md is the contract.

#ifndef LEVELKEEP_CLI_CLI_H_
#define LEVELKEEP_CLI_CLI_H_

#include <atomic>
#include <condition_variable>
#include <iosfwd>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/mutex.h"
#include "base/supervisor.h"
#include "levelkeep/status.h"

namespace levelkeep::cli {

// What a person asks of a running service.
enum class Wish {
  kReport,  // SIGUSR1: write the state to the log
  kReload,  // SIGHUP: read the settings again
};

// Keeps the wishes until the service takes them; equal ones count once.
// Thread safety: all methods may be called concurrently.
class Questions {
 public:
  void Ask(Wish wish) {
    MutexLock lock(&mutex_);
    asked_.insert(wish);
    wake_.notify_all();
  }
  // Waits for a wish and takes it. No value: stopped.
  std::optional<Wish> Wait(std::stop_token stop) {
    MutexLock lock(&mutex_);
    wake_.wait(mutex_, stop,
               [this]() REQUIRES_LOCK(mutex_) { return !asked_.empty(); });
    if (stop.stop_requested()) return std::nullopt;
    return asked_.extract(asked_.begin()).value();
  }

 private:
  Mutex mutex_;
  std::condition_variable_any wake_;
  std::set<Wish> asked_ GUARDED_BY(mutex_);
};

// The environment of one run, so that tests need no process.
struct World {
  std::istream* in = nullptr;
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  std::map<std::string, std::string> environment;
  // SettingsSources::system_file.
  std::string system_file;
  // SettingsSources::environment_file.
  std::string environment_file;
  std::stop_token stop;  // SIGINT, SIGTERM
  // Set by serve and worker: they do not stop at SIGHUP, and they stop in
  // bounded time. May be null.
  std::atomic<bool>* is_service = nullptr;
  Questions* questions = nullptr;  // SIGUSR1, SIGHUP; may be null
  // systemd; null: there is none.
  const Supervisor* supervisor = nullptr;
  FileSystem* fs = nullptr;
  Clock* clock = nullptr;
};

// `arguments` does not have the program's name. Returns the exit code. An
// exception from a verb is handled like any other error.
int Run(const std::vector<std::string>& arguments, const World& world);

// Describes the exception that is being handled: which resource is missing, and
// what to do. REQUIRES: called in a catch block.
Status CaughtStatus();

// Reports an error outside of Run, also as JSON if the arguments have --json.
// Returns the exit code.
int Fail(const std::vector<std::string>& arguments, const World& world,
         const Status& status);

// The whole program: signals, streams, Run.
int Main(int argc, char** argv);

}  // namespace levelkeep::cli

#endif  // LEVELKEEP_CLI_CLI_H_
