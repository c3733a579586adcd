// Each case in a process of its own: signals and exit codes are its subject.

#include "cli/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <thread>

namespace levelkeep::cli {
namespace {

// Runs `body` in a child; its exit code, or minus the signal that ended it.
int ExitOf(const std::function<int(SignalWatcher*)>& body) {
  const pid_t pid = fork();
  if (pid == 0) {
    SignalWatcher watcher;
    _exit(body(&watcher));
  }
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void WaitForStop(const SignalWatcher& watcher) {
  while (!watcher.stop_token().stop_requested()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

TEST(SignalsTest, TheFirstOneAsksToStop) {
  for (const int signal : {SIGTERM, SIGINT}) {
    EXPECT_EQ(ExitOf([signal](SignalWatcher* watcher) {
                kill(getpid(), signal);
                WaitForStop(*watcher);
                return 7;
              }),
              7);
  }
}

TEST(SignalsTest, TheSecondOneEndsAtOnce) {
  EXPECT_EQ(ExitOf([](SignalWatcher* watcher) {
              kill(getpid(), SIGTERM);
              WaitForStop(*watcher);
              kill(getpid(), SIGINT);
              pause();
              return 7;
            }),
            130);
}

TEST(SignalsTest, HangupIsNoReasonForAServiceToStop) {
  EXPECT_EQ(ExitOf([](SignalWatcher* watcher) {
              *watcher->is_service() = true;
              kill(getpid(), SIGHUP);
              kill(getpid(), SIGHUP);
              std::this_thread::sleep_for(std::chrono::milliseconds(50));
              if (watcher->stop_token().stop_requested()) return 1;
              kill(getpid(), SIGTERM);
              WaitForStop(*watcher);
              return 7;
            }),
            7);
}

TEST(SignalsTest, HangupStopsWhatATerminalStarted) {
  EXPECT_EQ(ExitOf([](SignalWatcher* watcher) {
              kill(getpid(), SIGHUP);
              WaitForStop(*watcher);
              return 7;
            }),
            7);
}

TEST(SignalsTest, SomebodyAsksForTheState) {
  EXPECT_EQ(ExitOf([](SignalWatcher* watcher) {
              if (watcher->questions()->Take()) return 1;
              for (int i = 0; i < 3; ++i) {
                kill(getpid(), SIGUSR1);
                if (!watcher->questions()->Wait({})) return 2;
              }
              return watcher->stop_token().stop_requested() ? 3 : 7;
            }),
            7);
}

TEST(SignalsTest, AStopEndsTheWaitForQuestions) {
  EXPECT_EQ(ExitOf([](SignalWatcher* watcher) {
              kill(getpid(), SIGTERM);
              return watcher->questions()->Wait(watcher->stop_token()) ? 1 : 7;
            }),
            7);
}

TEST(SignalsTest, NoSignalNoStop) {
  EXPECT_EQ(ExitOf([](SignalWatcher* watcher) {
              return watcher->stop_token().stop_requested() ? 1 : 7;
            }),
            7);
}

}  // namespace
}  // namespace levelkeep::cli
