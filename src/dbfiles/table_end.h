// Where a table ends in its file.

#ifndef LEVELKEEP_DBFILES_TABLE_END_H_
#define LEVELKEEP_DBFILES_TABLE_END_H_

#include <cstdint>

#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

// The size of the table in `file`, of which the MANIFEST says `named_bytes`.
// They are believed where the file has as many. Else the footer decides, which
// ends each table: LevelDB finds it where the MANIFEST says, also in a longer
// file; iq80's LevelDB for Java states four bytes more than it wrote when it
// compacts, and looks at the end of the file. kCorruption: it is at neither
// place.
Result<uint64_t> FindTableEnd(const ByteSource& file, uint64_t file_bytes,
                              uint64_t named_bytes);

}  // namespace levelkeep

#endif  // LEVELKEEP_DBFILES_TABLE_END_H_
