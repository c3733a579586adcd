// The database that the engine works on: everything that differs between a live
// application and a program that works from outside. And the engine's
// environment besides its options: the disk, the time, LevelDB's access to the
// disk, and the check of databases from untrusted sources. Tests replace the
// disk under all of these at once.

#ifndef LEVELKEEP_ENGINE_DATABASE_H_
#define LEVELKEEP_ENGINE_DATABASE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/file_system.h"
#include "leveldb/env.h"
#include "levelkeep/options.h"
#include "levelkeep/status.h"
#include "restore/restorer.h"
#include "snapshot/snapshot.h"
#include "snapshot/snapshot_env.h"

namespace levelkeep {

// The name of the engine and the manager in the log.
inline constexpr char kEngineLogTag[] = "BackupManager";

// A value type. The objects that it points to are not owned and must outlive
// its users. `fs` and `env` lead to the same files.
struct Platform {
  FileSystem* fs = FileSystem::Posix();
  Clock* clock = Clock::System();
  leveldb::Env* env = leveldb::Env::Default();
  // See RestorerOptions; empty: the program levelkeep-check.
  StoreChecker store_checker = nullptr;
  StoreChecker archive_checker = nullptr;
  // False: the abilities of the folders' file systems are known and not tried
  // (base/folder_probe.h). For tests with a simulated disk.
  bool tries_folders = true;
  // False: jobs of other processes begin at a start only. For tests that decide
  // about each operation on the disk.
  bool watches_jobs = true;
  // False: this process does not work with STORAGE_DIR.
  bool has_storage = true;
  // See RestorerOptions::drop_progress.
  std::function<void(const std::string& name, double fraction)> drop_progress =
      nullptr;
};

// A database that no process, or another process, has open. BackupManager
// derives the class for a database that its own application has open.
// Thread safety: TakeSnapshot by one thread at a time, LastSequence by any
// thread; the other methods by the thread that restores.
class Database {
 public:
  // The objects that `platform` points to must outlive this object.
  Database(const BackupOptions& options, const Platform& platform);
  virtual ~Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Takes an offline snapshot, or an external one if another process has the
  // database open.
  virtual Result<std::unique_ptr<Snapshot>> TakeSnapshot(std::stop_token stop);
  // The number of the last write; 0 if there is none or it can't be read.
  // Writes nothing, even if another process has the database open.
  virtual uint64_t LastSequence() const;
  // True if this process has the database open. Then a restore calls Close
  // before it exchanges the folder, and Reopen after that.
  virtual bool IsOpen() const { return false; }
  virtual Status Close() { return Status::Ok(); }
  virtual Status Reopen() { return Status::Ok(); }

  // A sentence about the last snapshot that was taken from outside: "database
  // is closed: offline snapshot", "database is open in another process (pid
  // 412, geth): external snapshot".
  const std::string& way() const { return way_; }
  // LevelDB itself skips a log that the disk can't read, and then removes the
  // log. Through this Env, LevelDB refuses to open such a database.
  SnapshotEnv* env() { return &env_; }
  const SnapshotEnv* env() const { return &env_; }

 protected:
  // A path beside the database, so that its tables can be linked there. The
  // folder is not created.
  std::string NewScratchPath() const;

 private:
  const BackupOptions options_;
  FileSystem* const fs_;
  SnapshotEnv env_;
  std::string way_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ENGINE_DATABASE_H_
