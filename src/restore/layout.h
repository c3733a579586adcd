// Creates the folders that a restore needs, and checks that the live database
// can be exchanged there.

#ifndef LEVELKEEP_RESTORE_LAYOUT_H_
#define LEVELKEEP_RESTORE_LAYOUT_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/walk.h"
#include "levelkeep/status.h"
#include "restore/context.h"

namespace levelkeep {

// Creates storage/, storage/.levelkeep/DB_NAME (0700) and restore/ with
// applied/ and rejected/, or says why that would fail. A read-only restore/ is
// accepted. kRefused: STORAGE_DIR is itself a database. kUnsupported: a file
// system lacks an operation that a restore needs there (base/folder_probe.h);
// nothing was moved.
//
// 0.1.0 had one work folder, storage/.levelkeep, for any database it was
// started with. Its files are moved into this database's work folder. If they
// might belong to another database under STORAGE_DIR, they stay, and the log
// names them. kBusy while a process of 0.1.0 runs.
Status CreateLayout(const RestoreContext& context, const Walk& walk);

// kRefused: the database is a symbolic link or not a directory; kUnsupported:
// it is a mount point or on another file system than storage_dir.
Status CheckExchangeable(const RestoreContext& context);

// Like CheckExchangeable; also checks that the work folder and the file system
// of STORAGE_DIR can do what a restore needs. Leaves no files behind.
Status CheckStorage(const RestoreContext& context);

// Whether a file system or a folder is mounted at `path`, so that it can't be
// renamed. False if that is not known. REQUIRES: `path` is a folder.
bool IsMountPoint(FileSystem* fs, const std::string& path);

// The mount points of /proc/self/mountinfo. For tests.
std::vector<std::string> ParseMountPoints(std::string_view mountinfo);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_LAYOUT_H_
