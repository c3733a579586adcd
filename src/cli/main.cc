// The program around Run: signals, streams, the last resort.

#include <fcntl.h>
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/own_process.h"
#include "base/process.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/exit_code.h"
#include "cli/signals.h"
#include "config/settings.h"

namespace levelkeep::cli {
namespace {

// Only the installed program is the service's; one that was just built, or a
// copy of it, is somebody's own. Whoever has read the file for us, as systemd
// has, says so by an empty LEVELKEEP_SYSTEM_FILE: it may be root's alone.
std::string SystemFile(const std::map<std::string, std::string>& environment) {
  const auto named = environment.find("LEVELKEEP_SYSTEM_FILE");
  if (named != environment.end()) return named->second;
  return ExecutablePath() == LEVELKEEP_INSTALLED_PROGRAM ? kSystemFile : "";
}

World ProcessWorld() {
  World world;
  world.in = &std::cin;
  world.out = &std::cout;
  world.err = &std::cerr;
  world.in_is_terminal = isatty(STDIN_FILENO) == 1;
  world.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  world.err_is_terminal = isatty(STDERR_FILENO) == 1;
  world.environment = ProcessEnvironment();
  world.system_file = SystemFile(world.environment);
  world.fs = FileSystem::Posix();
  world.clock = Clock::System();
  return world;
}

int RunVerb(const std::vector<std::string>& arguments, World world) {
  SignalWatcher signals;
  world.stop = signals.stop_token();
  world.is_service = signals.is_service();
  world.questions = signals.questions();
  return Run(arguments, world);
}

// Where there is not even the memory to say more.
int FailWithoutMemory(std::span<char* const> arguments) {
  if (AsksForJson(arguments)) {
    std::cout << "{\"success\":false,\"code\":\"io_error\",\"message\":\"not "
                 "enough memory\",\"hint\":\"raise the memory limit of this "
                 "process\",\"exitCode\":1}"
              << std::endl;
  }
  std::cerr << "error: not enough memory\n"
               "hint: raise the memory limit of this process"
            << std::endl;
  return kExitFailure;
}

// glibc would learn from the first large list that is freed to keep the next
// ones: with 100,000 tables that made a quarter of a create's memory.
void ReturnFreedMemory() {
#ifdef __GLIBC__
  constexpr int kLarge = 256 << 10;
  (void)mallopt(M_MMAP_THRESHOLD, kLarge);
  (void)mallopt(M_TRIM_THRESHOLD, 4 * kLarge);
#endif
}

}  // namespace

int Main(int argc, char** argv) {
  // Before anything is opened in its place.
  if (fcntl(STDOUT_FILENO, F_GETFD) == -1 && errno == EBADF) {
    std::cout.setstate(std::ios::badbit);
  }
  SettleOwnProcess();
  // LevelDB makes its files with whatever mode this leaves.
  umask(077);
  ReturnFreedMemory();
  const std::span<char* const> given(argv + 1, argv + argc);
  try {
    const std::vector<std::string> arguments(given.begin(), given.end());
    const World world = ProcessWorld();
    try {
      return RunVerb(arguments, world);
    } catch (...) {
      return Fail(arguments, world, CaughtStatus());
    }
  } catch (...) {
    return FailWithoutMemory(given);
  }
}

}  // namespace levelkeep::cli
