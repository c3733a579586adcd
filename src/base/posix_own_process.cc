#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/own_process.h"

namespace levelkeep {
namespace {

// The system gives each file the lowest number that is free.
void OccupyStandardDescriptors() {
  int fd = -1;
  do {
    fd = ::open("/dev/null", O_RDONLY);
    // Some root folders have no /dev.
    if (fd < 0) fd = ::open("/", O_RDONLY | O_DIRECTORY);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) ::close(fd);
}

void RaiseOpenFileLimit() {
  struct rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

void SettleOwnProcess() {
  OccupyStandardDescriptors();
  (void)::signal(SIGPIPE, SIG_IGN);
  (void)::signal(SIGXFSZ, SIG_IGN);
  (void)::signal(SIGUSR1, SIG_IGN);
  (void)::signal(SIGCHLD, SIG_DFL);
  RaiseOpenFileLimit();
}

bool FewFilesMayBeOpen() {
  constexpr rlim_t kFew = 256;
  struct rlimit limit = {};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < kFew;
}

std::optional<uint64_t> FileSizeLimit() {
  struct rlimit limit = {};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 ||
      limit.rlim_cur == RLIM_INFINITY) {
    return std::nullopt;
  }
  return uint64_t{limit.rlim_cur};
}

}  // namespace levelkeep
