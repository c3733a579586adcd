// Converts errno to a Status, and recognises errno's text in LevelDB's errors.

#ifndef LEVELKEEP_BASE_POSIX_ERROR_H_
#define LEVELKEEP_BASE_POSIX_ERROR_H_

#include <cerrno>
#include <string>
#include <string_view>

#include "levelkeep/status.h"

namespace levelkeep {

// "cannot <action> <path>: <the system's text>" with the code that callers
// decide on, and a hint if something can be done. `other` follows the path: "
// to B".
Status PosixError(int error, std::string_view action, const std::string& path,
                  std::string_view other = "");

// True if a text says that a disk or quota is full: LevelDB passes on
// strerror's text without the number.
bool TellsOfNoSpace(std::string_view text);

// Repeats a system call that a signal interrupted.
template <typename Call>
auto RetryOnInterrupt(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_POSIX_ERROR_H_
