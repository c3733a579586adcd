// The work around Run: signals, streams, and the handling of exhausted memory.

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

// Only the installed program uses the service's file; a program that was just
// built, or a copy, does not. If systemd or another parent has read the file
// already, which may be readable by root only, it sets LEVELKEEP_SYSTEM_FILE to
// an empty value.
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
  const auto file = world.environment.find("LEVELKEEP_ENVIRONMENT_FILE");
  if (file != world.environment.end()) world.environment_file = file->second;
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

// Called if operator new finds no memory: the program ends as in a crash, which
// its files survive at any time. To continue, each place that allocates would
// need an error path, also in LevelDB and in nlohmann::json, which have none
// (decision 0018).
[[noreturn]] void EndWithoutMemory() {
  constexpr std::string_view kJson =
      "{\"success\":false,\"code\":\"io_error\",\"message\":\"not enough "
      "memory\",\"hint\":\"raise the memory limit of this process\","
      "\"exitCode\":1}\n";
  constexpr std::string_view kText =
      "error: not enough memory: the program ends, and no acknowledged data is "
      "lost\n"
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

// After the first large list is freed, glibc would keep the memory of later
// lists: with 100,000 tables this was a quarter of a create's memory.
void ReturnFreedMemory() {
#ifdef __GLIBC__
  constexpr int kLarge = 256 << 10;
  (void)mallopt(M_MMAP_THRESHOLD, kLarge);
  (void)mallopt(M_TRIM_THRESHOLD, 4 * kLarge);
#endif
}

}  // namespace

int Main(int argc, char** argv) {
  // Replaces closed standard streams before another file gets their number.
  if (fcntl(STDOUT_FILENO, F_GETFD) == -1 && errno == EBADF) {
    std::cout.setstate(std::ios::badbit);
  }
  SettleOwnProcess();
  // LevelDB creates its files with the mode that the umask allows.
  umask(077);
  ReturnFreedMemory();
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  json_is_asked_for = AsksForJson(arguments);
  std::set_new_handler(EndWithoutMemory);
  const Supervisor supervisor = Supervisor::TakeFromEnvironment();
  World world = ProcessWorld();
  world.supervisor = &supervisor;
  try {
    return RunVerb(arguments, world);
  } catch (...) {
    return Fail(arguments, world, CaughtStatus());
  }
}

}  // namespace levelkeep::cli
