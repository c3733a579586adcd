// measure RESULT COMMAND...: runs a command and writes into the file RESULT, as
// JSON, what the command took: wall and processor seconds of its process tree,
// the memory of its largest process, and the private memory of all processes
// together, sampled every 10 ms. Files that a process maps, as LevelDB does,
// count as memory of the largest process, but not as private memory.
//
// This is a program of its own because a process inherits the size of its
// parent as its first peak: a driver in Python would add its own size.

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stop_token>
#include <string>
#include <thread>

namespace {

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_usec) * 1e-6;
}

constexpr std::chrono::milliseconds kSampleInterval{10};

// The private bytes of `pid` and its descendants; processes that have ended do
// not count.
uint64_t PrivateBytes(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  uint64_t total = 0;
  std::ifstream status(folder + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) {
      total = std::strtoull(line.c_str() + 8, nullptr, 10) * 1024;
    }
  }
  std::ifstream children(folder + "/task/" + std::to_string(pid) + "/children");
  for (pid_t child = 0; children >> child;) total += PrivateBytes(child);
  return total;
}

void Sample(const std::stop_token& stop, pid_t pid, uint64_t* peak) {
  while (!stop.stop_requested()) {
    *peak = std::max(*peak, PrivateBytes(pid));
    std::this_thread::sleep_for(kSampleInterval);
  }
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
  uint64_t private_peak = 0;
  std::jthread sampler(Sample, child, &private_peak);
  if (wait4(child, &state, 0, &usage) != child) return Fail("measure: wait");
  const std::chrono::duration<double> wall =
      std::chrono::steady_clock::now() - start;
  sampler.request_stop();
  sampler.join();
  std::FILE* const result = std::fopen(argv[1], "w");
  if (result == nullptr) return Fail(argv[1]);
  std::fprintf(result,
               "{\"exit_code\":%d,\"wall_s\":%.6f,\"cpu_s\":%.6f,"
               "\"peak_bytes\":%lld,\"private_bytes\":%llu}\n",
               WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state),
               wall.count(), Seconds(usage.ru_utime) + Seconds(usage.ru_stime),
               static_cast<long long>(usage.ru_maxrss) * 1024,
               static_cast<unsigned long long>(private_peak));
  return std::fclose(result) == 0 ? EXIT_SUCCESS : Fail(argv[1]);
}
