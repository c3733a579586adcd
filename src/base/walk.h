// An act and its judge walk the same steps, so that they can't drift apart.

#ifndef LEVELKEEP_BASE_WALK_H_
#define LEVELKEEP_BASE_WALK_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Who walks: the act does each step, the judge finds out without writing what
// it would be refused with. Value type; `warnings` outlives it.
class Walk {
 public:
  static Walk Act() { return Walk(true, nullptr); }
  // Of a judge; what the act would warn of is added to `warnings`, if set.
  static Walk Judge(std::vector<std::string>* warnings = nullptr) {
    return Walk(false, warnings);
  }

  bool acts() const { return acts_; }

  // CreateDirectories, or what that would be refused with.
  Status MakeFolder(FileSystem* fs, const std::string& path) const;
  // FileSystem::Lock; the judge takes nothing and gets null. Whether somebody
  // holds it is not its question.
  Result<std::unique_ptr<FileLock>> Lock(FileSystem* fs,
                                         const std::string& path) const;
  // The act tells the log.
  void Warn(std::string_view tag, const std::string& text) const;

 private:
  Walk(bool acts, std::vector<std::string>* warnings)
      : acts_(acts), warnings_(warnings) {}

  bool acts_;
  std::vector<std::string>* warnings_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_WALK_H_
