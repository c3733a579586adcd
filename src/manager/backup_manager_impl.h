// The implementation of BackupManager. One file per procedure:
//   backup_manager.cc  forwarding             manager_start.cc    Initialize
//   manager_attach.cc  attach, snapshot
//   manager_create.cc  create, rotate         manager_restore.cc  restore
//   manager_health.cc  health                 manager_verify.cc   verify
//   manager_jobs.cc    jobs                   manager_schedule.cc schedules
//   manager_drill.cc   drills
// A method submits a job to the JobRunner, and the job's handler calls the
// engine.

#ifndef LEVELKEEP_MANAGER_BACKUP_MANAGER_IMPL_H_
#define LEVELKEEP_MANAGER_BACKUP_MANAGER_IMPL_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/mutex.h"
#include "catalog/drill_records.h"
#include "engine/engine.h"
#include "jobs/job_runner.h"
#include "jobs/job_watch.h"
#include "jobs/schedule_memory.h"
#include "levelkeep/backup_manager.h"
#include "manager/schedules.h"
#include "notify/hooks.h"
#include "notify/notifier.h"
#include "snapshot/snapshot_env.h"

namespace levelkeep {

inline constexpr char kForgottenEnv[] =
    "the database was not opened with leveldb::Options::env = env(): its "
    "snapshots are logical, each reads every key, and writes that are in no "
    "backup are not counted";

class BackupManager::Impl : private Database {
 public:
  Impl(const BackupOptions& options, const Platform& platform);
  ~Impl() override;
  // Ends all jobs and threads. May be called more than once.
  void Stop();

  // --- manager_start.cc
  Result<StartReport> Initialize(std::stop_token stop);
  Result<std::vector<std::string>> CheckStart();

  // --- manager_attach.cc
  Status Attach(leveldb::DB* db);
  void Detach();
  // SetRestoreHooks and CountEvents call the host and throw nothing.
  void SetRestoreHooks(RestoreHooks hooks);
  // No value: no counter is set, or the host's counter failed.
  std::optional<EventCount> CountEvents();
  // The same without waiting: no value also while another thread counts, so
  // that a counter that hangs holds up one health report at most. Logs nothing.
  std::optional<EventCount> CountEventsNow();

  // --- manager_create.cc
  Result<BackupInfo> CreateBackup(const CreateRequest& request);
  Result<std::vector<RotationDecision>> Rotate(bool dry_run);
  Result<RotationPlan> PlanRotation();
  Status DeleteBackup(const std::string& name, bool force, bool other_database);
  // See Engine::Reload. Also changes the schedule.
  void Reload(BackupOptions options);

  // --- manager_verify.cc
  Result<VerifyReport> VerifyBackup(const std::string& name, VerifyDepth depth,
                                    std::stop_token stop);

  // --- manager_drill.cc
  Result<DrillReport> DrillBackup(const std::string& name, std::stop_token stop,
                                  const Progress& progress);

  // --- manager_jobs.cc
  Result<std::string> SubmitJob(const JobRequest& request,
                                const std::string& key);

  // --- manager_restore.cc
  Result<RestorePreview> PreviewRestore(const RestoreRequest& request);
  Result<RestoreReport> RestoreBackup(const RestoreRequest& request);
  Result<KeptDatabase> PreviewUndo(UndoScope scope);
  Result<RestoreReport> UndoRestore(UndoScope scope);

  // --- manager_health.cc
  HealthReport Health();

  using Database::env;
  bool IsAttached() const { return IsOpen(); }

  const BackupOptions options_;  // of the start; engine_ has the present ones
  FileSystem* const fs_;
  Clock* const clock_;
  Engine engine_;
  std::function<EventCount()> event_counter_;  // the host's, set before Attach

 private:
  // Takes a hot snapshot if the database is attached through our env, a logical
  // one if it is attached through another env.
  Result<std::unique_ptr<Snapshot>> TakeSnapshot(std::stop_token stop) override;
  uint64_t LastSequence() const override;
  bool IsOpen() const override;
  Status Close() override { return hooks_.close(); }
  Status Reopen() override { return hooks_.reopen(); }

  Status SettleFolders(const Walk& walk);
  Status CheckFoldersDiffer();
  Status CheckLock(StartReport* report);
  Status ApplyDropped(std::stop_token stop, StartReport* report);
  Status RefuseEmptyStart(const DropOutcome& outcome) const;
  // `missing` receives a text if a new database begins in place of a missing
  // one.
  Status RequireUsable(std::string* missing);
  // Returns the database's identity; empty: there is no database.
  Result<std::string> LookAtDatabase(StartReport* report);
  Status RequireInitialized() const;
  Result<FoundBackup> FindForRestore(const std::string& name, RestoreMode mode);
  Status JudgeUndo(UndoScope scope);

  Status RequireOurs(leveldb::DB* db) const;
  bool MayBeOurs(leveldb::DB* db) const;
  bool ClosedWhileAttached(const SnapshotEnvStats& stats) const;
  Status RequireStillOpen() const;

