#include "base/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

Result<ProgramOutcome> RunShell(const std::string& script,
                                milliseconds timeout = minutes(5),
                                std::stop_token stop = {}) {
  return RunProgram({"/bin/sh", "-c", script}, timeout, 1 << 20,
                    std::move(stop));
}

// Waits, for a minute at most, until the process is gone.
bool Vanishes(pid_t pid) {
  for (int i = 0; i < 6000; ++i) {
    if (::kill(pid, 0) != 0) return true;
    // A killed process whose parent does not reap it stays as a zombie.
    std::string state;
    test::Shell(
        "cut -d' ' -f3 /proc/" + std::to_string(pid) + "/stat 2>/dev/null",
        &state);
    if (state == "Z\n" || state.empty()) return true;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return false;
}

TEST(RunProgramTest, ReturnsOutputAndExitCode) {
  const auto outcome = RunShell("echo hello; echo error >&2; exit 3");
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_EQ(outcome->exit_code, 3);
  EXPECT_EQ(outcome->signal, 0);
  EXPECT_FALSE(outcome->timed_out);
  EXPECT_EQ(outcome->output, "hello\n");
}

TEST(RunProgramTest, PassesArgumentsUnchanged) {
  const auto outcome = RunProgram({"printf", "%s|", "a b", "$HOME", "", "ä*"},
                                  minutes(5), 1000, {});
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_EQ(outcome->output, "a b|$HOME||ä*|");
}

TEST(RunProgramTest, SaysWhichSignalEndedIt) {
  const auto outcome = RunShell("kill -SEGV $$");
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->signal, SIGSEGV);
  EXPECT_EQ(outcome->exit_code, -1);
  EXPECT_FALSE(outcome->timed_out);
}

TEST(RunProgramTest, ReportsProgramsThatCannotRun) {
  test::TempDir dir;
  test::WriteFile(dir.Sub("data"), "no program");
  const auto none = RunProgram({dir.Sub("none")}, minutes(5), 10, {});
  EXPECT_EQ(none.status().code(), StatusCode::kNotFound);
  EXPECT_NE(none.status().message().find(dir.Sub("none")), std::string::npos);
  EXPECT_EQ(RunProgram({"levelkeep-no-such-program"}, minutes(5), 10, {})
                .status()
                .code(),
            StatusCode::kNotFound);
  EXPECT_EQ(RunProgram({dir.Sub("data")}, minutes(5), 10, {}).status().code(),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(RunProgram({}, minutes(5), 10, {}).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(RunProgramTest, KillsItWhenTheTimeIsUp) {
  const auto outcome = RunShell("echo begin; sleep 1000", milliseconds(300));
  ASSERT_TRUE(outcome.ok());
  EXPECT_TRUE(outcome->timed_out);
  EXPECT_EQ(outcome->signal, SIGKILL);
}

TEST(RunProgramTest, KillsItOnStop) {
  std::stop_source stop;
  test::TempDir dir;
  std::jthread stopper([&] {
    // Stops the program when it runs for sure.
    while (::access(dir.Sub("started").c_str(), F_OK) != 0) {
      std::this_thread::sleep_for(milliseconds(1));
    }
    stop.request_stop();
  });
  const auto outcome = RunShell("touch " + dir.Sub("started") + "; sleep 1000",
                                minutes(10), stop.get_token());
  EXPECT_EQ(outcome.status().code(), StatusCode::kCancelled);
  // A stop that was requested before the call.
  EXPECT_EQ(
      RunShell("sleep 1000", minutes(10), stop.get_token()).status().code(),
      StatusCode::kCancelled);
}

TEST(RunProgramTest, LeavesNoGrandchildBehind) {
  const auto outcome = RunShell("sleep 1000 & echo $!");
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->exit_code, 0);
  const pid_t grandchild = std::stoi(outcome->output);
  EXPECT_TRUE(Vanishes(grandchild));
}

TEST(RunProgramTest, KeepsTheFirstBytesOfALongOutput) {
  const auto outcome = RunProgram(
      {"/bin/sh", "-c", "printf 12345; head -c 1000000 /dev/zero; exit 4"},
      minutes(5), 7, {});
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->exit_code, 4);
  EXPECT_EQ(outcome->output, std::string("12345\0\0", 7));
}

TEST(RunProgramTest, WaitsForAProgramThatClosedItsOutput) {
  const auto outcome = RunShell("echo x; exec >&-; sleep 0.2; exit 5");
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->exit_code, 5);
  EXPECT_EQ(outcome->output, "x\n");
}

TEST(RunProgramTest, GivesTheChildNoFileOfTheHost) {
  const int leaky = ::open("/dev/null", O_RDONLY);  // no O_CLOEXEC
  ASSERT_EQ(::dup2(leaky, 57), 57);
  // cat ends at once: standard input is open, and at its end.
  const auto outcome = RunShell("cat && test ! -e /proc/$$/fd/57");
  ::close(57);
  ::close(leaky);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->exit_code, 0);
}

TEST(RunProgramTest, GivesTheChildCleanSignals) {
  const auto handler = ::signal(SIGTERM, SIG_IGN);
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto terminated = RunShell("kill -TERM $$; exit 1");
  const auto user = RunShell("kill -USR1 $$; exit 1");
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::signal(SIGTERM, handler);
  EXPECT_EQ(terminated->signal, SIGTERM);
  EXPECT_EQ(user->signal, SIGUSR1);
}

