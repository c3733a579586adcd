// measure RESULT COMMAND...: runs a command and writes what it took to the
// file RESULT, as JSON: wall and processor seconds of its process tree, and
// the memory of its largest process.
//
// A program of its own because a process inherits, as its first peak, the
// size of the one that starts it: a driver in Python would add its own.

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace {

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_usec) * 1e-6;
}

int Fail(const char* what) {
  std::perror(what);
  return EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: measure RESULT COMMAND...\n");
    return EXIT_FAILURE;
  }
  const auto start = std::chrono::steady_clock::now();
  const pid_t child = fork();
  if (child < 0) return Fail("measure: fork");
  if (child == 0) {
    execvp(argv[2], argv + 2);
    std::perror(argv[2]);
    _exit(127);
  }
  int state = 0;
  rusage usage{};
  if (wait4(child, &state, 0, &usage) != child) return Fail("measure: wait");
  const std::chrono::duration<double> wall =
      std::chrono::steady_clock::now() - start;
  std::FILE* const result = std::fopen(argv[1], "w");
  if (result == nullptr) return Fail(argv[1]);
  std::fprintf(result,
               "{\"exit_code\":%d,\"wall_s\":%.6f,\"cpu_s\":%.6f,"
               "\"peak_bytes\":%lld}\n",
               WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state),
               wall.count(), Seconds(usage.ru_utime) + Seconds(usage.ru_stime),
               static_cast<long long>(usage.ru_maxrss) * 1024);
  return std::fclose(result) == 0 ? EXIT_SUCCESS : Fail(argv[1]);
}
