// LevelDB's LOCK file: probed and held, but never unlinked.
//
// LevelDB's lock is a POSIX record lock on LOCK; goleveldb (geth, Syncthing,
// Fabric) and rusty-leveldb take flock(2), and neither kind excludes the other
// one. Both are looked for and both are held (FileSystem::Lock). They die with
// their process, so a left-over file blocks nothing. Opening and closing LOCK
// in the process that holds it would drop a classic lock silently; so this
// registry, by (device, inode), answers for this process before any open, and
// we lock by open file description, which another close can't drop. This is
// the only place in LevelKeep that opens LOCK. A LevelDB that this process
// opened with a stock Env is found by the locks of our descriptors
// (base/file_system.h).

#ifndef LEVELKEEP_DBFILES_DB_LOCK_H_
#define LEVELKEEP_DBFILES_DB_LOCK_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <tuple>

#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Holds the LOCK of one database directory until destroyed.
// Thread safety: Acquire and Probe from any thread.
class DbLock {
 public:
  enum class State { kFree, kHeldByThisProcess, kHeldByOther };

  // kBusy if anyone holds either kind of lock: "database DIR is open in another
  // process (pid 412, geth)" or "… in this process"; the hint says what to do.
  // If LOCK belongs to this user and its mode lacks read or write for the
  // owner, the mode becomes 0600. kPermissionDenied if LOCK still can't be
  // opened.
  static Result<std::unique_ptr<DbLock>> Acquire(FileSystem* fs,
                                                 const std::string& db_dir);
  // Like Acquire and release at once, but never creates LOCK: a directory
  // without LOCK is free. `holder`, unless null, gets the text that names the
  // holder ("another process (pid 412, geth)", "a process in another container
  // …", "this process"), or "" if nobody holds the lock.
  static Result<State> Probe(FileSystem* fs, const std::string& db_dir,
                             std::string* holder);

  // The error that Acquire would return, except kBusy. Opens nothing.
  static Status Judge(FileSystem* fs, const std::string& db_dir);

  ~DbLock();
  DbLock(const DbLock&) = delete;
  DbLock& operator=(const DbLock&) = delete;

 private:
  DbLock() = default;

  std::tuple<pid_t, uint64_t, uint64_t> id_;  // process, device, inode
  std::unique_ptr<FileLock> lock_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_DBFILES_DB_LOCK_H_
