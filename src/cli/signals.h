// SIGINT, SIGTERM, SIGHUP and SIGUSR1, without code in signal handlers.

#ifndef LEVELKEEP_CLI_SIGNALS_H_
#define LEVELKEEP_CLI_SIGNALS_H_

#include <signal.h>

#include <atomic>
#include <chrono>
#include <stop_token>
#include <thread>

#include "cli/cli.h"

namespace levelkeep::cli {

// Blocks the signals in the calling thread and in the threads that it starts,
// and receives them in its own thread:
//   first SIGINT or SIGTERM   stops stop_token()
//   a second one              the process ends at once, exit code 130; the same
//                             signal within `one_wish` of the first does not
//                             count
//   SIGHUP                    asks a service to reload its settings:
//                             questions(); other verbs treat it as SIGTERM
//   SIGUSR1                   asks a service for a report: questions()
// SIGINT and SIGHUP stay ignored if the parent process has set them so.
// timeout(1) sends a signal to its child and to its process group, which
// includes the child: this counts as one signal.
// A service that has not ended 28 s after the first signal ends at once, exit
// code 1, before a supervisor kills it (after 30 s). Both are safe at any time:
// the next start sweeps or finishes unfinished work.
// Thread safety: any thread.
class SignalWatcher {
 public:
  static constexpr std::chrono::seconds kOneWish{1};

  // REQUIRES: no other thread has been started.
  explicit SignalWatcher(std::chrono::milliseconds one_wish = kOneWish);
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

  std::stop_token stop_token() const { return stop_.get_token(); }
  std::atomic<bool>* is_service() { return &is_service_; }
  // A verb that does not wait for questions ignores them.
  Questions* questions() { return &questions_; }

 private:
  void Run(std::stop_token ended);

  const sigset_t watched_;
  const std::chrono::milliseconds one_wish_;
  std::stop_source stop_;
  std::atomic<bool> is_service_{false};
  Questions questions_;
  std::jthread thread_;  // last: it uses the other members
};

}  // namespace levelkeep::cli

#endif  // LEVELKEEP_CLI_SIGNALS_H_
