// What all parts of the restorer share: the disk, the clock, the options and
// the names of the files in the work directory.

#ifndef LEVELKEEP_RESTORE_CONTEXT_H_
#define LEVELKEEP_RESTORE_CONTEXT_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "dbfiles/identity.h"
#include "leveldb/env.h"
#include "levelkeep/status.h"

namespace levelkeep {

struct StoreCheck {  // what levelkeep-check found
  uint64_t entries = 0;
  uint64_t last_sequence = 0;
  uint64_t tables = 0;
  uint64_t torn_tails = 0;  // logs that end inside a record: a crash's mark
  std::string comparator;   // the database's; empty: it was not said
  // False: the comparator was not at hand. Every key was read, in no order.
  bool order_checked = true;
};

// Opens and scans the database in the directory, or in the archive of ours,
// `database` without changing it; what it must write goes into the empty
// directory `scratch_dir`.
using StoreChecker = std::function<Result<StoreCheck>(
    const std::string& database, const std::string& scratch_dir,
    std::stop_token stop)>;

// Opens the database exclusively to see that it works, then closes it.
using OpenCheck = std::function<Status(const std::string& db_dir)>;

struct RestorerOptions {
  std::string storage_dir;  // holds the database and .levelkeep/
  std::string db_name;
  std::string restore_dir;  // the drop folder
  // The identity of a database that was here and is gone, if one is known.
  std::string remembered_id;
  std::string comparator_name = "leveldb.BytewiseComparator";
  std::string check_program;  // empty: FindCheckProgram's
  uint64_t reserve_bytes = 256u << 20;
  int threads = 0;
  // How long a dropped file's size and time must stand still.
  std::chrono::milliseconds settle_time{2000};
  // How long one start waits for files that keep growing.
  std::chrono::milliseconds settle_limit{60'000};
  // Opens what was restored, as the application would. Empty: a start scans
  // it read-only instead.
  OpenCheck open_check;
  // See Platform::tries_folders.
  bool tries_folders = true;
  // For LevelDB's repair of a database that lacks files. Not owned.
  leveldb::Env* env = leveldb::Env::Default();
  // Is told which database is about to take the place of the live one, before
  // anything is moved. May be empty.
  std::function<void(const DatabaseIdentity&)> announce;
  // A test's own checker of directories; empty: the program levelkeep-check.
  StoreChecker store_checker;
  // Likewise of archives; empty beside a store_checker: they are extracted
  // for it.
  StoreChecker archive_checker;
};

// Beside the database, so that it can be exchanged; of no other one under the
// same STORAGE_DIR.
std::string WorkDirOf(const std::string& storage_dir,
                      const std::string& db_name);

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
    return WorkDirOf(options.storage_dir, options.db_name);
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

// Of the files in a folder; one that can't be looked at counts for nothing.
Result<uint64_t> FolderBytes(FileSystem* fs, const std::string& path);

// A directory's inode; 0 if nothing is there. kRefused if it is no directory.
Result<uint64_t> DirectoryInode(FileSystem* fs, const std::string& path);

// Moves W/name to W/trash-<id>, durably, then removes it. A crash leaves
// trash, which the next start removes. Where it holds files that are neither
// LevelDB's nor ours, it becomes W/kept-<id> with only these: the log says so.
Status Discard(const RestoreContext& context, const std::string& name);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_CONTEXT_H_
