// A directory of our own that goes away with its owner.

#ifndef LEVELKEEP_BASE_SCRATCH_DIRECTORY_H_
#define LEVELKEEP_BASE_SCRATCH_DIRECTORY_H_

#include <memory>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

// While it lives a lock file in it is held, so that other processes see that
// it is no left-over (SweepScratch).
// Thread safety: const methods from any thread.
class ScratchDirectory {
 public:
  // kAlreadyExists if `path` is there: it is never someone else's. A parent
  // that was missing is made, and removed again once it is empty. A sweep
  // that comes before the lock is waited for.
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
// directory of that name. False: a living process uses it.
Result<bool> SweepScratch(FileSystem* fs, const std::string& path);

// Removes the scratch directories in `folder` whose names begin so and whose
// owners were killed. Best effort; what else has such a name stays.
void SweepAbandonedScratch(FileSystem* fs, const std::string& folder,
                           std::string_view prefix);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_SCRATCH_DIRECTORY_H_
