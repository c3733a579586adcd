// Giving a finished file its name without taking anybody's.

#ifndef LEVELKEEP_BASE_NEW_NAME_H_
#define LEVELKEEP_BASE_NEW_NAME_H_

#include <string>

#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Renames `source` to `target`, which must be free: kAlreadyExists if it is
// not. Of several callers with one target exactly one wins.
//
//   1. a rename that does not replace
//   2. where there is none (NFS, NTFS): a second name by link(2), then the
//      first one is removed
//   3. where there are no links either (exFAT, rclone, s3fs): the name is
//      claimed by an empty file that only one can create, and the source is
//      renamed over it
//
// A crash leaves `source`, `target`, both of them (2), or an empty `target`
// beside `source` (3): a claim, of which the same power loss leaves the source,
// too. The new name is durable when the caller has synced its folder.
// REQUIRES: `source` is a regular file and not empty. Nobody removes a claim
// while another one may be on its way to rename over it.
Status MoveToNewName(FileSystem* fs, const std::string& source,
                     const std::string& target);

// Whether it can be what a crash left of the third way: a regular, empty file.
bool IsClaim(const FileInfo& info);

// Removes a claim that nobody uses any more; anything else stays. Ok if
// nothing is there.
Status RemoveClaim(FileSystem* fs, const std::string& path);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_NEW_NAME_H_
