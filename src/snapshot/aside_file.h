// Files that LevelDB removed while a snapshot needed them: "<name>.pin<N>".
//
// LevelDB ignores such names, so neither its garbage collection nor RepairDB
// sees the files. A file is removed with the last snapshot that holds it. Files
// that a dead process left are removed when the database is opened again.

#ifndef LEVELKEEP_SNAPSHOT_ASIDE_FILE_H_
#define LEVELKEEP_SNAPSHOT_ASIDE_FILE_H_

#include <memory>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Owns one such file. The destructor removes the file.
// Thread safety: const methods from any thread.
class AsideFile {
 public:
  // Renames `path` to the first free "<path>.pin<N>". With `keep_name`, both
  // names stay (hard links).
  static Result<std::shared_ptr<AsideFile>> Make(FileSystem* fs,
                                                 const std::string& path,
                                                 bool keep_name);
  ~AsideFile();
  AsideFile(const AsideFile&) = delete;
  AsideFile& operator=(const AsideFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  AsideFile(FileSystem* fs, std::string path, const FileInfo& info);

  FileSystem* const fs_;
  const std::string path_;
  const uint64_t device_;
  const uint64_t inode_;
};

// Whether `name` names such a file: "000012.ldb.pin3", "000013.log.pin1".
bool IsAsideFileName(std::string_view name);

// Removes such files from `db_dir`, except those that an AsideFile of this
// process owns. Failures are logged only: a left-over file just costs space.
void RemoveLeftOverAsideFiles(FileSystem* fs, const std::string& db_dir);

}  // namespace levelkeep

#endif  // LEVELKEEP_SNAPSHOT_ASIDE_FILE_H_
