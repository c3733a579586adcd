#include "restore/context.h"

#include <algorithm>

#include "base/hash.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "dbfiles/database_files.h"

namespace levelkeep {

std::string WorkDirOf(const std::string& storage_dir,
                      const std::string& db_name) {
  return JoinPath(JoinPath(storage_dir, ".levelkeep"), db_name);
}

Result<uint64_t> FolderBytes(FileSystem* fs, const std::string& path) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, fs->List(path));
  uint64_t bytes = 0;
  for (const std::string& name : names) {
    const auto info = fs->Stat(JoinPath(path, name));
    if (info.ok() && info->type == FileType::kRegular) {
      bytes += info->size_bytes;
    }
  }
  return bytes;
}

Status NotADirectory(const std::string& path) {
  return Status(StatusCode::kRefused, path + " is not a directory",
                "move it away, then start again");
}

Result<uint64_t> DirectoryInode(FileSystem* fs, const std::string& path) {
  const auto info = fs->Stat(path);
  if (info.status().code() == StatusCode::kNotFound) return uint64_t{0};
  if (!info.ok()) return info.status();
  if (info->type != FileType::kDirectory) return NotADirectory(path);
  return info->inode;
}

namespace {

// Removes the database, but keeps the other files in its folder.
Status KeepStrangers(const RestoreContext& context, const std::string& name,
                     const std::vector<std::string>& strangers) {
  FileSystem* const fs = context.fs;
  const std::string kept = context.InWork(kKeptPrefix + RandomId());
  LEVELKEEP_RETURN_IF_ERROR(fs->Rename(context.InWork(name), kept));
  LEVELKEEP_RETURN_IF_ERROR(fs->SyncDirectory(context.work_dir()));
  // If we die here: database files stay beside the files of other programs, in
  // a directory that only people remove.
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, fs->List(kept));
  for (const std::string& file : names) {
    if (std::ranges::find(strangers, file) != strangers.end()) continue;
    LEVELKEEP_RETURN_IF_ERROR(RemoveTree(fs, JoinPath(kept, file)));
  }
  LogWarn(kRestoreLogTag,
          "the folder that a restore replaced holds files of other programs; "
          "they are in " +
              kept + ": " + NamesOf(strangers));
  return Status::Ok();
}

}  // namespace

Status Discard(const RestoreContext& context, const std::string& name) {
  FileSystem* const fs = context.fs;
  const auto strangers = FindStrangers(fs, context.InWork(name));
  if (strangers.status().code() == StatusCode::kNotFound) return Status::Ok();
  LEVELKEEP_RETURN_IF_ERROR(strangers.status());
  if (!strangers->empty()) return KeepStrangers(context, name, *strangers);
  const std::string trash = context.InWork(kTrashPrefix + RandomId());
  const Status moved = fs->Rename(context.InWork(name), trash);
  if (moved.code() == StatusCode::kNotFound) return Status::Ok();
  LEVELKEEP_RETURN_IF_ERROR(moved);
  LEVELKEEP_RETURN_IF_ERROR(fs->SyncDirectory(context.work_dir()));
  // If we die here: part of a database is left in the trash; the next start
  // removes it.
  return RemoveTree(fs, trash);
}

}  // namespace levelkeep
