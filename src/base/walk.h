// An operation and its check take the same steps, so that they can't differ.

#ifndef LEVELKEEP_BASE_WALK_H_
#define LEVELKEEP_BASE_WALK_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

// The mode of a walk: Act does each step; Judge writes nothing and finds the
// error that the step would have. Value type; `warnings` must outlive it.
class Walk {
 public:
  static Walk Act() { return Walk(true, nullptr); }
  // For a check; the warnings of the operation are added to `warnings`, if set.
  static Walk Judge(std::vector<std::string>* warnings = nullptr) {
    return Walk(false, warnings);
  }

  bool acts() const { return acts_; }

  // Calls CreateDirectories, or finds its error.
  Status MakeFolder(FileSystem* fs, const std::string& path) const;
  // Calls FileSystem::Lock; Judge takes no lock and returns null. It does not
  // check whether somebody holds the lock.
  Result<std::unique_ptr<FileLock>> Lock(FileSystem* fs,
                                         const std::string& path) const;
  // Act writes the warning to the log.
  void Warn(std::string_view tag, const std::string& text) const;

 private:
  Walk(bool acts, std::vector<std::string>* warnings)
      : acts_(acts), warnings_(warnings) {}

  bool acts_;
  std::vector<std::string>* warnings_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_WALK_H_
