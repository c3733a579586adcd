#include "cli/signals.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <optional>

#include "base/log.h"
#include "cli/exit_code.h"

namespace levelkeep::cli {

namespace {

constexpr char kSignalsTag[] = "Signals";
constexpr std::chrono::seconds kPatience{28};
// How exactly the patience is kept.
constexpr timespec kPoll = {0, 100'000'000};

sigset_t WatchedSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  sigaddset(&signals, SIGUSR1);
  return signals;
}

}  // namespace

SignalWatcher::SignalWatcher() {
  const sigset_t signals = WatchedSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  thread_ = std::jthread([this](std::stop_token ended) { Run(ended); });
}

// The signals stay blocked: one that comes now, while the program ends
// anyway, must not spoil its exit code.
SignalWatcher::~SignalWatcher() {
  thread_.request_stop();
  // Any of them wakes it: it looks at the stop first.
  pthread_kill(thread_.native_handle(), SIGHUP);
}

void SignalWatcher::Run(std::stop_token ended) {
  const sigset_t signals = WatchedSignals();
  std::optional<std::chrono::steady_clock::time_point> deadline;
  while (!ended.stop_requested()) {
    const int signal = sigtimedwait(&signals, nullptr, &kPoll);
    if (ended.stop_requested()) return;
    if (signal == SIGUSR1) {
      questions_.Ask();
    } else if (signal == SIGHUP && is_service_) {
      LogInfo(kSignalsTag, "SIGHUP ignored: restart to load other settings");
    } else if (signal > 0 && deadline) {
      _exit(kExitInterrupted);
    } else if (signal > 0) {
      if (is_service_)
        LogInfo(kSignalsTag, "stopping; a second signal ends at once");
      deadline = std::chrono::steady_clock::now() + kPatience;
      stop_.request_stop();
    } else if (deadline && is_service_ &&
               std::chrono::steady_clock::now() >= *deadline) {
      LogError(kSignalsTag, "a job did not stop in time: ending without it");
      FlushLogs();
      _exit(kExitFailure);
    }
  }
}

}  // namespace levelkeep::cli
