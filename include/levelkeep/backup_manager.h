// BackupManager: the object that an application holds.
//
//   levelkeep::BackupManager manager(options);
//   auto report = manager.Initialize();       // before the DB is open
//   db_options.env = manager.env();
//   leveldb::DB::Open(db_options, options.storage_path(), &db);
//   auto attachment = manager.Attach(db);     // the schedule runs from here
//
// README.md has it whole. Destroy in the opposite order: attachment, DB,
// manager. One manager for each database; several in one process are fine, each
// with a restore_dir of its own.

#ifndef LEVELKEEP_BACKUP_MANAGER_H_
#define LEVELKEEP_BACKUP_MANAGER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "levelkeep/jobs.h"
#include "levelkeep/options.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"

namespace leveldb {
class DB;
class Env;
}  // namespace leveldb

namespace levelkeep {

class Attachment;

// How a host lets a restore happen without a restart. Called by the thread that
// restores; what they throw is a failure. `close` closes the DB and destroys
// the Attachment; if it fails, the DB stays open. `reopen` opens and attaches
// again, a second time if the restored database does not open and the old one
// comes back, and after a failed `close` that destroyed the Attachment.
struct RestoreHooks {
  std::function<Status()> close, reopen;
};

// The bytes of one backup, never those of another one. Where its destination
// can do that, they stay readable when the backup is removed meanwhile.
// Thread safety: all methods may be called concurrently.
class BackupReader {
 public:
  virtual ~BackupReader() = default;
  virtual const BackupInfo& backup() const = 0;
  virtual uint64_t size_bytes() const = 0;
  // Tells them from others of that name: SHA-256 in hex, or size and time.
  virtual const std::string& version() const = 0;
  // Up to `size` bytes at `offset` into `buffer`; fewer only at the end.
  virtual Result<size_t> ReadAt(uint64_t offset, char* buffer,
                                size_t size) const = 0;
};

// Concurrency:
//   runs at the same time   create  restore  verify  rotate  list/health
//   create                  no      no       yes     no      yes
//   restore (live), undo    no      no       no      no      yes
//   verify                  yes     no       no      yes     yes
//   rotate                  no      no       yes     no      yes
// "no" means that the second caller gets kBusy, which names the running job;
// a create may wait for it (CreateRequest::wait).
// Thread safety: every method but Initialize and the destructor may be
// called from any thread.
//
// `name` is a backup's whole name, or "latest"; kInvalidArgument for the
// beginning of one, kNotFound. `other_database`: a backup of another database
// is meant; else kOtherDatabase.
class BackupManager {
 public:
  // The folders become absolute: a later chdir() changes nothing.
  explicit BackupManager(BackupOptions options);
  // Stops the schedule; a running backup is cancelled and leaves no file, and
  // calls that wait end. env() lives on with an Attachment that still does.
  ~BackupManager();
  BackupManager(const BackupManager&) = delete;
  BackupManager& operator=(const BackupManager&) = delete;

  const BackupOptions& options() const;

  // Call once, first, while the DB is not open. Validates the options, creates
  // the folders, takes the instance lock, finishes an interrupted restore,
  // applies what lies in restore/. A bad archive is no error beside a database
  // (see StartReport). kInvalidArgument, kBusy (another instance, or LOCK is
  // held), kRefused (no database, but one is remembered or dropped),
  // kPermissionDenied, kNoSpace, kIoError; kCancelled when `stop` came during a
  // restore, whose archive then stays.
  Result<StartReport> Initialize(std::stop_token stop = {});

  // What Initialize would return, and warn of, found without changing anything,
  // also beside a running instance. Not looked at: whether somebody has the
  // database open, what lies in restore/, what a crash interrupted.
  Result<std::vector<std::string>> CheckStart();

  // For leveldb::Options::env. Lives as long as this object and as its
  // Attachment. Snapshots of a DB that is opened with it are hot: they wait for
  // no writer. It also refuses to open a database that lacks files or can't be
  // read whole, of which LevelDB would remove the rest, and to write on behind
  // a failed write to a log (docs/reliability.md). Without memory a call of
  // such a DB throws std::bad_alloc and LevelDB may stay locked: end the
  // process; as after a crash, nothing is lost.
  leveldb::Env* env();

  // Starts the schedule for the open DB of options().storage_path(). Snapshots
  // of a DB that was not opened with env() are logical: read through the DB; if
  // memory ends inside of it, the process is aborted. The Attachment must be
  // destroyed before the DB, or backups fail with kRefused.
  // kInvalidArgument: it is a DB of another folder, as far as its tables tell.
  // REQUIRES: Initialize() succeeded; no other Attachment is alive.
  Result<std::unique_ptr<Attachment>> Attach(leveldb::DB* db);

