#include "base/scratch_directory.h"

#include <utility>

#include "base/log.h"
#include "base/status_macros.h"

namespace levelkeep {
namespace {

std::string OwnerLock(const std::string& path) {
  return JoinPath(path, "owner.lock");
}

}  // namespace

Result<std::unique_ptr<ScratchDirectory>> ScratchDirectory::Make(
    FileSystem* fs, const std::string& path) {
  const bool makes_parent = !PathExists(fs, ParentPath(path));
  LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(fs, ParentPath(path)));
  // If we die here: the directory stays; its name is the caller's, who sweeps
  // such names at start.
  LEVELKEEP_RETURN_IF_ERROR(fs->CreateDirectory(path).WithHint(
      "remove what an earlier run left there, if nobody uses it"));
  std::unique_ptr<ScratchDirectory> scratch(
      new ScratchDirectory(fs, path, makes_parent));
  LEVELKEEP_ASSIGN_OR_RETURN(scratch->lock_, fs->Lock(OwnerLock(path)));
  return scratch;
}

ScratchDirectory::ScratchDirectory(FileSystem* fs, std::string path,
                                   bool made_parent)
    : fs_(fs), path_(std::move(path)), made_parent_(made_parent) {}

ScratchDirectory::~ScratchDirectory() {
  const Status removed = RemoveTree(fs_, path_);
  if (!removed.ok()) {
    LogWarn("Snapshot", "scratch directory stays: " + removed.ToString());
  }
  // Others may use it by now.
  if (made_parent_) (void)fs_->RemoveDirectory(ParentPath(path_));
}

Result<bool> SweepScratch(FileSystem* fs, const std::string& path) {
  const auto lock = fs->Lock(OwnerLock(path));
  if (lock.status().code() == StatusCode::kBusy) return false;
  LEVELKEEP_RETURN_IF_ERROR(RemoveTree(fs, path));
  return true;
}

}  // namespace levelkeep
