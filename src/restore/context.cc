#include "restore/context.h"

#include "base/hash.h"
#include "base/status_macros.h"

namespace levelkeep {

std::string WorkDirOf(const std::string& storage_dir,
                      const std::string& db_name) {
  return JoinPath(JoinPath(storage_dir, ".levelkeep"), db_name);
}

uint64_t FolderBytes(FileSystem* fs, const std::string& path) {
  const auto names = fs->List(path);
  if (!names.ok()) return 0;
  uint64_t bytes = 0;
  for (const std::string& name : *names) {
    const auto info = fs->Stat(JoinPath(path, name));
    if (info.ok() && info->type == FileType::kRegular) {
      bytes += info->size_bytes;
    }
  }
  return bytes;
}

Result<uint64_t> DirectoryInode(FileSystem* fs, const std::string& path) {
  const auto info = fs->Stat(path);
  if (info.status().code() == StatusCode::kNotFound) return uint64_t{0};
  if (!info.ok()) return info.status();
  if (info->type != FileType::kDirectory) {
    return Status(StatusCode::kRefused, path + " is not a directory",
                  "move it away, then start again");
  }
  return info->inode;
}

Status Discard(const RestoreContext& context, const std::string& name) {
  FileSystem* const fs = context.fs;
  const std::string trash =
      context.InWork(std::string(kTrashPrefix) + RandomId());
  const Status moved = fs->Rename(context.InWork(name), trash);
  if (moved.code() == StatusCode::kNotFound) return Status::Ok();
  LEVELKEEP_RETURN_IF_ERROR(moved);
  LEVELKEEP_RETURN_IF_ERROR(fs->SyncDirectory(context.work_dir()));
  // If we die here: half a database under a name that says so; swept.
  return RemoveTree(fs, trash);
}

}  // namespace levelkeep