  // Set before Attach; not while jobs run. A counter that throws counts
  // nothing: the backup is made all the same.
  void SetRestoreHooks(RestoreHooks hooks);
  void SetEventCounter(std::function<EventCount()> counter);

  // A full, read-back-checked backup with every write that was acknowledged
  // before the call. Errors leave no file: kBusy, kNoSpace, kCancelled,
  // kInvalidArgument (label), kRefused (the attached DB was closed), kIoError.
  Result<BackupInfo> CreateBackup(const CreateRequest& request);
  Result<std::vector<BackupInfo>> ListBackups();  // newest first
  // Calls `visit` for each, newest first, until it returns false or throws
  // (kInternal). With `after` it begins behind that backup, or where that one
  // was if it is gone; kInvalidArgument if that is no name of a backup. The
  // reference is valid during the call only. Returns how many there are in all.
  Result<uint64_t> VisitBackups(
      const std::function<bool(const BackupInfo&)>& visit,
      const std::string& after = "");
  Result<BackupInfo> FindBackup(const std::string& name);
  // kRefused for what is no archive: a folder, a link.
  Result<std::unique_ptr<BackupReader>> OpenBackup(const std::string& name);
  // kCorruption says what is wrong. Any other failure but kBusy and kCancelled
  // says that the check could not be done and nothing about the backup: it is
  // tried again in the background. The catalog records all these results.
  Result<VerifyReport> VerifyBackup(const std::string& name, VerifyDepth depth,
                                    std::stop_token stop = {});
  // What RestoreBackup would do, or the error that it would return, as far as
  // that can be told without writing. Reads all of the archive.
  Result<RestorePreview> PreviewRestore(const RestoreRequest& request);
  Result<RestoreReport> RestoreBackup(const RestoreRequest& request);
  // Puts the database back that the last restore replaced; once more takes that
  // back. With `all`, what was there before the first of several restores. It
  // is kept for restore.undo_hours, and until a backup that was begun later was
  // verified: kNotFound after that. kUnsupported while attached without hooks.
  Result<RestoreReport> UndoRestore(bool all = false);
  // Which database that would be, or UndoRestore's error. Writes nothing.
  Result<KeptDatabase> PreviewUndo(bool all = false);
  Result<std::vector<RotationDecision>> Rotate(bool dry_run);
  // kRefused for a pinned backup, and without `force` for the newest verified.
  Status DeleteBackup(const std::string& name, bool force,
                      bool other_database = false);
  Status PinBackup(const std::string& name, bool pinned);
  HealthReport Health();

  // Runs a job in the background, after those that are in its way; returns its
  // id. It survives the end of the process if it has not begun by then: the
  // next one runs it (a create once a database is attached), but for restores,
  // undos and deletes, which fail then. Errors are those of the verb that can
  // be told at once; and those of BACKUP_DIR, if the job has to wait and no
  // record of it can be written.
  Result<std::string> SubmitJob(const JobRequest& request);
  // Also jobs that the verbs above ran. kNotFound: older than 90 days.
  Result<Job> FindJob(const std::string& id);
  // Newest first.
  Result<std::vector<Job>> ListJobs(size_t limit = 100);
  // Returns when the job has ended, with how; kCancelled: `stop`, or the end of
  // this object; kBusy: another process runs the job.
  Result<Job> WaitForJob(const std::string& id, std::stop_token stop = {});
  // A job that waits has ended on return, one that runs ends soon. kBusy: it
  // has ended already, or is a restore that has begun to exchange the database.
  Status CancelJob(const std::string& id);
  // For as long as this object lives.
  void AddJobListener(JobListener listener);
  // For the end of the process: no job begins any more, and those that run are
  // asked to stop. Does not wait for them.
  void StopJobs();

 private:
  friend class Attachment;
  friend struct BackupManagerAccess;  // src/manager/backup_manager_access.h
  class Impl;
  explicit BackupManager(std::shared_ptr<Impl> impl);
  const std::shared_ptr<Impl> impl_;
};

// While it lives, the schedule runs and backups are hot. Destroying it
// waits until no job uses the DB any more (a running backup is cancelled).
// Thread safety: destroyed once, by any thread.
class Attachment {
 public:
  ~Attachment();
  Attachment(const Attachment&) = delete;
  Attachment& operator=(const Attachment&) = delete;

 private:
  friend class BackupManager;
  explicit Attachment(std::shared_ptr<BackupManager::Impl> impl)
      : impl_(std::move(impl)) {}
  const std::shared_ptr<BackupManager::Impl> impl_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_BACKUP_MANAGER_H_
