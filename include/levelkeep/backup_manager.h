// BackupManager: the object that an application holds. README.md has a whole
// program; docs/embedding.md says more about starts, hooks, memory and jobs.

#ifndef LEVELKEEP_BACKUP_MANAGER_H_
#define LEVELKEEP_BACKUP_MANAGER_H_

#include <memory>

#include "levelkeep/options.h"
#include "levelkeep/reports.h"

namespace leveldb {
class DB;
class Env;
}  // namespace leveldb

namespace levelkeep {

class Attachment;
// How a host lets a restore happen without a restart. The thread that restores
// calls the hooks; an exception is a failure. `close` destroys the Attachment
// and closes the DB, or fails and leaves it open; `reopen` undoes all of that.
struct RestoreHooks {
  std::function<Status()> close, reopen;
};

// The bytes of one backup. If the destination can do that, they stay readable
// when the backup is removed. Thread safety: any thread may call all methods.
class BackupReader {
 public:
  virtual ~BackupReader() = default;
  virtual const BackupInfo& backup() const = 0;
  virtual uint64_t size_bytes() const = 0;
  // Changes with the bytes: the SHA-256 in hex, or the size and time.
  virtual const std::string& version() const = 0;
  // Reads `n` bytes from `offset` into `to`; fewer at the end. Returns how
  // many.
  virtual Result<size_t> ReadAt(uint64_t offset, char* to, size_t n) const = 0;
};

// Manages one database. Destroy the Attachment, then the DB, then the manager.
// Thread safety: any thread may call all methods but Initialize, the setters
// and the destructor. One create, rotation or deletion runs at a time, and one
// verification or drill beside it; a restore or an undo runs alone, and
// interrupts these. Else such calls fail with kBusy. Listings and Health never
// do. `name` is a backup's whole name, or "latest": kInvalidArgument for a part
// of a name, kNotFound. A backup of another database is refused with
// kOtherDatabase, unless `other_database` is set.
class BackupManager {
 public:
  explicit BackupManager(BackupOptions options);  // makes the paths absolute
  // Cancels a running backup, which leaves no file, and ends calls that wait.
  ~BackupManager();
  BackupManager(const BackupManager&) = delete;
  const BackupOptions& options() const;

  // Call it once, before the DB is open: it also applies drops. kBusy: another
  // instance or process uses the folders or the database; kRefused: there is no
  // database, but one is remembered or dropped; kCancelled: `stop`, in a
  // restore; kInvalidArgument (options), kPermissionDenied, kNoSpace, kIoError.
  Result<StartReport> Initialize(std::stop_token stop = {});
  // The warnings or the error of Initialize, found without changing anything.
  Result<std::vector<std::string>> CheckStart();
  // For leveldb::Options::env: backups delay no writer, and LevelDB passes over
  // no damage. Lives as long as this object and its Attachment. If a call of
  // the DB throws std::bad_alloc, end the process; nothing is lost.
  leveldb::Env* env();
  // Starts the schedule for the open DB of options().storage_path(). Snapshots
  // without env() are logical. kInvalidArgument: the DB is of another folder.
  // REQUIRES: Initialize() succeeded; no other Attachment is alive.
  Result<std::unique_ptr<Attachment>> Attach(leveldb::DB* db);
  // Call both before Attach. Backups and Health call `counter`, which must be
  // quick, by several threads; if it throws, there is no event count.
  void SetRestoreHooks(RestoreHooks hooks);
  void SetEventCounter(std::function<EventCount()> counter);

