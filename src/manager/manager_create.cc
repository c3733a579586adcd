// Create, rotate, delete, and the schedule that runs creates.

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/work.h"
#include "manager/backup_manager_impl.h"

namespace levelkeep {

namespace {

// Longer than any process, and far from overflowing the clock.
constexpr std::chrono::milliseconds kLongestWait = std::chrono::hours(24 * 365);

}  // namespace

// 1. one job at a time: wait for its turn   2. count the events   3. create and
// rotate   4. remember how it went   5. queue the full verification
Result<BackupInfo> BackupManager::Impl::CreateBackup(
    const CreateRequest& request) {
  LEVELKEEP_RETURN_IF_ERROR(RequireInitialized());
  LEVELKEEP_RETURN_IF_ERROR(ValidateLabel(request.label));
  const auto wait =
      std::clamp(request.wait, std::chrono::milliseconds(0), kLongestWait);
  const auto give_up = clock_->SteadyNow() + wait;
  LEVELKEEP_ASSIGN_OR_RETURN(
      auto ticket, jobs_.Begin(JobKind::kCreate, request.stop,
                               {.time = wait, .places = request.max_waiting}));
  BackupRequest backup;
  backup.wait = std::chrono::duration_cast<std::chrono::milliseconds>(
      give_up - clock_->SteadyNow());
  backup.on_wait = [](const std::string& why) {
    LogInfo(kEngineLogTag, "waiting: " + why);
  };
  backup.label = request.label;
  backup.trigger = request.trigger;
  backup.work = {ticket->stop(), HostProgress(request.progress)};
  // Counted before the cut: everything counted is in the snapshot.
  backup.events = CountEvents();
  auto made = engine_.Create(std::move(backup));
  {
    MutexLock guard(&mutex_);
    if (made.ok()) {
      last_success_ = clock_->Now();
      last_error_.clear();
    } else if (made.status().code() != StatusCode::kCancelled) {
      last_error_ = made.status().message();
    }
  }
  if (made.ok()) {
    QueueVerification(made->name);
  } else {
    LogError(kEngineLogTag, "backup failed: " + made.status().ToString());
  }
  return made;
}

Result<std::vector<RotationDecision>> BackupManager::Impl::Rotate(
    bool dry_run) {
  LEVELKEEP_ASSIGN_OR_RETURN(auto ticket,
                             jobs_.Begin(JobKind::kRotate, std::stop_token()));
  return dry_run ? engine_.PlanRotation() : engine_.Rotate();
}

Status BackupManager::Impl::DeleteBackup(const std::string& name, bool force,
                                         bool other_database) {
  LEVELKEEP_ASSIGN_OR_RETURN(auto ticket,
                             jobs_.Begin(JobKind::kRotate, std::stop_token()));
  return engine_.Delete(name, force, other_database);
}

// Is every write of this database in the newest backup already? Only a hot
// attachment can tell.
Result<bool> BackupManager::Impl::NothingChanged() {
  const SnapshotEnvStats stats = Stats();
  if (!stats.attached || stats.poisoned) return false;
  std::string epoch;
  {
    MutexLock lock(&mutex_);
    epoch = epoch_;
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const auto listing, engine_.ListEntries());
  const CatalogEntry* const newest = listing->NewestOfEpoch(epoch);
  return newest != nullptr &&
         newest->manifest->last_sequence == stats.last_sequence;
}

Scheduler BackupManager::Impl::NewScheduler() {
  std::optional<Scheduler::Millis> age;
  const auto listing = engine_.ListRecentEntries();
  if (listing.ok() && (*listing)->newest_good() != nullptr) {
    age = std::chrono::duration_cast<Scheduler::Millis>(
        clock_->Now() - (*listing)->newest_good()->created());
  }
  return Scheduler(options_.auto_backup_interval, age, LastSequence() > 0,
                   MomentOf(clock_));
}

void BackupManager::Impl::RunSchedule(std::stop_token stop) {
  // Never idle: LevelDB and health may wait for a lock that it holds, and what
  // takes long is done by the workers of the archive.
  LowerThreadPriority(ThreadPriority::kLow);
  Scheduler scheduler = NewScheduler();
  while (!stop.stop_requested()) {
    {
      MutexLock lock(&mutex_);
      if (db_ == nullptr) return;
      scheduler_ = scheduler;
    }
    const auto wait = std::min(scheduler.next().LeftAt(MomentOf(clock_)),
                               DueTime::kLongestWait);
    if (wait.count() > 0 && !clock_->SleepFor(wait, stop)) return;
    if (!scheduler.next().HasCome(MomentOf(clock_))) continue;
    RunScheduledBackup(&scheduler, stop);
  }
}

void BackupManager::Impl::RunScheduledBackup(Scheduler* scheduler,
                                             std::stop_token stop) {
  const auto unchanged = NothingChanged();
  if (unchanged.ok() && *unchanged) {
    LogInfo(kEngineLogTag, "scheduled backup: nothing changed, still covered");
    scheduler->Succeeded(MomentOf(clock_));
    // No backup comes whose verification would do it.
    if (const auto ticket = jobs_.Begin(JobKind::kVerify, stop); ticket.ok()) {
      engine_.ForgetUndoWhenDue();
    }
    return;
  }
  CreateRequest request;
  request.trigger = "scheduled";
  request.stop = stop;
  const auto made = CreateBackup(request);
  if (made.ok()) {
    scheduler->Succeeded(MomentOf(clock_));
  } else if (made.status().code() == StatusCode::kBusy) {
    scheduler->Postponed(MomentOf(clock_));
  } else {
    scheduler->Failed(MomentOf(clock_));
  }
}

}  // namespace levelkeep
