// The folders that a restore needs, and whether the live database can be
// exchanged there at all.

#ifndef LEVELKEEP_RESTORE_LAYOUT_H_
#define LEVELKEEP_RESTORE_LAYOUT_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/walk.h"
#include "levelkeep/status.h"
#include "restore/context.h"

namespace levelkeep {

// storage/, storage/.levelkeep/DB_NAME (0700), restore/ with applied/ and
// rejected/, or what making them would be refused with. A read-only restore/ is
// fine. kRefused: STORAGE_DIR is itself a database. kUnsupported: one of them
// is on a file system that can't do what is needed there (base/folder_probe.h);
// then nothing was moved.
//
// 0.1.0 had one work folder, storage/.levelkeep, for whatever database it was
// started with. What it left there is moved into this database's; where
// another database under STORAGE_DIR may be meant, it is left alone, and named
// in the log. kBusy while such a version is running.
Status CreateLayout(const RestoreContext& context, const Walk& walk);

// kRefused: the database is a symbolic link or no directory; kUnsupported:
// it is a mount point or lies on another file system than storage_dir.
Status CheckExchangeable(const RestoreContext& context);

// The same, and whether the work folder and STORAGE_DIR's file system can do
// what a restore needs. Leaves nothing.
Status CheckStorage(const RestoreContext& context);

// Where something is mounted, a file system or a folder: it can't be renamed.
// False where nobody can tell. REQUIRES: `path` is a folder.
bool IsMountPoint(FileSystem* fs, const std::string& path);

// The mount points of /proc/self/mountinfo. For tests.
std::vector<std::string> ParseMountPoints(std::string_view mountinfo);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_LAYOUT_H_
