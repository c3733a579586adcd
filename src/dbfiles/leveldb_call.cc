#include "dbfiles/leveldb_call.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace levelkeep {

void EndWithoutMemoryInLevelDb() noexcept {
  constexpr std::string_view kMessage =
      "levelkeep: out of memory inside of LevelDB, which leaves it locked for "
      "ever: ending at once. Nothing that was acknowledged is lost; start "
      "again.\n";
  [[maybe_unused]] const ssize_t written =
      write(STDERR_FILENO, kMessage.data(), kMessage.size());
  std::abort();
}

}  // namespace levelkeep
