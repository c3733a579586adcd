// Where a table ends in its file.

#ifndef LEVELKEEP_DBFILES_TABLE_END_H_
#define LEVELKEEP_DBFILES_TABLE_END_H_

#include <cstdint>

#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

// The true size of the table in `file`, whose MANIFEST says `named_bytes`. If
// the file has exactly `named_bytes`, that is the size. Else the table's
// footer, which ends every table, decides: LevelDB finds the footer by the
// MANIFEST's size even if the file is longer; iq80's LevelDB for Java, when it
// compacts, states four bytes more than it wrote, and looks for the footer at
// the end of the file. kCorruption if the footer is at neither place.
Result<uint64_t> FindTableEnd(const ByteSource& file, uint64_t file_bytes,
                              uint64_t named_bytes);

}  // namespace levelkeep

#endif  // LEVELKEEP_DBFILES_TABLE_END_H_
