// A directory of our own that goes away with its owner. Private to the
// module.

#ifndef LEVELKEEP_SNAPSHOT_SCRATCH_H_
#define LEVELKEEP_SNAPSHOT_SCRATCH_H_

#include <memory>
#include <string>

#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Thread safety: const methods from any thread.
class ScratchDirectory {
 public:
  // kAlreadyExists if `path` is there: it is never someone else's.
  static Result<std::unique_ptr<ScratchDirectory>> Make(
      FileSystem* fs, const std::string& path);
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  ScratchDirectory(FileSystem* fs, std::string path);

  FileSystem* const fs_;
  const std::string path_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_SNAPSHOT_SCRATCH_H_
