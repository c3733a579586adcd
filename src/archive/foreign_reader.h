// Checks and extracts archives of other programs: finds the entries that are
// the database, and writes their bytes to files. Private to archive.

#ifndef LEVELKEEP_ARCHIVE_FOREIGN_READER_H_
#define LEVELKEEP_ARCHIVE_FOREIGN_READER_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "archive/archive_reader.h"
#include "archive/target_directory.h"
#include "base/file_system.h"
#include "format/manifest.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Collects what the check needs besides names and sizes of foreign files.
// Thread safety: one thread at a time.
class DatabaseCheck {
 public:
  // True for CURRENT and MANIFESTs, whose content is kept in memory.
  static bool WantsContent(std::string_view flat_name);
  // Call before the content of a file arrives: kUnsupported if all kept content
  // would exceed 64 MiB.
  Status Expect(const std::string& flat_name, uint64_t size_bytes);
  // Adds content, not more than was announced by Expect.
  void AddContent(const std::string& flat_name, std::string_view bytes);

  // kCorruption unless CURRENT names an existing, complete MANIFEST (a torn
  // last record, as a crash leaves it, is fine), and all tables and the log
  // that the MANIFEST names exist with the sizes it states.
  Status Check(const std::vector<ManifestFile>& files) const;

 private:
  std::map<std::string, std::string> contents_;
  uint64_t content_bytes_ = 0;
};

// One pass over a .tar.gz that has no LevelKeep footer at its end. Sets
// `cut_short` if it fails because the file ends before the archive does.
Result<ExtractedDatabase> ReadForeignArchive(const ByteSource& source,
                                             uint64_t archive_bytes,
                                             const ArchiveReadOptions& options,
                                             TargetDirectory* target,
                                             bool* cut_short);

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_FOREIGN_READER_H_
