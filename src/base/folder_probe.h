// Tries out the abilities of a folder's file system.

#ifndef LEVELKEEP_BASE_FOLDER_PROBE_H_
#define LEVELKEEP_BASE_FOLDER_PROBE_H_

#include <string>
#include <string_view>

#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Value type.
struct FolderAbilities {
  // Ok if a folder is renamed with its files and an open file in it can still
  // be read and written, which fails on an rclone mount. Otherwise the error of
  // the trial.
  Status moves_folders;
  // The result of FileSystem::TryRename for the folder `renamed`.
  Status renames_that;
  // Ok if a held lock excludes a second one.
  Status locks;
  // Ok if creations, renames and removals in a folder can be made durable.
  Status syncs_folders;
};

// Tries the abilities with files in a hidden folder, which it removes again:
//
//   1. removes folders that a crash left of earlier probes
//   2. creates two folders with a file each; a second lock of one is refused
//   3. exchanges the folders, renames one, looks for its files
//   4. renames a file over another one
//   5. tries whether the folder `renamed` could be renamed; syncs
//
// Abilities that are always needed (files can be written and read, and renamed
// over each other) must work: otherwise their error is returned. Costs a few
// dozen calls, one of them a sync of an empty folder. REQUIRES: `folder` is a
// folder.
// Thread safety: several threads and processes may probe one folder.
Result<FolderAbilities> ProbeFolder(FileSystem* fs, const std::string& folder,
                                    const std::string& renamed = "");

// The use of a folder, besides files that can be written and synced.
struct FolderNeeds {
  bool moves_folders = false;
  bool locks = false;
  // A folder in it that must be renamable as a whole; it is not changed.
  // Ignored if empty or missing.
  std::string renamed = {};
  // Sets the folder's own time back, for callers that only look.
  bool keeps_time = false;
};

// Ok if `folder`, or the place where it will be created, has the abilities.
// Tries twice, so that a passing failure does not count. Otherwise kUnsupported
// with the missing ability, the error of the trial and the nearest suitable
// folder; or the error of a file operation. A full disk is ok, because space is
// checked elsewhere. `setting` names the folder in messages, e.g.
// "STORAGE_DIR".
Status RequireFolder(FileSystem* fs, std::string_view setting,
                     const std::string& folder, const FolderNeeds& needs);

// True for ".levelkeep-<id>.probe". No program mistakes it for a backup or a
// drop.
bool IsProbeName(std::string_view name);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_FOLDER_PROBE_H_
