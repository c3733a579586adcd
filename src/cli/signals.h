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

// Blocks the signals in the calling thread, and so in all that it starts,
// and takes them in a thread of its own:
//   first SIGINT or SIGTERM   stop_token() is stopped
//   a second one              the process ends at once, exit code 130; not for
//                             the same signal within `one_wish` of the first
//   SIGHUP                    a service logs it; else as SIGTERM
//   SIGUSR1                   somebody asks what a service is at: questions()
// SIGINT and SIGHUP that whoever started the process has set to be ignored stay
// so. timeout(1) passes a signal on twice, to its child and to its group, of
// which the child is one: that is one wish.
// A service that has not ended 28 s after the first one ends at once, exit
// code 1, before a supervisor's patience (30 s) does it. Both are safe at any
// time: what was not finished is swept or finished at the next start.
// Thread safety: any thread.
class SignalWatcher {
 public:
  static constexpr std::chrono::seconds kOneWish{1};

  // REQUIRES: the only thread so far.
  explicit SignalWatcher(std::chrono::milliseconds one_wish = kOneWish);
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

  std::stop_token stop_token() const { return stop_.get_token(); }
  std::atomic<bool>* is_service() { return &is_service_; }
  // Of SIGUSR1. A program that answers none of them ignores it.
  Questions* questions() { return &questions_; }

 private:
  void Run(std::stop_token ended);

  const sigset_t watched_;
  const std::chrono::milliseconds one_wish_;
  std::stop_source stop_;
  std::atomic<bool> is_service_{false};
  Questions questions_;
  std::jthread thread_;  // last: uses the others
};

}  // namespace levelkeep::cli

#endif  // LEVELKEEP_CLI_SIGNALS_H_