TEST(RunProgramTest, AdmitsThatAHostTookTheOutcome) {
  const auto handler = ::signal(SIGCHLD, SIG_IGN);
  const auto outcome = RunShell("exit 0");
  ::signal(SIGCHLD, handler);
  EXPECT_EQ(outcome.status().code(), StatusCode::kIoError);
  EXPECT_NE(outcome.status().hint().find("SIGCHLD"), std::string::npos);
}

TEST(ProcessTest, KnowsItsProgramAndHost) {
  EXPECT_TRUE(ExecutablePath().ends_with("base_test")) << ExecutablePath();
  EXPECT_NE(HostName(), "");
}

TEST(ProcessTest, LowersThePriorityOfTheCallingThreadOnly) {
  const int before = ::getpriority(PRIO_PROCESS, 0);
  std::jthread([before] {
    LowerThreadPriority(ThreadPriority::kLow);
    const auto thread = static_cast<id_t>(::syscall(SYS_gettid));
    EXPECT_EQ(::getpriority(PRIO_PROCESS, thread), std::min(before + 10, 19));
    EXPECT_EQ(::sched_getscheduler(0), SCHED_BATCH);
    // A second call changes nothing, also in threads of this thread.
    LowerThreadPriority(ThreadPriority::kLow);
    EXPECT_EQ(::getpriority(PRIO_PROCESS, thread), std::min(before + 10, 19));
    std::jthread([before] {
      LowerThreadPriority(ThreadPriority::kLow);
      const auto child = static_cast<id_t>(::syscall(SYS_gettid));
      EXPECT_EQ(::getpriority(PRIO_PROCESS, child), std::min(before + 10, 19));
    }).join();
  }).join();
  EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), before);
}

// The I/O priority of the calling thread from ioprio_get; 0: never set.
int IoPriority() {
  constexpr int kWhoProcess = 1;
  return static_cast<int>(::syscall(SYS_ioprio_get, kWhoProcess, 0));
}

constexpr int kBestEffortLowest = 2 << 13 | 7;

TEST(ProcessTest, IdleIsOfTheProcessorNotOfTheDisk) {
  const int io_before = IoPriority();
  std::jthread([] {
    EXPECT_FALSE(IsIdleThread());
    LowerThreadPriority(ThreadPriority::kIdle);
    EXPECT_TRUE(IsIdleThread());
    EXPECT_EQ(::sched_getscheduler(0), SCHED_IDLE);
    EXPECT_EQ(IoPriority(), kBestEffortLowest);
    // Threads and programs inherit both priorities, and a call for kLow does
    // not raise them.
    std::jthread([] {
      LowerThreadPriority(ThreadPriority::kLow);
      EXPECT_TRUE(IsIdleThread());
      EXPECT_EQ(IoPriority(), kBestEffortLowest);
    }).join();
    const auto child = RunShell("cut -d' ' -f41 /proc/self/stat");
    ASSERT_TRUE(child.ok()) << child.status().ToString();
    EXPECT_EQ(child->output, std::to_string(SCHED_IDLE) + "\n");
  }).join();
  EXPECT_FALSE(IsIdleThread());
  EXPECT_EQ(IoPriority(), io_before);
}

TEST(ProcessTest, WhoIsLowCanBecomeIdle) {
  std::jthread([] {
    LowerThreadPriority(ThreadPriority::kLow);
    EXPECT_EQ(IoPriority(), kBestEffortLowest);
    const int nice = ::getpriority(PRIO_PROCESS, 0);
    LowerThreadPriority(ThreadPriority::kIdle);
    EXPECT_TRUE(IsIdleThread());
    EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), nice) << "not lowered twice";
  }).join();
  // A thread that the operator runs with SCHED_BATCH has no I/O class yet.
  std::jthread([] {
    const sched_param parameters = {};
    ASSERT_EQ(::sched_setscheduler(0, SCHED_BATCH, &parameters), 0);
    LowerThreadPriority(ThreadPriority::kIdle);
    EXPECT_TRUE(IsIdleThread());
    EXPECT_EQ(IoPriority(), kBestEffortLowest);
  }).join();
}

TEST(ProcessTest, WhoIsIdleStaysIdle) {
  std::jthread([] {
    const int before = ::getpriority(PRIO_PROCESS, 0);
    const sched_param parameters = {};
    ASSERT_EQ(::sched_setscheduler(0, SCHED_IDLE, &parameters), 0);
    LowerThreadPriority(ThreadPriority::kLow);
    EXPECT_EQ(::sched_getscheduler(0), SCHED_IDLE);
    EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), before);
  }).join();
}

TEST(ProcessTest, ErrorsAndTheEnvironmentAreTheCallersChoice) {
  const std::vector<std::string> arguments = {
      "/bin/sh", "-c", "echo out; echo err >&2; echo \"$KEY-$HOME\""};
  const auto all = RunProgram({.arguments = arguments,
                               .timeout = minutes(5),
                               .output_limit_bytes = 100,
                               .with_errors = true,
                               .environment = {{"KEY=a b"}}});
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->output, "out\nerr\na b-\n");
  const auto some = RunProgram(arguments, minutes(5), 100, {});
  ASSERT_TRUE(some.ok());
  EXPECT_EQ(some->output.find("err"), std::string::npos);
}

}  // namespace
}  // namespace levelkeep
