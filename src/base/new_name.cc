#include "base/new_name.h"

#include "base/status_macros.h"

namespace levelkeep {
namespace {

// The file has both names.
Status DropFirstName(FileSystem* fs, const std::string& source,
                     const std::string& target) {
  const Status removed = fs->RemoveFile(source);
  if (removed.ok()) return removed;
  // A network file system may do what it says to have failed.
  if (fs->Stat(source).status().code() == StatusCode::kNotFound) {
    return Status::Ok();
  }
  (void)fs->RemoveFile(target);
  return removed;
}

Status MoveOverClaim(FileSystem* fs, const std::string& source,
                     const std::string& target) {
  // An empty file without the one that it was for would be a riddle.
  LEVELKEEP_RETURN_IF_ERROR(fs->SyncDirectory(ParentPath(source)));
  LEVELKEEP_ASSIGN_OR_RETURN(const auto claim,
                             fs->Open(target, OpenMode::kCreateNew));
  Status moved = claim->Close();
  // If we die here: a claim beside the whole source.
  if (moved.ok()) moved = fs->Rename(source, target);
  if (!moved.ok()) (void)RemoveClaim(fs, target);
  return moved;
}

}  // namespace

Status MoveToNewName(FileSystem* fs, const std::string& source,
                     const std::string& target) {
  // Some file systems take no heed of the flag (exFAT with fuse 3.17) and would
  // replace it.
  const Status free = fs->Stat(target).status();
  if (free.ok()) {
    return Status(StatusCode::kAlreadyExists, target + " is there already");
  }
  if (free.code() != StatusCode::kNotFound) return free;
  const Status renamed = fs->RenameNoReplace(source, target);
  if (renamed.code() != StatusCode::kUnsupported) return renamed;
  const Status linked = fs->Link(source, target);
  // If we die here: the file has both names.
  if (linked.ok()) return DropFirstName(fs, source, target);
  if (linked.code() == StatusCode::kAlreadyExists ||
      linked.code() == StatusCode::kNotFound) {
    return linked;
  }
  // Where there are no links, they fail in many ways: exFAT says EPERM,
  // rclone EIO. Whatever it is, the next way may work.
  return MoveOverClaim(fs, source, target);
}

bool IsClaim(const FileInfo& info) {
  return info.type == FileType::kRegular && info.size_bytes == 0;
}

Status RemoveClaim(FileSystem* fs, const std::string& path) {
  const auto info = fs->Stat(path);
  if (info.status().code() == StatusCode::kNotFound) return Status::Ok();
  if (!info.ok()) return info.status();
  return IsClaim(*info) ? fs->RemoveFile(path) : Status::Ok();
}

}  // namespace levelkeep
