// The state that SnapshotEnv keeps for one database directory: the mark of each
// write-ahead log, the live Version, and the pins of the open snapshots.
//
// Why a cut is consistent: the base Env makes a change, then the change is
// recorded here, then LevelDB goes on. A cut reads the marks of the logs and
// the Version in one critical section. The recorded state is therefore a state
// that a crash of the process could have left, and LevelDB recovers from it.
//
// Files that LevelDB removes while a snapshot needs them are "<name>.pin<N>"
// from then on. LevelDB ignores such names, so neither its garbage collection
// nor RepairDB sees them. They go away with the last snapshot that holds them;
// those that a dead process left go away when the database is opened again.

#ifndef LEVELKEEP_SNAPSHOT_HOT_DATABASE_H_
#define LEVELKEEP_SNAPSHOT_HOT_DATABASE_H_

#include <atomic>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/mutex.h"
#include "dbfiles/database_files.h"
#include "dbfiles/log_format.h"
#include "dbfiles/version.h"
#include "levelkeep/status.h"
#include "snapshot/snapshot.h"
#include "snapshot/snapshot_env.h"

namespace levelkeep {

// A sequence lock around two numbers that belong together. While `turn_` is
// odd, a Publish is running.
// Thread safety: Publish from one thread at a time, Read from any.
class LogMark {
 public:
  struct Value {
    uint64_t boundary = 0;       // offset after the last complete record
    uint64_t last_sequence = 0;  // of that record; 0 if no record is complete
  };

  void Publish(Value value) {
    const uint64_t turn = turn_.load(std::memory_order_relaxed);
    turn_.store(turn + 1, std::memory_order_relaxed);
    // Release: a reader that sees a new number also sees the odd turn.
    boundary_.store(value.boundary, std::memory_order_release);
    last_sequence_.store(value.last_sequence, std::memory_order_release);
    turn_.store(turn + 2, std::memory_order_release);
  }

  Value Read() const {
    while (true) {
      const uint64_t before = turn_.load(std::memory_order_acquire);
      Value value;
      value.boundary = boundary_.load(std::memory_order_acquire);
      value.last_sequence = last_sequence_.load(std::memory_order_acquire);
      const uint64_t after = turn_.load(std::memory_order_relaxed);
      if (before == after && before % 2 == 0) return value;
    }
  }

 private:
  std::atomic<uint64_t> turn_{0};
  std::atomic<uint64_t> boundary_{0};
  std::atomic<uint64_t> last_sequence_{0};
};

// A log or MANIFEST.
struct RecordedFile {
  std::string problem;  // why a write failed; guarded by the HotDatabase
};

// One write-ahead log. All members but `mark` and `problem` are constant.
struct HotLog : RecordedFile {
  uint64_t number = 0;
  // The log existed at attach, with `existing_size` bytes not yet looked at.
  // Its records are searched only when a snapshot needs them, so that opening
  // a database costs nothing.
  bool existing = false;
  uint64_t existing_size = 0;
  LogMark mark;
};

// One MANIFEST. Guarded by the HotDatabase.
struct HotManifest : RecordedFile {
  std::string name;
  // Shared with pins. Changed in place while no pin shares it, else copied.
  std::shared_ptr<Version> version = std::make_shared<Version>();
};

// The files of one open snapshot. Guarded by the HotDatabase, except `version`,
// which the snapshot may read until it is released. No other code may copy that
// pointer: ApplyEdits counts its owners.
struct HotPin {
  std::shared_ptr<const Version> version;
  std::set<uint64_t> logs;
  // New paths of the files that LevelDB removed meanwhile, by name: each file
  // is removed with the last pointer to its path. A file that gets such a name
  // later is a different file and not part of the pin.
  std::map<std::string, std::shared_ptr<const std::string>> aside;
};

struct LogCut {
  std::shared_ptr<const HotLog> log;
  LogMark::Value mark;
};

struct HotCut {
  std::shared_ptr<HotPin> pin;  // its version names the tables
  std::string manifest_name;
  std::vector<LogCut> logs;  // the logs that the version needs, by number
};

// Thread safety: all methods may be called concurrently.
class HotDatabase {
 public:
  explicit HotDatabase(FileSystem* fs) : fs_(fs) {}
  HotDatabase(const HotDatabase&) = delete;
  HotDatabase& operator=(const HotDatabase&) = delete;

  // Attached from LockFile to UnlockFile. Attach reads CURRENT, the MANIFEST
  // and the names of the logs in `dir`. If the database can't be read, Attach
  // succeeds (LevelDB reports the error) and Cut fails.
  // REQUIRES: the caller holds the directory's LOCK.
  void Attach(const std::string& dir);
  void Detach();
  bool attached() const;

  // --- LevelDB's operations; `name` is a file's name in the directory ---

