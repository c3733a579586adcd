#include "support/other_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

extern char** environ;

namespace levelkeep::test {
namespace {

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::abort();
}

}  // namespace

OtherProcess::OtherProcess(const std::vector<std::string>& arguments) {
  int input[2], output[2];
  if (::pipe2(input, O_CLOEXEC) != 0 || ::pipe2(output, O_CLOEXEC) != 0) {
    Die("pipe2");
  }
  std::vector<std::string> owned = {LEVELKEEP_OTHER_PROCESS};
  owned.insert(owned.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& argument : owned) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input[0], 0);
  ::posix_spawn_file_actions_adddup2(&actions, output[1], 1);
  if (::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ) !=
      0) {
    Die("posix_spawn");
  }
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(input[0]);
  ::close(output[1]);
  input_ = input[1];
  output_ = output[0];
}

OtherProcess::~OtherProcess() {
  Kill();
  ::close(output_);
}

std::string OtherProcess::ReadLine() {
  std::string line;
  char byte = 0;
  while (::read(output_, &byte, 1) == 1 && byte != '\n') line.push_back(byte);
  return line;
}

int OtherProcess::Finish() {
  if (input_ >= 0) ::close(input_);
  input_ = -1;
  return Wait();
}

void OtherProcess::Kill() {
  if (pid_ > 0) ::kill(pid_, SIGKILL);
  Wait();
  if (input_ >= 0) ::close(input_);
  input_ = -1;
}

int OtherProcess::Wait() {
  if (pid_ <= 0) return -1;
  int status = 0;
  if (::waitpid(pid_, &status, 0) != pid_) Die("waitpid");
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

SharedHead::SharedHead(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ::ftruncate(fd, sizeof(uint64_t)) != 0) Die("shared head");
  void* const mapped = ::mmap(nullptr, sizeof(uint64_t), PROT_READ | PROT_WRITE,
                              MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) Die("mmap");
  ::close(fd);
  value_ = static_cast<uint64_t*>(mapped);
}

SharedHead::~SharedHead() { ::munmap(value_, sizeof(uint64_t)); }

Head SharedHead::Load() const {
  const uint64_t value =
      std::atomic_ref<uint64_t>(*value_).load(std::memory_order_acquire);
  return {value >> 32, value & 0xffffffff};
}

void SharedHead::Store(const Head& head) {
  std::atomic_ref<uint64_t>(*value_).store(head.seed << 32 | head.number,
                                           std::memory_order_release);
}

}  // namespace levelkeep::test
