// What SnapshotEnv knows about one database directory: the mark of each
// write-ahead log, the live Version, and the open snapshots' pins.
//
// Why a cut is consistent: every change is recorded here after the base Env
// did it and before LevelDB goes on; a cut reads the logs' marks and the
// Version in one critical section. What is recorded is thus a state that a
// crash of the process could have left, which LevelDB recovers from.

#ifndef LEVELKEEP_SNAPSHOT_HOT_DATABASE_H_
#define LEVELKEEP_SNAPSHOT_HOT_DATABASE_H_

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/mutex.h"
#include "dbfiles/file_name.h"
#include "dbfiles/version.h"
#include "levelkeep/status.h"
#include "snapshot/aside_file.h"
#include "snapshot/log_mark.h"
#include "snapshot/snapshot_env.h"

namespace levelkeep {

// One write-ahead log. All but `mark` and `problem` is constant.
struct HotLog {
  uint64_t number = 0;
  // Was there at attach: `existing_size` bytes that nobody has looked at.
  // Its records are looked for only when a snapshot needs them, so that
  // opening a database costs nothing.
  bool existing = false;
  uint64_t existing_size = 0;
  LogMark mark;
  std::string problem;  // why a write failed; guarded by the HotDatabase
};

// One MANIFEST. Guarded by the HotDatabase.
struct HotManifest {
  std::string name;
  // Shared with pins. Changed in place while no pin shares it, else copied.
  std::shared_ptr<Version> version = std::make_shared<Version>();
  std::string problem;
};

// The files of one open snapshot. Guarded by the HotDatabase, but for
// `version`, which the snapshot may read until it is released. Nobody else
// may copy that pointer: ApplyEdits counts its owners.
struct HotPin {
  std::shared_ptr<const Version> version;
  std::set<uint64_t> logs;
  // Where files went that LevelDB removed meanwhile, by name. A file that
  // gets the name later is another one and none of this pin's business.
  std::map<std::string, std::shared_ptr<AsideFile>> aside;
};

struct LogCut {
  std::shared_ptr<const HotLog> log;
  LogMark::Value mark;
};

struct HotCut {
  std::shared_ptr<HotPin> pin;  // its version is what the tables are of
  std::string manifest_name;
  std::vector<LogCut> logs;  // those that the version needs, by number
};

// Thread safety: all methods may be called concurrently.
class HotDatabase {
 public:
  explicit HotDatabase(FileSystem* fs);
  HotDatabase(const HotDatabase&) = delete;
  HotDatabase& operator=(const HotDatabase&) = delete;

  // From LockFile to UnlockFile. Reads CURRENT, the MANIFEST and the names of
  // the logs in `dir`; a database that can't be read is LevelDB's to report
  // and makes Cut fail, not Attach.
  // REQUIRES: the caller holds the directory's LOCK.
  void Attach(const std::string& dir);
  void Detach();
  bool attached() const;

  // --- what LevelDB does; `name` is a file's name in the directory ---

  // Before a file of that name is created or replaced, and before it is
  // renamed away: pins that hold the present one keep it by another name.
  Status BeforeReplace(const std::string& path, const std::string& name);
  Status BeforeRename(const std::string& path, const std::string& name);
  // True: a pin holds the file, it was moved aside; false: remove it.
  Result<bool> BeforeRemove(const std::string& path, const std::string& name);
  // A log or MANIFEST that is being written now, its marks fresh.
  void AddLog(std::shared_ptr<HotLog> log);
  void AddManifest(std::shared_ptr<HotManifest> manifest);
  // Complete records of `manifest` that the base Env has flushed.
  Status ApplyEdits(HotManifest* manifest,
                    const std::vector<VersionEdit>& edits);
  void SetProblem(HotLog* log, const std::string& problem);
  void SetProblem(HotManifest* manifest, const std::string& problem);
  // A log could not be read while LevelDB replayed it: until the next Attach
  // CheckReadable fails, so that no file is made on top of what is missing.
  void SetUnreadable(const std::string& path, const std::string& reason);
  Status CheckReadable() const;
  // CURRENT was renamed into place.
  void CurrentChanged();

  // --- snapshots ---

  Result<HotCut> Cut();
  void Release(const std::shared_ptr<HotPin>& pin);
  // Opens the pinned file of that name, wherever it is now.
  Result<std::unique_ptr<File>> OpenPinned(const HotPin& pin,
                                           const std::string& name) const;
  Result<FileInfo> StatPinned(const HotPin& pin, const std::string& name) const;
  std::string PathOf(const HotPin& pin, const std::string& name) const;
  SnapshotEnvStats GetStats() const;

  FileSystem* fs() const { return fs_; }

 private:
  // CURRENT and what it names, or why not.
  struct Loaded {
    Status status;
    std::shared_ptr<HotManifest> manifest;
  };
  Loaded Load(const std::string& dir) const;
  std::map<uint64_t, std::shared_ptr<HotLog>> FindLogs(
      const std::string& dir) const;
  Status KeepAside(const std::string& path, const std::string& name,
                   bool keep_name, bool* held) REQUIRES_LOCK(mutex_);
  // The directory lost a file: forget what stood on it.
  void Forget(const std::string& name) REQUIRES_LOCK(mutex_);
  Status CheckUsable() const REQUIRES_LOCK(mutex_);
  std::string Problem() const REQUIRES_LOCK(mutex_);

  // Constant after construction.
  FileSystem* const fs_;

  mutable Mutex mutex_;
  bool attached_ GUARDED_BY(mutex_) = false;
  std::string dir_ GUARDED_BY(mutex_);
  std::map<uint64_t, std::shared_ptr<HotLog>> logs_ GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<HotManifest>> manifests_
      GUARDED_BY(mutex_);
  // What CURRENT names; null if there is no usable one: current_status_.
  std::shared_ptr<HotManifest> current_ GUARDED_BY(mutex_);
  Status current_status_ GUARDED_BY(mutex_);
  Status readable_ GUARDED_BY(mutex_);
  std::list<std::shared_ptr<HotPin>> pins_ GUARDED_BY(mutex_);
};

}  // namespace levelkeep

#endif  // LEVELKEEP_SNAPSHOT_HOT_DATABASE_H_
