// What all parts of the restorer share: the disk, the clock, the options and
// the names of the files in the work directory.

#ifndef LEVELKEEP_RESTORE_CONTEXT_H_
#define LEVELKEEP_RESTORE_CONTEXT_H_

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/file_system.h"
#include "restore/restorer.h"

namespace levelkeep {

inline constexpr std::string_view kRestoreLogTag = "BackupManager";

// Constant after construction; fs and clock outlive it.
// Thread safety: const methods from several threads.
struct RestoreContext {
  FileSystem* fs = nullptr;
  Clock* clock = nullptr;
  RestorerOptions options;

  std::string db_dir() const {
    return JoinPath(options.storage_dir, options.db_name);
  }
  std::string work_dir() const {
    return JoinPath(options.storage_dir, ".levelkeep");
  }
  std::string InWork(std::string_view name) const {
    return JoinPath(work_dir(), name);
  }
  std::string InDrop(std::string_view name) const {
    return JoinPath(options.restore_dir, name);
  }
  std::string applied_dir() const { return InDrop("applied"); }
  std::string rejected_dir() const { return InDrop("rejected"); }
};

// The kinds of directories in the work directory: prefixes before an id.
inline constexpr std::string_view kStagingPrefix = "staging-";
inline constexpr std::string_view kScratchPrefix = "scratch-";
inline constexpr std::string_view kTrashPrefix = "trash-";
inline constexpr std::string_view kRollbackPrefix = "rollback-";
// Databases that nobody knows what to do with; only people remove them.
inline constexpr std::string_view kKeptPrefix = "kept-";

// A directory's inode; 0 if nothing is there. kRefused if it is no directory.
Result<uint64_t> DirectoryInode(FileSystem* fs, const std::string& path);

// Moves W/name to W/trash-<id>, durably, then removes it. A crash leaves
// trash, which the next start removes.
Status Discard(const RestoreContext& context, const std::string& name);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_CONTEXT_H_
