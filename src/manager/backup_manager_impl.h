// The inside of BackupManager. One file per flow:
//   backup_manager.cc  forwarding             manager_start.cc    Initialize
//   manager_attach.cc  attach, snapshot
//   manager_create.cc  create, schedule       manager_restore.cc  restore
//   manager_health.cc  health                 manager_verify.cc   background

#ifndef LEVELKEEP_MANAGER_BACKUP_MANAGER_IMPL_H_
#define LEVELKEEP_MANAGER_BACKUP_MANAGER_IMPL_H_

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/mutex.h"
#include "engine/engine.h"
#include "engine/rechecks.h"
#include "levelkeep/backup_manager.h"
#include "manager/jobs.h"
#include "manager/scheduler.h"
#include "snapshot/snapshot_env.h"

namespace levelkeep {

inline constexpr char kForgottenEnv[] =
    "the database was not opened with leveldb::Options::env = env(): its "
    "snapshots are logical, each reads every key, and writes that no backup "
    "holds are not counted";

class BackupManager::Impl : private Database {
 public:
  Impl(const BackupOptions& options, const Platform& platform);
  ~Impl() override;
  // No job and no thread runs any more. More than once, if need be.
  void Stop();

  // --- manager_start.cc
  Result<StartReport> Initialize(std::stop_token stop);
  Result<std::vector<std::string>> CheckStart();

  // --- manager_attach.cc
  Status Attach(leveldb::DB* db);
  void Detach();
  // These two call the host and throw nothing.
  void SetRestoreHooks(RestoreHooks hooks);
  // Nothing: nobody counts, or the host's counter failed.
  std::optional<EventCount> CountEvents();

  // --- manager_create.cc
  Result<BackupInfo> CreateBackup(const CreateRequest& request);
  Result<std::vector<RotationDecision>> Rotate(bool dry_run);
  Status DeleteBackup(const std::string& name, bool force, bool other_database);

  // --- manager_verify.cc
  Result<VerifyReport> VerifyBackup(const FoundBackup& backup,
                                    VerifyDepth depth, std::stop_token stop);

  // --- manager_restore.cc
  Result<RestorePreview> PreviewRestore(const RestoreRequest& request);
  Result<RestoreReport> RestoreBackup(const RestoreRequest& request);
  Result<KeptDatabase> PreviewUndo(UndoScope scope);
  Result<RestoreReport> UndoRestore(UndoScope scope);

  // --- manager_health.cc
  HealthReport Health();

  using Database::env;

  const BackupOptions options_;
  FileSystem* const fs_;
  Clock* const clock_;
  Engine engine_;
  JobBoard jobs_;
  std::function<EventCount()> event_counter_;  // the host's, set before Attach

 private:
  // --- Database: hot while it is attached through our env, logical while it
  // is attached through another one.
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
  // `missing` says that a new database begins in place of one that is gone.
  Status RequireUsable(std::string* missing);
  Status LookAtDatabase(StartReport* report);
  Status RequireInitialized() const;
  Result<FoundBackup> FindForRestore(const RestoreRequest& request);
  Status JudgeUndo(UndoScope scope);

  Status RequireOurs(leveldb::DB* db) const;
  bool MayBeOurs(leveldb::DB* db) const;
  bool ClosedWhileAttached(const SnapshotEnvStats& stats) const;
  Status RequireStillOpen() const;

  Result<bool> NothingChanged();
  void RunSchedule(std::stop_token stop);
  void RunScheduledBackup(Scheduler* scheduler, std::stop_token stop);
  Scheduler NewScheduler();

  void QueueVerification(const std::string& name);
  void RunVerifications(std::stop_token stop);
  std::string NextToVerify(std::stop_token stop);
  std::string NextToRecheck();
  void FindUnchecked();
  void VerifyInBackground(const std::string& name, std::stop_token stop);

  RestoreWay WayOf(RestoreMode mode) const {
    return mode == RestoreMode::kStage || !CanRestoreLive()
               ? RestoreWay::kAtStart
               : RestoreWay::kNow;
  }
  bool CanRestoreLive() const { return hooks_.close && hooks_.reopen; }
  void DescribeSetup(const SnapshotEnvStats& stats, HealthReport* health) const;
  void DescribeDrops(HealthReport* health);
  static void DescribeBackups(const Listing& listing, HealthReport* health);
  void DescribeExposure(const SnapshotEnvStats& stats,
                        const CatalogEntry* newest, HealthReport* health);
  SnapshotEnvStats Stats() const {
    return env()->GetStats(options_.storage_path());
  }

  RestoreHooks hooks_;  // set before Attach; they throw nothing
  // Constant after Initialize().
  bool initialized_ = false;

  mutable Mutex mutex_;
  leveldb::DB* db_ GUARDED_BY(mutex_) = nullptr;
  // It was opened through env().
  bool through_env_ GUARDED_BY(mutex_) = false;
  std::string epoch_ GUARDED_BY(mutex_);  // of the attached database
  // Why that history began, if by a fork.
  std::string forked_ GUARDED_BY(mutex_);
  std::optional<Scheduler> scheduler_ GUARDED_BY(mutex_);
  std::optional<Time> last_success_ GUARDED_BY(mutex_);
  std::string last_error_ GUARDED_BY(mutex_);
  // Bytes per second of the last full verification; 0: none yet.
  double verify_rate_ GUARDED_BY(mutex_) = 0;
  std::deque<std::string> to_verify_ GUARDED_BY(mutex_);
  // Of the verifying thread: what could not be checked, and when it is tried
  // again.
  std::set<std::string> to_recheck_;
  Rechecks rechecks_;
  std::condition_variable_any verify_wake_;

  // Last: they use the members above and stop first.
  std::jthread schedule_thread_;
  std::jthread verify_thread_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_MANAGER_BACKUP_MANAGER_IMPL_H_
