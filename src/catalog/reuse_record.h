// How the tables of a backup stand in its archive, so that the next backup
// can copy those that are still there.

#ifndef LEVELKEEP_CATALOG_REUSE_RECORD_H_
#define LEVELKEEP_CATALOG_REUSE_RECORD_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "format/toc.h"
#include "levelkeep/status.h"

namespace levelkeep {

// A file of the database as it was when it was archived. LevelDB never
// writes to a table again; a table of the same number that was made anew (by
// a repair, a restored database, a crash before the MANIFEST knew of it) has
// another inode or another mtime.
struct ReusableFile {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t mtime_ns = 0;
  TocFile archived;  // name: within the database folder
};

// Value type.
struct ReuseRecord {
  std::string archive;  // backup name
  uint64_t archive_bytes = 0;
  uint64_t archive_inode = 0;
  int64_t archive_mtime_ns = 0;
  std::string db_epoch;
  std::string writer;  // build and level of the compressor
  std::vector<ReusableFile> files;
};

// A text: one line about the archive, one for each file, and a digest of all
// that at the end.
std::string EncodeReuseRecord(const ReuseRecord& record);
// kCorruption if it is not, to the last byte, what EncodeReuseRecord wrote.
Result<ReuseRecord> DecodeReuseRecord(std::string_view text);

}  // namespace levelkeep

#endif  // LEVELKEEP_CATALOG_REUSE_RECORD_H_
