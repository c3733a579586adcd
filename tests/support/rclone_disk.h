// Support for tests.
// A real disk on which renaming a folder has the effect that it has on an
// rclone mount: files that were in the folder can't be opened any more.

#ifndef LEVELKEEP_TESTS_SUPPORT_RCLONE_DISK_H_
#define LEVELKEEP_TESTS_SUPPORT_RCLONE_DISK_H_

#include <memory>
#include <set>
#include <string>

#include "support/fault_file_system.h"

namespace levelkeep::test {

// Thread safety: one thread at a time renames.
class RcloneDisk : public FaultFileSystem {
 public:
  RcloneDisk() : FaultFileSystem(FileSystem::Posix()) { Reset(); }
  void Reset() {
    FaultFileSystem::Reset();
    set_plain_names(true);
  }
  Status Rename(const std::string& source, const std::string& target) override {
    const auto info = Stat(source);
    const Status renamed = FaultFileSystem::Rename(source, target);
    if (renamed.ok() && info.ok() && info->type == FileType::kDirectory) {
      renamed_.insert(target);
    }
    return renamed;
  }
  Result<std::unique_ptr<File>> Open(const std::string& path,
                                     OpenMode mode) override {
    if (renamed_.contains(ParentPath(path))) {
      return Status(StatusCode::kIoError, "cannot open " + path);
    }
    return FaultFileSystem::Open(path, mode);
  }

 private:
  std::set<std::string> renamed_;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_SUPPORT_RCLONE_DISK_H_
