#include "base/walk.h"

#include "base/log.h"
#include "base/status_macros.h"

namespace levelkeep {
namespace {

// Checks the steps of CreateDirectories.
Status JudgeDirectories(FileSystem* fs, const std::string& path) {
  const auto info = fs->StatFollowing(path);
  if (info.ok()) {
    return info->type == FileType::kDirectory ? Status::Ok() : NotAFolder(path);
  }
  // A link may have no target.
  const std::string parent = ParentPath(path);
  if (info.status().code() != StatusCode::kNotFound || parent == path ||
      PathExists(fs, path)) {
    return info.status();
  }
  LEVELKEEP_RETURN_IF_ERROR(JudgeDirectories(fs, parent));
  return fs->CheckAccess(parent, Access::kChange);
}

// Checks the steps of FileSystem::Lock.
Status JudgeLock(FileSystem* fs, const std::string& path) {
  const auto info = fs->Stat(path);
  if (info.status().code() == StatusCode::kNotFound) {
    return fs->CheckAccess(ParentPath(path), Access::kChange);
  }
  LEVELKEEP_RETURN_IF_ERROR(info.status());
  if (info->type != FileType::kRegular) {
    const char* const what = info->type == FileType::kDirectory ? "a folder"
                             : info->type == FileType::kSymlink
                                 ? "a symbolic link"
                                 : "a pipe, socket or device";
    return NotRegular(path, what);
  }
  return fs->CheckAccess(path, Access::kReadWrite);
}

}  // namespace

Status Walk::MakeFolder(FileSystem* fs, const std::string& path) const {
  return acts_ ? CreateDirectories(fs, path) : JudgeDirectories(fs, path);
}

Result<std::unique_ptr<FileLock>> Walk::Lock(FileSystem* fs,
                                             const std::string& path) const {
  if (acts_) return fs->Lock(path);
  LEVELKEEP_RETURN_IF_ERROR(JudgeLock(fs, path));
  return std::unique_ptr<FileLock>();
}

void Walk::Warn(std::string_view tag, const std::string& text) const {
  if (acts_) {
    LogWarn(tag, text);
  } else if (warnings_ != nullptr) {
    warnings_->push_back(text);
  }
}

}  // namespace levelkeep
