// Each case runs in a process of its own, because it changes the whole process.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <string>

#include "base/file_system.h"
#include "base/process.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

constexpr int kGood = 7;

// Runs `body` in a child; returns its exit code, or minus the signal that ended
// it.
int ExitOf(const std::function<int()>& body) {
  const pid_t pid = fork();
  if (pid == 0) _exit(body());
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(OwnProcessTest, NoFileGetsTheNumberOfAStandardStream) {
  for (const int closed : {1, 2, 4, 3, 6, 7}) {  // bits of the closed streams
    EXPECT_EQ(ExitOf([closed] {
                for (int fd = 0; fd <= 2; ++fd) {
                  if ((closed >> fd & 1) != 0) close(fd);
                }
                SettleOwnProcess();
                const int next = dup(0);
                return next > 2 ? kGood : 1;
              }),
              kGood)
        << closed;
  }
}

TEST(OwnProcessTest, WritingToAClosedStreamStillFails) {
  EXPECT_EQ(ExitOf([] {
              close(1);
              SettleOwnProcess();
              return write(1, "x", 1) < 0 && errno == EBADF ? kGood : 1;
            }),
            kGood);
}

TEST(OwnProcessTest, LimitOfFileSizesIsAnErrorOfTheWrite) {
  test::TempDir dir;
  EXPECT_EQ(ExitOf([&] {
              const rlimit limit = {1000, 1000};
              setrlimit(RLIMIT_FSIZE, &limit);
              SettleOwnProcess();
              auto file = FileSystem::Posix()->Open(dir.Sub("file"),
                                                    OpenMode::kCreateNew);
              if (!file.ok() || FileSizeLimit() != 1000u) return 1;
              const Status written = (*file)->Append(std::string(5000, 'x'));
              return written.hint().find("ulimit -f") != std::string::npos
                         ? kGood
                         : 2;
            }),
            kGood);
}

TEST(OwnProcessTest, SignalsThatNobodyMeantAreNotItsEnd) {
  for (const int signal : {SIGPIPE, SIGXFSZ, SIGUSR1}) {
    EXPECT_EQ(ExitOf([signal] {
                SettleOwnProcess();
                raise(signal);
                return kGood;
              }),
              kGood)
        << signal;
  }
}

// A parent may ignore SIGCHLD, and this process inherits that.
TEST(OwnProcessTest, TheOutcomeOfAChildIsKnown) {
  EXPECT_EQ(ExitOf([] {
              signal(SIGCHLD, SIG_IGN);
              SettleOwnProcess();
              const auto child = RunProgram({"/bin/sh", "-c", "exit 3"},
                                            std::chrono::minutes(5), 1000, {});
              return child.ok() && child->exit_code == 3 ? kGood : 1;
            }),
            kGood);
}

TEST(OwnProcessTest, AsManyFilesAsTheHardLimitAllows) {
  EXPECT_EQ(ExitOf([] {
              rlimit limit = {};
              getrlimit(RLIMIT_NOFILE, &limit);
              limit.rlim_cur = 20;
              setrlimit(RLIMIT_NOFILE, &limit);
              SettleOwnProcess();
              getrlimit(RLIMIT_NOFILE, &limit);
              return limit.rlim_cur == limit.rlim_max ? kGood : 1;
            }),
            kGood);
}

}  // namespace
}  // namespace levelkeep
