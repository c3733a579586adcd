// SnapshotEnv: the leveldb::Env that makes hot snapshots possible.
//
// The only thing that an application changes:
//
//   levelkeep::SnapshotEnv env;          // outlives every DB opened with it
//   leveldb::Options options;
//   options.env = &env;
//   leveldb::DB::Open(options, dir, &db);
//
// It forwards every call to the base Env and remembers, per database, where
// the last complete record of each write-ahead log ends and which tables are
// live. A snapshot reads those marks (about a microsecond; no writer waits)
// and pins the files: a pinned file that LevelDB removes is renamed to
// "<name>.pin<N>" and goes away when the last snapshot lets go of it.
//
// It also closes holes of LevelDB 1.23:
// - a failed write to a log is final (LevelDB would go on into a misaligned
//   log);
// - a log with a torn tail is not appended to (google/leveldb#1287);
// - a second open of the same directory is refused before it can drop the
//   first one's lock;
// - a log that can't be read makes the open fail (LevelDB would go on without
//   what it holds, and remove it), as does a folder that can't be listed
//   (LevelDB's own Env takes a failing disk for the end of the list);
// - a CURRENT that can't be looked at is not taken for a missing one (with
//   create_if_missing LevelDB would replace the database by an empty one);
// - a database that lacks files which it names (CURRENT, the MANIFEST, tables,
//   logs), or that is mixed with another state of its folder, is not opened:
//   LevelDB would go on without them, and remove what it does not know. The
//   status names the files and the ways out;
// - the names of a new database, of new logs and of new tables are made
//   durable before anything relies on them.
//
// Without memory its methods throw std::bad_alloc through LevelDB, as LevelDB's
// own allocations do. LevelDB is not made for it and may stay locked: end the
// process where a call of a DB throws. As after a crash, nothing is lost.

#ifndef LEVELKEEP_SNAPSHOT_SNAPSHOT_ENV_H_
#define LEVELKEEP_SNAPSHOT_SNAPSHOT_ENV_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "leveldb/env.h"
#include "levelkeep/status.h"

namespace levelkeep {

class FileSystem;  // a test's own disk; see src/base/file_system.h
class Snapshot;

// Cheap figures about one database, for health and metrics.
struct SnapshotEnvStats {
  bool attached = false;       // a DB is open (or opening) through this Env
  bool poisoned = false;       // a log or MANIFEST write failed: reopen
  std::string poison_reason;   // what failed, when `poisoned`
  uint64_t last_sequence = 0;  // of the last acknowledged write
  uint64_t tables = 0;         // live now
  uint64_t snapshots = 0;      // open now
  uint64_t pinned_files = 0;   // removed by LevelDB, kept by a snapshot
};

// Thread safety: all methods may be called concurrently, by LevelDB and by
// others.
class SnapshotEnv : public leveldb::EnvWrapper {
 public:
  // REQUIRES: `base` uses the local file system (Env::Default()) and
  // outlives this object.
  explicit SnapshotEnv(leveldb::Env* base = leveldb::Env::Default());
  // For tests: `base` and `fs` are two doors to one disk; neither is owned.
  SnapshotEnv(leveldb::Env* base, FileSystem* fs);
  ~SnapshotEnv() override;
  SnapshotEnv(const SnapshotEnv&) = delete;
  SnapshotEnv& operator=(const SnapshotEnv&) = delete;

  SnapshotEnvStats GetStats(const std::string& db_dir) const;
  // The snapshot holds every write that was acknowledged before the call, and
  // only whole batches. kIoError if a log write failed before ("reopen the
  // database"), kNotFound if the database is not attached.
  Result<std::unique_ptr<Snapshot>> Take(const std::string& db_dir);

  // leveldb::Env
  bool FileExists(const std::string& name) override;
  leveldb::Status GetChildren(const std::string& dir,
                              std::vector<std::string>* names) override;
  leveldb::Status NewSequentialFile(const std::string& name,
                                    leveldb::SequentialFile** file) override;
  leveldb::Status NewWritableFile(const std::string& name,
                                  leveldb::WritableFile** file) override;
  leveldb::Status NewAppendableFile(const std::string& name,
                                    leveldb::WritableFile** file) override;
  leveldb::Status RemoveFile(const std::string& name) override;
  leveldb::Status RenameFile(const std::string& from,
                             const std::string& to) override;
  leveldb::Status CreateDir(const std::string& dir) override;
  leveldb::Status NewLogger(const std::string& name,
                            leveldb::Logger** logger) override;
  leveldb::Status LockFile(const std::string& name,
                           leveldb::FileLock** lock) override;
  leveldb::Status UnlockFile(leveldb::FileLock* lock) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_SNAPSHOT_SNAPSHOT_ENV_H_
