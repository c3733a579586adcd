// The inside of BackupManager. One file per flow:
//   backup_manager.cc  forwarding, Attach     manager_start.cc    Initialize
//   manager_create.cc  create, schedule       manager_restore.cc  restore
//   manager_health.cc  health                 manager_verify.cc   background

#ifndef LEVELKEEP_MANAGER_BACKUP_MANAGER_IMPL_H_
#define LEVELKEEP_MANAGER_BACKUP_MANAGER_IMPL_H_

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/mutex.h"
#include "levelkeep/backup_manager.h"
#include "levelkeep/snapshot_env.h"
#include "manager/backup_set.h"
#include "manager/jobs.h"
#include "manager/platform.h"
#include "manager/scheduler.h"
#include "restore/restorer.h"

namespace levelkeep {

class BackupManager::Impl {
 public:
  Impl(BackupOptions options, const Platform& platform);
  ~Impl();

  // --- manager_start.cc
  Result<StartReport> Initialize(std::stop_token stop);

  // --- backup_manager.cc
  Status Attach(leveldb::DB* db);
  void Detach();

  // --- manager_create.cc
  Result<BackupInfo> CreateBackup(const CreateRequest& request);
  Result<std::vector<RotationDecision>> Rotate(bool dry_run);
  Status DeleteBackup(const std::string& name, bool force);

  // --- manager_verify.cc
  Result<VerifyReport> VerifyBackup(const std::string& name,
                                    const std::string& depth,
                                    std::stop_token stop);

  // --- manager_restore.cc
  Result<RestorePreview> PreviewRestore(const std::string& name);
  Result<RestoreReport> RestoreBackup(const RestoreRequest& request);
  Result<RestoreReport> UndoRestore(UndoScope scope);

  // --- manager_health.cc
  HealthReport Health();

  Result<BackupInfo> FindBackup(const std::string& name) {
    return set_.Find(name);
  }

  const BackupOptions options_;
  const Platform platform_;
  FileSystem* const fs_;
  Clock* const clock_;
  SnapshotEnv env_;
  BackupSet set_;
  JobBoard jobs_;
  RestoreHooks hooks_;                         // set before Attach
  std::function<EventCount()> event_counter_;  // set before Attach

 private:
  Status CreateFolders();
  Status CheckFoldersDiffer();
  Status CheckLock(StartReport* report);
  Status ApplyDropped(std::stop_token stop, StartReport* report);
  Status OpenAndClose(const std::string& db_dir);
  Status RequireInitialized() const;

  Result<std::unique_ptr<Snapshot>> TakeSnapshot(std::stop_token stop);
  Result<bool> NothingChanged();
  void RunSchedule(std::stop_token stop);
  void RunScheduledBackup(Scheduler* scheduler, std::stop_token stop);
  Scheduler NewScheduler();

  void QueueVerification(const std::string& name);
  void RunVerifications(std::stop_token stop);
  void VerifyInBackground(const std::string& name, std::stop_token stop);
  void DropUndoAfter(const std::string& name);

  Result<RestoreReport> RestoreLive(const RestoreRequest& request,
                                    const BackupInfo& backup,
                                    std::stop_token stop);
  Result<RestoreReport> RestoreStaged(const BackupInfo& backup,
                                      std::stop_token stop);
  using Swap = std::function<Result<RestoreOutcome>()>;
  // `swap_back` where the application can't open what `swap` put in place.
  Result<RestoreOutcome> SwapWhileClosed(const Swap& swap,
                                         const Swap& swap_back);
  bool CanRestoreLive() const { return hooks_.close && hooks_.reopen; }
  static void DescribeBackups(const Listing& listing, HealthReport* health);
  void DescribeExposure(const SnapshotEnvStats& stats,
                        const CatalogEntry* newest, HealthReport* health);
  bool attached() const;
  uint64_t CurrentSequence() const;

  // Constant after Initialize().
  std::unique_ptr<Restorer> restorer_;
  bool initialized_ = false;

  mutable Mutex mutex_;
  leveldb::DB* db_ GUARDED_BY(mutex_) = nullptr;
  std::string epoch_ GUARDED_BY(mutex_);  // of the attached database
  std::optional<Scheduler> scheduler_ GUARDED_BY(mutex_);
  std::optional<Time> last_success_ GUARDED_BY(mutex_);
  std::string last_error_ GUARDED_BY(mutex_);
  // Bytes per second of the last full verification; 0: none yet.
  double verify_rate_ GUARDED_BY(mutex_) = 0;
  std::deque<std::string> to_verify_ GUARDED_BY(mutex_);
  std::condition_variable_any verify_wake_;

  // Last: they use the members above and stop first.
  std::jthread schedule_thread_;
  std::jthread verify_thread_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_MANAGER_BACKUP_MANAGER_IMPL_H_
