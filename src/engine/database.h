// The database at hand: all in which a live application and a program that
// works from outside differ.

#ifndef LEVELKEEP_ENGINE_DATABASE_H_
#define LEVELKEEP_ENGINE_DATABASE_H_

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "engine/platform.h"
#include "levelkeep/options.h"
#include "levelkeep/status.h"
#include "snapshot/snapshot.h"
#include "snapshot/snapshot_env.h"

namespace levelkeep {

// A database that nobody has open, or another process. BackupManager derives
// the one that its own application has open.
// Thread safety: TakeSnapshot by one thread at a time, LastSequence by any;
// the rest by the thread that restores.
class Database {
 public:
  // What `platform` points to outlives it.
  Database(const BackupOptions& options, const Platform& platform);
  virtual ~Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Offline, or external while another process has it open.
  virtual Result<std::unique_ptr<Snapshot>> TakeSnapshot(std::stop_token stop);
  // Of its last write; 0 if there is none, or it can't be told. Writes
  // nothing, also while another process has the database open.
  virtual uint64_t LastSequence() const;
  // Whether this process has it open; if so, Close comes before a restore
  // exchanges its folder, and Reopen after it.
  virtual bool IsOpen() const { return false; }
  virtual Status Close() { return Status::Ok(); }
  virtual Status Reopen() { return Status::Ok(); }

  // A sentence about the last snapshot that was taken from outside: "database
  // is closed: offline snapshot", "database is open in another process (pid
  // 412, geth): external snapshot".
  const std::string& way() const { return way_; }
  // LevelDB by itself passes over a log that the disk does not give, and then
  // removes it; through this Env it does not open.
  SnapshotEnv* env() { return &env_; }
  const SnapshotEnv* env() const { return &env_; }

 protected:
  // Beside the database, so that its tables can be linked. Not created.
  std::string NewScratchPath() const;

 private:
  const BackupOptions options_;
  FileSystem* const fs_;
  SnapshotEnv env_;
  std::string way_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ENGINE_DATABASE_H_
