// The program around Run: signals, streams, the last resort.

#include <fcntl.h>
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <exception>
#include <iostream>
#include <map>
#include <new>
#include <string>

#include "base/own_process.h"
#include "base/process.h"
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

int RunVerb(int argc, char** argv) {
  SignalWatcher signals;
  World world;
  world.in = &std::cin;
  world.out = &std::cout;
  world.err = &std::cerr;
  world.in_is_terminal = isatty(STDIN_FILENO) == 1;
  world.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  world.err_is_terminal = isatty(STDERR_FILENO) == 1;
  world.environment = ProcessEnvironment();
  world.system_file = SystemFile(world.environment);
  world.stop = signals.stop_token();
  world.is_service = signals.is_service();
  world.questions = signals.questions();
  world.fs = FileSystem::Posix();
  world.clock = Clock::System();
  return Run(std::vector<std::string>(argv + 1, argv + argc), world);
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
  if (fcntl(STDOUT_FILENO, F_GETFD) == -1) std::cout.setstate(std::ios::badbit);
  SettleOwnProcess();
  // LevelDB makes its files with whatever mode this leaves.
  umask(077);
  ReturnFreedMemory();
  try {
    return RunVerb(argc, argv);
  } catch (const std::bad_alloc&) {
    std::cerr << "error: not enough memory\n"
                 "hint: raise the memory limit of this process"
              << std::endl;
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << std::endl;
  }
  return kExitFailure;
}

}  // namespace levelkeep::cli
