// Create, rotate and delete.

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "base/status_macros.h"
#include "base/work.h"
#include "manager/backup_manager_impl.h"
#include "manager/hooked_create.h"

namespace levelkeep {

namespace {

using std::chrono::milliseconds;

// The pause after another process blocked the backup.
constexpr milliseconds kBusyDelay{5'000};

}  // namespace

Result<BackupInfo> BackupManager::Impl::CreateBackup(
    const CreateRequest& request) {
  JobRequest job;
  job.label = request.label;
  job.trigger = request.trigger;
  LEVELKEEP_ASSIGN_OR_RETURN(job, Complete(std::move(job)));
  return jobs_.RunFor<BackupInfo>(job,
                                  {.stop = request.stop,
                                   .progress = HostProgress(request.progress),
                                   .patience = request.wait,
                                   .places = request.max_waiting});
}

// 1. count the events   2. create and rotate   3. record the outcome
// 4. submit the full verification, or try again later
JobOutcome BackupManager::Impl::Create(const JobRun& run) {
  BackupRequest backup;
  backup.wait = run.patience;
  backup.on_wait = [](const std::string& why) {
    LogInfo(kEngineLogTag, "waiting: " + why);
  };
  backup.label = run.request.label;
  backup.trigger = run.request.trigger;
  backup.work = run.work;
  // Counted before the snapshot, so that it contains all counted events.
  backup.events = CountEvents();
  auto made = CreateWithHooks(&engine_, &backup_hooks_, options_, run.id,
                              run.attempt, std::move(backup));
  {
    MutexLock guard(&mutex_);
    if (made.ok()) {
      last_error_.clear();
    } else if (made.status().code() != StatusCode::kCancelled) {
      last_error_ = made.status().message();
    }
  }
  JobOutcome outcome{made.status()};
  if (made.ok()) {
    SubmitVerification(made->name);
    outcome.message = made->name + " was made";
    if (!made->warning.empty()) outcome.message += ", but " + made->warning;
    outcome.result = ResultOfCreate(*made);
    outcome.value = std::move(made).value();
    return outcome;
  }
  if (made.status().code() == StatusCode::kCancelled) {
    LogInfo(kEngineLogTag, "backup cancelled: " + made.status().message());
  } else {
    LogError(kEngineLogTag, "backup failed: " + made.status().ToString());
  }
  outcome.postponed = made.status().code() == StatusCode::kBusy;
  if (outcome.postponed) {
    outcome.again = std::min(kBusyDelay, engine_.options().schedule.interval);
  }
  return outcome;
}

Result<std::vector<RotationDecision>> BackupManager::Impl::Rotate(
    bool dry_run) {
  if (!dry_run) {
    return jobs_.RunFor<std::vector<RotationDecision>>(
        {.type = JobType::kRotate}, {});
  }
  LEVELKEEP_ASSIGN_OR_RETURN(RotationPlan plan, PlanRotation());
  return std::move(plan.decisions);
}

Result<RotationPlan> BackupManager::Impl::PlanRotation() {
  LEVELKEEP_RETURN_IF_ERROR(jobs_.Judge(JobType::kRotate));
  return engine_.PlanRotation();
}

JobOutcome BackupManager::Impl::Rotate() {
  auto decisions = engine_.Rotate();
  JobOutcome outcome{decisions.status()};
  if (!decisions.ok()) return outcome;
  const auto removed =
      std::count_if(decisions->begin(), decisions->end(),
                    [](const auto& decision) { return !decision.keep; });
  outcome.message = std::to_string(removed) + " backups were removed";
  outcome.value = std::move(decisions).value();
  return outcome;
}

Status BackupManager::Impl::DeleteBackup(const std::string& name, bool force,
                                         bool other_database) {
  return jobs_
      .Run({.type = JobType::kDelete,
            .backup = name,
            .other_database = other_database,
            .force = force},
           {})
      .status;
}

JobOutcome BackupManager::Impl::Delete(const JobRun& run) {
  const JobRequest& request = run.request;
  JobOutcome outcome{
      engine_.Delete(request.backup, request.force, request.other_database)};
  outcome.message = request.backup + " was deleted";
  outcome.result = {{"backup", request.backup}};
  return outcome;
}

// --- the schedule

// Only a hot attachment counts the writes.
Result<std::string> BackupManager::Impl::FindCover() {
  const SnapshotEnvStats stats = Stats();
  if (!stats.attached || stats.poisoned) return std::string();
  std::string epoch;
  {
    MutexLock lock(&mutex_);
    epoch = epoch_;
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const auto listing, engine_.ListEntries());
  const CatalogEntry* const newest = listing->NewestOfEpoch(epoch);
  const bool covers = newest != nullptr &&
                      newest->manifest->last_sequence == stats.last_sequence;
  return covers ? newest->name : std::string();
}

bool BackupManager::Impl::NeedsCreate() {
  const auto cover = FindCover();
  if (!cover.ok() || cover->empty()) return true;
  LogInfo(
      kEngineLogTag,
      "scheduled backup: skipped, because nothing changed since the last one");
  engine_.NoteCovered(*cover);
  {
    MutexLock lock(&mutex_);
    last_error_.clear();  // every write is in a backup
  }
  // No new backup will be verified, which would start the tidying.
  SubmitTidying(*cover);
  return false;
}

}  // namespace levelkeep
