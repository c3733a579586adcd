// Preloaded into the program under test: one of its C++ allocations fails.
//
//   LEVELKEEP_TEST_FAIL_ALLOCATION=N   the N-th one from main() on
//   LEVELKEEP_TEST_FAIL_FILE=PATH      when a connection is accepted and PATH
//                                      is there, which holds N: the N-th one
//                                      from then on, or none for 0; PATH is
//                                      removed
//   LEVELKEEP_TEST_FAIL_DONE=PATH      is made when it has failed
//   LEVELKEEP_TEST_FAIL_TRACE=1        the stack goes to standard error then

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

namespace {

std::atomic<bool> armed{false};
std::atomic<long> left{0};

void Note() {
  const char* const path = std::getenv("LEVELKEEP_TEST_FAIL_DONE");
  if (path == nullptr) return;
  const int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
  if (fd >= 0) close(fd);
}

// For whoever looks for the reason.
void ShowPlace() {
  if (std::getenv("LEVELKEEP_TEST_FAIL_TRACE") == nullptr) return;
  void* frames[64];
  backtrace_symbols_fd(frames, backtrace(frames, 64), STDERR_FILENO);
}

bool Fails() {
  if (!armed.load(std::memory_order_relaxed)) return false;
  if (left.fetch_sub(1, std::memory_order_relaxed) != 1) return false;
  armed = false;
  Note();
  ShowPlace();
  return true;
}

void Arm(long number) {
  left = number;
  armed = number > 0;
}

void ArmFromFile() {
  const char* const path = std::getenv("LEVELKEEP_TEST_FAIL_FILE");
  if (path == nullptr) return;
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  char text[24] = {};
  const ssize_t size = read(fd, text, sizeof(text) - 1);
  close(fd);
  unlink(path);
  if (size > 0) Arm(std::strtol(text, nullptr, 10));
}

using Main = int (*)(int, char**, char**);
Main real_main;

int MainFromHere(int argc, char** argv, char** environment) {
  const char* const number = std::getenv("LEVELKEEP_TEST_FAIL_ALLOCATION");
  if (number != nullptr) Arm(std::strtol(number, nullptr, 10));
  // Its children are programs of their own.
  unsetenv("LEVELKEEP_TEST_FAIL_ALLOCATION");
  return real_main(argc, argv, environment);
}

void* Allocate(std::size_t size) {
  return Fails() ? nullptr : std::malloc(size == 0 ? 1 : size);
}

void* Allocate(std::size_t size, std::align_val_t alignment) {
  const auto align = static_cast<std::size_t>(alignment);
  const std::size_t rounded = (size + align - 1) / align * align;
  return Fails() ? nullptr
                 : std::aligned_alloc(align, rounded == 0 ? align : rounded);
}

void* OrThrow(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

extern "C" int __libc_start_main(Main main, int argc, char** argv,
                                 void (*init)(), void (*fini)(),
                                 void (*rtld_fini)(), void* stack_end) {
  real_main = main;
  const auto next = reinterpret_cast<decltype(&__libc_start_main)>(
      dlsym(RTLD_NEXT, "__libc_start_main"));
  return next(MainFromHere, argc, argv, init, fini, rtld_fini, stack_end);
}

extern "C" int accept(int fd, sockaddr* address, socklen_t* length) {
  static const auto next =
      reinterpret_cast<decltype(&accept)>(dlsym(RTLD_NEXT, "accept"));
  const int connection = next(fd, address, length);
  if (connection >= 0) ArmFromFile();
  return connection;
}

extern "C" int accept4(int fd, sockaddr* address, socklen_t* length,
                       int flags) {
  static const auto next =
      reinterpret_cast<decltype(&accept4)>(dlsym(RTLD_NEXT, "accept4"));
  const int connection = next(fd, address, length, flags);
  if (connection >= 0) ArmFromFile();
  return connection;
}

void* operator new(std::size_t size) { return OrThrow(Allocate(size)); }
void* operator new[](std::size_t size) { return OrThrow(Allocate(size)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return OrThrow(Allocate(size, alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return OrThrow(Allocate(size, alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return Allocate(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return Allocate(size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
