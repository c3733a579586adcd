// The program around Run: signals, streams, the last resort.

#include <fcntl.h>
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <map>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/process.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/console.h"
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

bool json_is_asked_for = false;

// Where operator new finds no memory: the program ends as by a crash, which all
// of it is made for. Going on would need a way out at each place that
// allocates, in LevelDB and in nlohmann::json, too, and there is none (decision
// 0018).
[[noreturn]] void EndWithoutMemory() {
  constexpr std::string_view kJson =
      "{\"success\":false,\"code\":\"io_error\",\"message\":\"not enough "
      "memory\",\"hint\":\"raise the memory limit of this process\","
      "\"exitCode\":1}\n";
  constexpr std::string_view kText =
      "error: not enough memory: the program ends, and nothing that was "
      "acknowledged is lost\n"
      "hint: raise the memory limit of this process (ulimit -v, MemoryMax=), "
      "or "
      "free memory on this host, and start it again\n";
  [[maybe_unused]] ssize_t written = 0;
  if (json_is_asked_for) {
    written = write(STDOUT_FILENO, kJson.data(), kJson.size());
  }
  written = write(STDERR_FILENO, kText.data(), kText.size());
  _exit(kExitFailure);
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
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  json_is_asked_for = AsksForJson(arguments);
  std::set_new_handler(EndWithoutMemory);
  const World world = ProcessWorld();
  try {
    return RunVerb(arguments, world);
  } catch (...) {
    return Fail(arguments, world, CaughtStatus());
  }
}

}  // namespace levelkeep::cli
