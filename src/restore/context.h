// Shared by all parts of the restorer: the disk, the clock, the options, the
// names of the files in the work directory, and the folders around it: they are
// created, and the live database must be exchangeable there.

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
#include "base/walk.h"
#include "dbfiles/identity.h"
#include "leveldb/env.h"
#include "levelkeep/status.h"

namespace levelkeep {

struct StoreCheck {  // the findings of levelkeep-check
  uint64_t entries = 0;
  uint64_t last_sequence = 0;
  uint64_t tables = 0;
  uint64_t torn_tails = 0;  // logs that end inside a record, as after a crash
  std::string comparator;   // the database's; empty: not reported
  // False: the comparator was not available. All keys were read, in no order.
  bool order_checked = true;
};

// Opens and scans `database`, a directory or an archive of LevelKeep, without
// changing it. Files that opening writes go into the empty directory
// `scratch_dir`.
using StoreChecker = std::function<Result<StoreCheck>(
    const std::string& database, const std::string& scratch_dir,
    std::stop_token stop)>;

// Opens the database exclusively to prove that it works, then closes it.
using OpenCheck = std::function<Status(const std::string& db_dir)>;

// The comparator that LevelDB itself has.
inline constexpr char kBytewise[] = "leveldb.BytewiseComparator";

struct RestorerOptions {
  std::string storage_dir;  // holds the database and .levelkeep/
  std::string db_name;
  std::string restore_dir;  // the drop folder
  // The identity of a database that was live here and is gone, if known.
  std::string remembered_id;
  std::string comparator_name = kBytewise;
  std::string check_program;  // empty: the one FindCheckProgram finds
  uint64_t reserve_bytes = 256u << 20;
  // Replaces reserve_bytes: the value of a setting that may change meanwhile.
  // Empty: reserve_bytes counts.
  std::function<uint64_t()> reserve;
  int threads = 0;
  // Bytes of the database that levelkeep-check may read in a second; 0: no
  // limit.
  uint64_t check_rate = 0;
  // A dropped file is complete when its size and time did not change for so
  // long.
  std::chrono::milliseconds settle_time{2000};
  // How long one start waits for files that keep growing.
  std::chrono::milliseconds settle_limit{60'000};
  // Opens a restored database as the application would. If empty, a start scans
  // the database read-only instead.
  OpenCheck open_check;
  // See Platform::tries_folders.
  bool tries_folders = true;
  // Called while an archive from the drop folder is extracted: as
  // Work::progress, with the archive's name. May be empty.
  std::function<void(const std::string& name, double fraction)> drop_progress;
  // For LevelDB's repair of a database that lacks files. Not owned by this.
  leveldb::Env* env = leveldb::Env::Default();
  // Called when a staged backup is about to replace the live database, which
  // nobody has open. May be empty.
  std::function<void()> before_exchange;
  // Called before anything is moved, with the identity of the database that
  // will replace the live one. May be empty.
  std::function<void(const DatabaseIdentity&)> announce;
  // A test's own checker of directories; empty: the program levelkeep-check.
  StoreChecker store_checker;
  // A test's own checker of archives. If only store_checker is set, archives
  // are extracted for it.
  StoreChecker archive_checker;
};

// The work directory is beside the database, so that the two can be exchanged.
// Each database under one STORAGE_DIR has its own.
std::string WorkDirOf(const std::string& storage_dir,
                      const std::string& db_name);

inline constexpr std::string_view kRestoreLogTag = "BackupManager";
// Held by the process that manages the database; see api/control_socket.h for
// its content.
inline constexpr std::string_view kInstanceLock = "instance.lock";

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
inline constexpr char kStagingPrefix[] = "staging-";
inline constexpr char kScratchPrefix[] = "scratch-";
inline constexpr char kTrashPrefix[] = "trash-";
inline constexpr char kRollbackPrefix[] = "rollback-";
// Databases that LevelKeep does not understand; only people remove them.
inline constexpr char kKeptPrefix[] = "kept-";

// Total size of the files in a folder; a file that can't be read counts as 0.
Result<uint64_t> FolderBytes(FileSystem* fs, const std::string& path);

// A directory's inode; 0 if nothing is there. kRefused if not a directory.
Result<uint64_t> DirectoryInode(FileSystem* fs, const std::string& path);

// Moves W/name to W/trash-<id>, durably, then removes it. A crash leaves the
// trash, which the next start removes. If the directory holds files of other
// programs, it becomes W/kept-<id> with only these files, and the log says so.
Status Discard(const RestoreContext& context, const std::string& name);

// --- the folders that a restore needs

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

#endif  // LEVELKEEP_RESTORE_CONTEXT_H_