  // --- the handlers of the jobs, in the files of their methods
  std::map<JobType, JobHandler> Handlers();
  JobOutcome Create(const JobRun& run);
  bool NeedsCreate();
  bool NeedsRotate();
  JobOutcome Rotate();
  JobOutcome Delete(const JobRun& run);
  JobOutcome Verify(const JobRun& run);
  JobOutcome VerifyDue(const JobRun& run);
  bool NeedsVerify(const JobRequest& request);
  JobOutcome Drill(const JobRun& run);
  bool NeedsDrill(const JobRequest& request);
  void NoteUnfinishedDrill(const FoundBackup& backup, const std::string& why);
  JobOutcome Restore(const JobRun& run);
  JobOutcome Undo(const JobRun& run);

  void BackUpAtShutdown();
  // The newest backup, if it has every write of the database.
  Result<std::string> FindCover();
  void StartSchedule() EXCLUDES_LOCK(schedule_mutex_);
  void PlanJobs(const std::function<bool(const PlannedJob&)>& wanted)
      REQUIRES_LOCK(schedule_mutex_);
  void PlanJob(const PlannedJob& job,
               const std::shared_ptr<ScheduleMemory>& memory)
      REQUIRES_LOCK(schedule_mutex_);
  std::string DatabaseId() const;
  void OpenNotifications();
  void WatchForAbsence();
  // The last success: when the newest good backup was made, or a later one was
  // skipped because nothing had changed. The age of backups counts from it.
  std::optional<Time> LastSuccess(const Listing& listing) const;
  // The same, as far as the listing shows now.
  std::optional<Time> NewestBackup();
  void SubmitVerification(const std::string& name,
                          std::chrono::milliseconds delay = {});
  void SubmitVerificationOfReplaced();
  void SubmitTidying(const std::string& name);
  void SubmitRechecks();
  void OpenJobs(const std::string& database_id);
  Status TakeUpJobs(const std::shared_ptr<JobStore>& store);
  void WatchJobs(std::shared_ptr<JobStore> store);
  Result<JobRequest> Complete(JobRequest request);

  RestoreWay WayOf(RestoreMode mode) const {
    return mode == RestoreMode::kStage || !CanRestoreLive()
               ? RestoreWay::kAtStart
               : RestoreWay::kNow;
  }
  bool CanRestoreLive() const { return hooks_.close && hooks_.reopen; }
  void DescribeSetup(const SnapshotEnvStats& stats, HealthReport* health) const;
  void DescribeDrops(HealthReport* health);
  void DescribeWork(HealthReport* health);
  void DescribeDrills(HealthReport* health) const;
  void DescribeNoDrill(const Schedule* schedule, Time since,
                       HealthReport* health) const;
  void DescribeDisk(const Listing& listing, HealthReport* health);
  void DescribeBackups(const Listing& listing, HealthReport* health) const;
  bool BeginCounting(bool alone);
  Status CallCounter(std::optional<EventCount>* events);
  std::optional<uint64_t> CountUnsavedEvents(const CatalogEntry* newest);
  void RecallFailure(const std::shared_ptr<JobStore>& store);
  void DescribeFuture(const Listing& listing, HealthReport* health) const;
  static void DescribeUnknownAge(const CatalogEntry& newest,
                                 Time::duration ahead, HealthReport* health);
  bool HasLostItsRecords() const;
  void DescribeExposure(const SnapshotEnvStats& stats,
                        const CatalogEntry* newest, HealthReport* health);
  SnapshotEnvStats Stats() const {
    return env()->GetStats(options_.storage_path());
  }

  const bool watches_jobs_;  // see Platform
  RestoreHooks hooks_;       // set before Attach; throw nothing
  // Constant after Initialize().
  bool initialized_ = false;

  Mutex schedule_mutex_;  // one change of the schedule at a time
  mutable Mutex mutex_;
  leveldb::DB* db_ GUARDED_BY(mutex_) = nullptr;
  // Calls of the host's counter that have not returned. Detach waits for them,
  // because they use the DB.
  int counting_ GUARDED_BY(mutex_) = 0;
  CondVar counted_;
  // True if the database was opened through env().
  bool through_env_ GUARDED_BY(mutex_) = false;
  std::string epoch_ GUARDED_BY(mutex_);  // of the attached database
  // Why the present history began, if it was a fork.
  std::string forked_ GUARDED_BY(mutex_);
  std::string last_error_ GUARDED_BY(mutex_);
  // Bytes per second of the last full verification; 0: none yet.
  double verify_rate_ GUARDED_BY(mutex_) = 0;
  std::string database_id_ GUARDED_BY(mutex_);  // for job records
  std::shared_ptr<JobStore> job_store_ GUARDED_BY(mutex_);
  std::shared_ptr<DrillRecords> drills_ GUARDED_BY(mutex_);
  // Null: there is none.
  std::shared_ptr<const Schedule> backup_schedule_ GUARDED_BY(mutex_);
  std::shared_ptr<const Schedule> drill_schedule_ GUARDED_BY(mutex_);
  Time drill_schedule_since_ GUARDED_BY(mutex_);

  Notifier notifier_;
  Hooks backup_hooks_;

 public:
  JobRunner jobs_;  // its threads use the members above

 private:
  std::unique_ptr<JobWatch> job_watch_ GUARDED_BY(mutex_);  // uses jobs_
};

}  // namespace levelkeep

#endif  // LEVELKEEP_MANAGER_BACKUP_MANAGER_IMPL_H_