  // A full, read-back-checked backup with every write acknowledged before the
  // call. Errors leave no file: kBusy, kNoSpace, kCancelled, kInvalidArgument
  // (label), kRefused (the attached DB was closed), kIoError.
  Result<BackupInfo> CreateBackup(const CreateRequest& request);
  Result<std::vector<BackupInfo>> ListBackups();  // newest first
  // Calls `visit` for each, newest first, until it returns false or throws
  // (then kInternal, or kNoSpace for std::bad_alloc); the reference is valid
  // during the call only. Begins behind `after`, or where that backup was.
  // Returns how many backups there are in all.
  Result<uint64_t> VisitBackups(
      const std::function<bool(const BackupInfo&)>& visit,
      const std::string& after = "");
  Result<BackupInfo> FindBackup(const std::string& name);
  // Also kRefused, for a folder or a link.
  Result<std::unique_ptr<BackupReader>> OpenBackup(const std::string& name);
  // kCorruption: the backup is damaged. Any other error says nothing about the
  // backup; unless it is kBusy or kCancelled, the check is repeated later.
  Result<VerifyReport> VerifyBackup(const std::string& name, VerifyDepth depth,
                                    std::stop_token stop = {});
  // Restores the backup into a scratch folder, where RestoreBackup would write,
  // compares it with its manifest, and removes it. Errors as of VerifyBackup;
  // kNoSpace: a restore would not find the space either.
  Result<DrillReport> Drill(const std::string& name, std::stop_token stop = {},
                            const Progress& progress = {});
  // What RestoreBackup would do, or its error. Reads all, writes nothing.
  Result<RestorePreview> PreviewRestore(const RestoreRequest& request);
  Result<RestoreReport> RestoreBackup(const RestoreRequest& request);
  // Puts back what the last restore replaced (with `all`, the first of
  // several); a second undo takes that back. kNotFound: it is not kept any more
  // (see undo_hours); kUnsupported: a DB is attached, but there are no hooks.
  Result<RestoreReport> UndoRestore(bool all = false);
  Result<KeptDatabase> PreviewUndo(bool all = false);  // writes nothing
  Result<std::vector<RotationDecision>> Rotate(bool dry_run);
  Result<RotationPlan> PlanRotation();  // the dry run, with a forecast
  // kRefused for a pinned backup and, without `force`, the newest verified one.
  Status DeleteBackup(const std::string& name, bool force,
                      bool other_database = false);
  Status PinBackup(const std::string& name, bool pinned);
  HealthReport Health();

  // Runs a job in the background when none is in its way; returns its id. If
  // the process ends before that, the next one runs it, but not a restore, an
  // undo or a deletion. Errors: those of its verb that can be told at once. A
  // repeat with the same `key` within 24 h, also after a crash, returns the id
  // of the first job; kInvalidArgument if the requests differ.
  Result<std::string> SubmitJob(const JobRequest& request,
                                const std::string& key = "");
  Result<Job> FindJob(const std::string& id);  // kNotFound after 90 days
  Result<std::vector<Job>> ListJobs(
      const JobFilter& filter = {});  // newest first
  Result<std::vector<JobTotal>> JobTotals();
  // Returns the ended job. kCancelled: `stop`; kBusy: another process runs it.
  Result<Job> WaitForJob(const std::string& id, std::stop_token stop = {});
  // Ends a waiting job now, a running one soon. kBusy: too late for that.
  Status CancelJob(const std::string& id);
  void AddJobListener(JobListener listener);  // as long as this object lives
  // Begins no more jobs and asks running ones to stop; does not wait for them.
  void StopJobs();

 private:
  friend class Attachment;
  friend struct BackupManagerAccess;  // src/manager/backup_manager_access.h
  class Impl;
  explicit BackupManager(std::shared_ptr<Impl> impl);
  const std::shared_ptr<Impl> impl_;
};

// The schedule runs while it lives. Destroying it, once, by any thread, cancels
// a running backup and waits until no job uses the DB.
class Attachment {
 public:
  ~Attachment();
  Attachment(const Attachment&) = delete;

 private:
  friend class BackupManager;
  explicit Attachment(std::shared_ptr<BackupManager::Impl> impl);
  const std::shared_ptr<BackupManager::Impl> impl_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_BACKUP_MANAGER_H_
