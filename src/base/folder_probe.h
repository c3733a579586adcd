// What the file system of a folder can do, found out by trying.

#ifndef LEVELKEEP_BASE_FOLDER_PROBE_H_
#define LEVELKEEP_BASE_FOLDER_PROBE_H_

#include <string>
#include <string_view>

#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Value type.
struct FolderAbilities {
  // Ok, or how the trial ended. A folder is renamed with what is in it, and a
  // file of it that is open can be read and written as before. Not so on an
  // rclone mount.
  Status moves_folders;
  // FileSystem::TryRename of the folder that was asked for.
  Status renames_that;
  // A lock keeps a second one out.
  Status locks;
  // Creations, renames and removals in a folder can be made durable.
  Status syncs_folders;

  bool exchange = false;       // FileSystem::Exchange
  bool no_replace = false;     // FileSystem::RenameNoReplace
  bool links = false;          // FileSystem::Link
  bool stable_inodes = false;  // at a rename, of files and folders
  bool modes = false;          // those that are set are kept
};

// Tries it on files in a hidden folder of its own, which it removes:
//
//   1. removes what a crash left of earlier ones
//   2. makes two folders with a file each; a second lock of one is refused
//   3. exchanges the folders, renames one, looks for what was in it
//   4. renames a file over another one, to a new name, gives it a second name
//   5. tries whether the folder `renamed` could be; sets a mode; syncs
//
// What is needed everywhere (files are written and read, and one is renamed
// over another) must work: else the failure, as it came. Costs a few dozen
// calls, one of them a sync of an empty folder. REQUIRES: `folder` is one.
// Thread safety: several threads and processes may do it in one folder.
Result<FolderAbilities> ProbeFolder(FileSystem* fs, const std::string& folder,
                                    const std::string& renamed = "");

// What a folder is needed for, besides files that can be written and synced.
struct FolderNeeds {
  bool moves_folders = false;
  bool locks = false;
  // A folder in it that is to be renamed, whole; it is left as it is. Empty, or
  // nothing is there: none.
  std::string renamed = {};
  // For those who only look: the folder's own time is put back.
  bool keeps_time = false;
};

// Ok if `folder`, or the place where it is still to be made, can do that: tried
// twice, so that a failure that passes is none. Else kUnsupported with what is
// missing, how the trial ended, and the nearest folder that may do; or the
// failure of files as it came. Whether there is space is not its question: a
// full disk is ok. `setting` names the folder to people, e.g. "STORAGE_DIR".
Status RequireFolder(FileSystem* fs, std::string_view setting,
                     const std::string& folder, const FolderNeeds& needs);

// ".levelkeep-<id>.probe". No program takes it for a backup or a drop.
bool IsProbeName(std::string_view name);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_FOLDER_PROBE_H_
