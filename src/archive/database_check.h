// Is a set of files a LevelDB database? Private to archive.

#ifndef LEVELKEEP_ARCHIVE_DATABASE_CHECK_H_
#define LEVELKEEP_ARCHIVE_DATABASE_CHECK_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "format/manifest.h"
#include "levelkeep/status.h"

namespace levelkeep {

// What the check needs of foreign files besides their names and sizes.
// Thread safety: one thread at a time.
class DatabaseCheck {
 public:
  // CURRENT and MANIFESTs; their content is kept in memory.
  static bool WantsContent(std::string_view flat_name);
  // Before its content comes: kUnsupported when that would make more than
  // 64 MiB in all.
  Status Expect(const std::string& flat_name, uint64_t size_bytes);
  // No more than was expected.
  void AddContent(const std::string& flat_name, std::string_view bytes);

  // kCorruption unless CURRENT names a MANIFEST that is there and whole (a
  // torn last record is what a crash leaves and fine), and all tables and
  // the log that it names are there with the sizes that it names.
  Status Check(const std::vector<ManifestFile>& files) const;

 private:
  std::map<std::string, std::string> contents_;
  uint64_t content_bytes_ = 0;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_DATABASE_CHECK_H_
