// SIGINT, SIGTERM, SIGHUP and SIGUSR1, without code in signal handlers.

#ifndef LEVELKEEP_CLI_SIGNALS_H_
#define LEVELKEEP_CLI_SIGNALS_H_

#include <atomic>
#include <stop_token>
#include <thread>

#include "cli/questions.h"

namespace levelkeep::cli {

// Blocks the signals in the calling thread, and so in all that it starts,
// and takes them in a thread of its own:
//   first SIGINT or SIGTERM   stop_token() is stopped
//   a second one              the process ends at once, exit code 130
//   SIGHUP                    a service logs it; else as SIGTERM
//   SIGUSR1                   somebody asks what a service is at: questions()
// A service that has not ended 28 s after the first one ends at once, exit
// code 1, before a supervisor's patience (30 s) does it. Both are safe at any
// time: what was not finished is swept or finished at the next start.
// Thread safety: any thread.
class SignalWatcher {
 public:
  // REQUIRES: the only thread so far.
  SignalWatcher();
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

  std::stop_token stop_token() const { return stop_.get_token(); }
  std::atomic<bool>* is_service() { return &is_service_; }
  // Of SIGUSR1. A program that answers none of them ignores it.
  Questions* questions() { return &questions_; }

 private:
  void Run(std::stop_token ended);

  std::stop_source stop_;
  std::atomic<bool> is_service_{false};
  Questions questions_;
  std::jthread thread_;  // last: uses the others
};

}  // namespace levelkeep::cli

#endif  // LEVELKEEP_CLI_SIGNALS_H_
