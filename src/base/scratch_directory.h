// A directory of our own that is removed with its owner.

#ifndef LEVELKEEP_BASE_SCRATCH_DIRECTORY_H_
#define LEVELKEEP_BASE_SCRATCH_DIRECTORY_H_

#include <memory>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

// The owner holds a lock on a file in it, so that other processes see that it
// is in use (SweepScratch).
// Thread safety: const methods from any thread.
class ScratchDirectory {
 public:
  // kAlreadyExists if `path` exists: a directory of another owner is never
  // used. A missing parent is created, and removed again when it is empty. If a
  // sweep comes before the lock, Make waits for it.
  static Result<std::unique_ptr<ScratchDirectory>> Make(
      FileSystem* fs, const std::string& path);
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  ScratchDirectory(FileSystem* fs, std::string path, bool made_parent,
                   std::unique_ptr<FileLock> lock);

  FileSystem* const fs_;
  const std::string path_;
  const bool made_parent_;
  const std::unique_ptr<FileLock> lock_;
};

// Removes a scratch directory that its owner left behind, or any other file or
// directory with that name. False: a living process uses it.
Result<bool> SweepScratch(FileSystem* fs, const std::string& path);

// Removes the scratch directories in `folder` whose names begin with `prefix`
// and whose owners were killed. Best effort; other files with such a name stay.
void SweepAbandonedScratch(FileSystem* fs, const std::string& folder,
                           std::string_view prefix);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_SCRATCH_DIRECTORY_H_
