#include "dbfiles/table_end.h"

#include <string>

#include "base/status_macros.h"
#include "dbfiles/coding.h"

namespace levelkeep {
namespace {

// Source: LevelDB's table/format.h.
constexpr uint64_t kFooterBytes = 48;
constexpr uint64_t kMagic = 0xdb4775248b80fb57;
// The size of an empty block; iq80 adds it to the size behind the footer.
constexpr uint64_t kMoreThanIq80Wrote = 4;

Result<bool> EndsAt(const ByteSource& file, uint64_t end) {
  if (end < kFooterBytes) return false;
  char magic[sizeof kMagic];
  LEVELKEEP_RETURN_IF_ERROR(
      ReadExactly(file, end - sizeof magic, magic, sizeof magic));
  return DecodeFixed64(magic) == kMagic;
}

}  // namespace

Result<uint64_t> FindTableEnd(const ByteSource& file, uint64_t file_bytes,
                              uint64_t named_bytes) {
  if (file_bytes == named_bytes) return named_bytes;
  if (named_bytes < file_bytes) {
    LEVELKEEP_ASSIGN_OR_RETURN(const bool as_named, EndsAt(file, named_bytes));
    if (as_named) return named_bytes;
  }
  if (named_bytes == file_bytes + kMoreThanIq80Wrote) {
    LEVELKEEP_ASSIGN_OR_RETURN(const bool at_end, EndsAt(file, file_bytes));
    if (at_end) return file_bytes;
  }
  return Status(StatusCode::kCorruption, "has " + std::to_string(file_bytes) +
                                             " bytes, but the manifest says " +
                                             std::to_string(named_bytes));
}

}  // namespace levelkeep
