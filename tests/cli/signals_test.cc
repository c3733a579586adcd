// Each case runs in a process of its own, because it tests signals and exit
// codes.

#include "cli/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <thread>
#include <vector>

namespace levelkeep::cli {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

// Runs `body` in a child whose parent ignored the signals `ignored`; returns
// its exit code, or minus the signal that ended it.
int ExitOf(const std::function<int(SignalWatcher*)>& body,
           const std::vector<int>& ignored = {},
           milliseconds one_wish = SignalWatcher::kOneWish) {
  const pid_t pid = fork();
  if (pid == 0) {
    // The tests may run as a job in the background, which ignores these
    // signals.
    for (const int own : {SIGINT, SIGHUP}) signal(own, SIG_DFL);
    signal(SIGUSR1, SIG_IGN);  // as SettleOwnProcess leaves it
    for (const int other : ignored) signal(other, SIG_IGN);
    SignalWatcher watcher(one_wish);
    _exit(body(&watcher));
  }
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// Sends `signal`, and waits until the watcher has handled it.
void SendAndSettle(SignalWatcher* watcher, int signal) {
  kill(getpid(), signal);
  sigset_t pending;
  do {
    sigpending(&pending);
  } while (sigismember(&pending, signal) == 1);
  // The watcher handles one signal after the other.
  kill(getpid(), SIGUSR1);
  (void)watcher->questions()->Wait({});
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

TEST(SignalsTest, TheSameOneLaterEndsAtOnce) {
  EXPECT_EQ(ExitOf(
                [](SignalWatcher* watcher) {
                  kill(getpid(), SIGTERM);
                  WaitForStop(*watcher);
                  kill(getpid(), SIGTERM);
                  pause();
                  return 7;
                },
                {}, milliseconds(0)),
            130);
}

// timeout(1) sends a signal that it gets to its child and to its group.
TEST(SignalsTest, TheSameOneAtOnceIsOneWish) {
  EXPECT_EQ(ExitOf(
                [](SignalWatcher* watcher) {
                  for (int i = 0; i < 3; ++i) SendAndSettle(watcher, SIGTERM);
                  return watcher->stop_token().stop_requested() ? 7 : 1;
                },
                {}, hours(24)),
            7);
}

// With nohup, or in a job that a script starts in the background.
TEST(SignalsTest, WhatTheCallerIgnoresStaysIgnored) {
  for (const int signal : {SIGHUP, SIGINT}) {
    EXPECT_EQ(ExitOf(
                  [signal](SignalWatcher* watcher) {
                    SendAndSettle(watcher, signal);
                    if (watcher->stop_token().stop_requested()) return 1;
                    kill(getpid(), SIGTERM);
                    WaitForStop(*watcher);
                    return 7;
                  },
                  {signal}),
              7)
        << signal;
  }
}

// A supervisor that ignores SIGTERM itself must be able to stop its children.
TEST(SignalsTest, TerminationIsNeverIgnored) {
  EXPECT_EQ(ExitOf(
                [](SignalWatcher* watcher) {
                  kill(getpid(), SIGTERM);
                  WaitForStop(*watcher);
                  return 7;
                },
                {SIGTERM}),
            7);
}

TEST(SignalsTest, HangupIsNoReasonForAServiceToStop) {
  EXPECT_EQ(ExitOf([](SignalWatcher* watcher) {
              *watcher->is_service() = true;
              for (int i = 0; i < 2; ++i) {
                kill(getpid(), SIGHUP);
                if (watcher->questions()->Wait({}) != Wish::kReload) return 2;
              }
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
              for (int i = 0; i < 3; ++i) {
                kill(getpid(), SIGUSR1);
                if (watcher->questions()->Wait({}) != Wish::kReport) return 2;
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
