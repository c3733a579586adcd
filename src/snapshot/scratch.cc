#include "snapshot/scratch.h"

#include <utility>

#include "base/log.h"
#include "base/status_macros.h"

namespace levelkeep {

Result<std::unique_ptr<ScratchDirectory>> ScratchDirectory::Make(
    FileSystem* fs, const std::string& path) {
  LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(fs, ParentPath(path)));
  // If we die here: the directory stays; its name is the caller's, who sweeps
  // such names at start.
  LEVELKEEP_RETURN_IF_ERROR(fs->CreateDirectory(path).WithHint(
      "remove what an earlier run left there, if nobody uses it"));
  return std::unique_ptr<ScratchDirectory>(new ScratchDirectory(fs, path));
}

ScratchDirectory::ScratchDirectory(FileSystem* fs, std::string path)
    : fs_(fs), path_(std::move(path)) {}

ScratchDirectory::~ScratchDirectory() {
  const Status removed = RemoveTree(fs_, path_);
  if (!removed.ok()) {
    LogWarn("Snapshot", "scratch directory stays: " + removed.ToString());
  }
}

}  // namespace levelkeep
