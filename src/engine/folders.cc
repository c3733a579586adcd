// Folders that lead into each other, whatever their names say.

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "dbfiles/database_files.h"
#include "engine/engine.h"
#include "restore/context.h"

namespace levelkeep {

namespace {

using FolderId = std::pair<uint64_t, uint64_t>;  // device, inode

// More than any path has.
constexpr int kMostParents = 256;

// Nothing: it is not there, or can't be looked at.
std::optional<FolderId> IdOf(FileSystem* fs, const std::string& path) {
  const auto info = fs->StatFollowing(path);
  if (!info.ok() || info->type != FileType::kDirectory) return std::nullopt;
  return FolderId{info->device, info->inode};
}

// The folder, or the nearest one above that is there, and all above it. ".." is
// where a folder is, not where a link to it is.
std::set<FolderId> FolderAndParents(FileSystem* fs, std::string path) {
  while (!IdOf(fs, path) && path != ParentPath(path)) path = ParentPath(path);
  std::set<FolderId> folders;
  for (int i = 0; i < kMostParents; ++i) {
    const auto id = IdOf(fs, path);
    if (!id || !folders.insert(*id).second) break;
    path = JoinPath(path, "..");
  }
  return folders;
}

// The database's folder and those in it: one may be mounted at another place,
// too.
std::vector<std::string> FoldersOfDatabase(FileSystem* fs,
                                           const std::string& db_dir) {
  std::vector<std::string> folders = {db_dir};
  const auto names = fs->List(db_dir);
  if (!names.ok()) return folders;
  for (const std::string& name : *names) {
    if (ParseDbFileName(name).kind != DbFileKind::kUnknown) continue;
    const std::string path = JoinPath(db_dir, name);
    const auto info = fs->Stat(path);
    if (info.ok() && info->type == FileType::kDirectory) {
      folders.push_back(path);
    }
  }
  return folders;
}

}  // namespace

// A restore exchanges the database's folder as a whole, and what is in our own
// folder comes and goes.
Status Engine::RefuseInside(const std::string& what,
                            const std::string& folder) const {
  auto forbidden = FoldersOfDatabase(fs_, options_.storage_path());
  forbidden.push_back(WorkDirOf(options_.storage_dir, options_.db_name));
  const std::set<FolderId> above = FolderAndParents(fs_, folder);
  for (const std::string& path : forbidden) {
    const auto id = IdOf(fs_, path);
    if (!id || !above.contains(*id)) continue;
    return Status(StatusCode::kInvalidArgument,
                  what + " (" + folder + ") leads into " + path +
                      ", which a restore replaces",
                  "use a folder outside of the database's own");
  }
  return Status::Ok();
}

Status Engine::CheckFolders() const {
  LEVELKEEP_RETURN_IF_ERROR(RefuseInside("BACKUP_DIR", options_.backup_dir));
  return RefuseInside("RESTORE_DIR", options_.restore_dir);
}

}  // namespace levelkeep