  // Called before a file of that name is created or replaced, or (`keep_name`)
  // is renamed to another name: pins that hold the present file keep it by
  // another name.
  Status BeforeReplace(const std::string& path, const std::string& name,
                       bool keep_name = false);
  // True: a pin holds the file, so it was moved aside. False: remove the file.
  Result<bool> BeforeRemove(const std::string& path, const std::string& name);
  // Adds a log or MANIFEST that LevelDB now writes; its marks are fresh.
  void AddLog(std::shared_ptr<HotLog> log);
  void AddManifest(std::shared_ptr<HotManifest> manifest);
  // Applies complete records of `manifest` that the base Env has flushed.
  Status ApplyEdits(HotManifest* manifest,
                    const std::vector<VersionEdit>& edits);
  void SetProblem(RecordedFile* file, const std::string& problem);
  // A log could not be read while LevelDB replayed it. CheckReadable then fails
  // until the next Attach, so that no file is created without the log's writes.
  void SetUnreadable(const std::string& path, const std::string& reason);
  Status CheckReadable() const;
  // Call after CURRENT was renamed into place.
  void CurrentChanged();

  // --- snapshots ---

  Result<HotCut> Cut();
  void Release(const std::shared_ptr<HotPin>& pin);
  // Opens the pinned file of that name, wherever the file is now.
  Result<std::unique_ptr<File>> OpenPinned(const HotPin& pin,
                                           const std::string& name) const;
  Result<FileInfo> StatPinned(const HotPin& pin, const std::string& name) const;
  std::string PathOf(const HotPin& pin, const std::string& name) const;
  SnapshotEnvStats GetStats() const;

 private:
  using LoadedManifest = Result<std::shared_ptr<HotManifest>>;
  // The MANIFEST that CURRENT names, or the reason why it can't be read.
  LoadedManifest Load(const std::string& dir) const;
  void SetCurrent(LoadedManifest loaded) REQUIRES_LOCK(mutex_);
  std::map<uint64_t, std::shared_ptr<HotLog>> FindLogs(
      const std::string& dir) const;
  // Whether a pin holds the file, which then got another name.
  Result<bool> KeepAside(const std::string& path, const std::string& name,
                         bool keep_name) REQUIRES_LOCK(mutex_);
  // The directory lost the file `name`: forgets the state that depends on it.
  void Forget(const std::string& name) REQUIRES_LOCK(mutex_);
  // Calls `use` with the path of the pinned file.
  template <typename Use>
  auto UsePinned(const HotPin& pin, const std::string& name,
                 const Use& use) const;
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
  // The MANIFEST that CURRENT names; null if unusable (see current_status_).
  std::shared_ptr<HotManifest> current_ GUARDED_BY(mutex_);
  Status current_status_ GUARDED_BY(mutex_);
  Status readable_ GUARDED_BY(mutex_);
  std::list<std::shared_ptr<HotPin>> pins_ GUARDED_BY(mutex_);
};

// Follows LevelDB's writes to a log or MANIFEST, a new one or a continued one,
// and reports them to the HotDatabase after the base Env has flushed them.
// Thread safety: only the thread that writes the file may call a Recorder.
class Recorder {
 public:
  // The file has `size_bytes` already, which end with a complete record.
  Recorder(std::shared_ptr<HotDatabase> database,
           std::shared_ptr<RecordedFile> file, uint64_t size_bytes)
      : database_(std::move(database)),
        file_(std::move(file)),
        tracker_(size_bytes) {}
  virtual ~Recorder() = default;
  void Written(std::string_view bytes) { tracker_.Feed(bytes); }
  // All bytes written so far have left the base Env's buffer.
  virtual void Flushed() = 0;
  void Failed(const std::string& reason) {
    database_->SetProblem(file_.get(), reason);
  }

 protected:
  const std::shared_ptr<HotDatabase> database_;
  const std::shared_ptr<RecordedFile> file_;
  LogTracker tracker_;
};

// Records a write-ahead log: publishes its mark without a lock.
class LogRecorder : public Recorder {
 public:
  LogRecorder(std::shared_ptr<HotDatabase> database,
              const std::shared_ptr<HotLog>& log, uint64_t size_bytes)
      : Recorder(std::move(database), log, size_bytes),
        mark_(log->mark),
        published_(size_bytes) {}
  void Flushed() override;

 private:
  LogMark& mark_;
  uint64_t published_;
};

// Records a MANIFEST: applies its edits to the Version.
class ManifestRecorder : public Recorder {
 public:
  ManifestRecorder(std::shared_ptr<HotDatabase> database,
                   const std::shared_ptr<HotManifest>& manifest,
                   uint64_t size_bytes);
  void Flushed() override;

 private:
  void AddRecord(std::string_view record);

  HotManifest& manifest_;
  std::vector<VersionEdit> edits_;  // complete, not yet flushed
};

// A log or MANIFEST that LevelDB writes: exactly one of the pointers is set.
struct WrittenFile {
  uint64_t size_bytes = 0;
  std::shared_ptr<HotLog> log;
  std::shared_ptr<HotManifest> manifest;
};

// kUnsupported if the file ends with a torn record: LevelDB would append behind
// that record and never read what follows (google/leveldb#1287). On this error
// LevelDB starts a new file. kNotFound if the file does not exist.
Result<WrittenFile> InspectForAppend(FileSystem* fs, const std::string& name);

// Same errors as SnapshotEnv::Take. The snapshot shares `database`.
Result<std::unique_ptr<Snapshot>> TakeHotSnapshot(
    const std::shared_ptr<HotDatabase>& database);

}  // namespace levelkeep

#endif  // LEVELKEEP_SNAPSHOT_HOT_DATABASE_H_
