#include "cli/signals.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <optional>

#include "base/log.h"
#include "cli/console.h"

namespace levelkeep::cli {

namespace {

constexpr char kSignalsTag[] = "Signals";
constexpr std::chrono::seconds kPatience{28};
// The precision of the time limit.
constexpr timespec kPoll = {0, 100'000'000};

// nohup ignores SIGHUP, and a shell without job control ignores SIGINT for
// background processes.
bool IsIgnored(int signal) {
  struct sigaction action = {};
  return sigaction(signal, nullptr, &action) == 0 &&
         action.sa_handler == SIG_IGN;
}

// A blocked signal is delivered to the watcher even if it is ignored.
sigset_t SignalsToWatch() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGUSR1);
  for (const int signal : {SIGINT, SIGHUP}) {
    if (!IsIgnored(signal)) sigaddset(&signals, signal);
  }
  return signals;
}

}  // namespace

SignalWatcher::SignalWatcher(std::chrono::milliseconds one_wish)
    : watched_(SignalsToWatch()), one_wish_(one_wish) {
  pthread_sigmask(SIG_BLOCK, &watched_, nullptr);
  thread_ = std::jthread([this](std::stop_token ended) { Run(ended); });
}

// The signals stay blocked: a signal that arrives while the program ends must
// not change its exit code.
SignalWatcher::~SignalWatcher() {
  thread_.request_stop();
  // Any watched signal wakes the thread, which checks the stop first.
  pthread_kill(thread_.native_handle(), SIGUSR1);
}

void SignalWatcher::Run(std::stop_token ended) {
  using Clock = std::chrono::steady_clock;
  std::optional<Clock::time_point> stopped;
  int first = 0;
  while (!ended.stop_requested()) {
    // Without a time limit while there is none to keep: an idle process sleeps.
    const int signal = stopped ? sigtimedwait(&watched_, nullptr, &kPoll)
                               : sigwaitinfo(&watched_, nullptr);
    if (ended.stop_requested()) return;
    const Clock::time_point now = Clock::now();
    if (signal == SIGUSR1) {
      questions_.Ask(Wish::kReport);
    } else if (signal == SIGHUP && is_service_) {
      questions_.Ask(Wish::kReload);
    } else if (signal > 0 && stopped) {
      if (signal != first || now >= *stopped + one_wish_)
        _exit(kExitInterrupted);
    } else if (signal > 0) {
      if (is_service_)
        LogInfo(kSignalsTag,
                "stopping; a second signal ends the process at once");
      first = signal;
      stopped = now;
      stop_.request_stop();
    } else if (stopped && is_service_ && now >= *stopped + kPatience) {
      LogError(kSignalsTag,
               "a job did not stop in time: the process ends without waiting "
               "for it");
      FlushLogs();
      _exit(kExitFailure);
    }
  }
}

}  // namespace levelkeep::cli
