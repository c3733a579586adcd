#include "dbfiles/leveldb_call.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace levelkeep {

void EndWithoutMemoryInLevelDb() noexcept {
  constexpr std::string_view kMessage =
      "levelkeep: out of memory inside LevelDB, which can't be used any more: "
      "the process ends now. No acknowledged write is lost; start it "
      "again.\n";
  [[maybe_unused]] const ssize_t written =
      write(STDERR_FILENO, kMessage.data(), kMessage.size());
  std::abort();
}

}  // namespace levelkeep
