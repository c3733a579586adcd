// Verification on request, and in the background for each new backup.

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/status_macros.h"
#include "engine/due_verification.h"
#include "jobs/job.h"
#include "manager/backup_manager_impl.h"

namespace levelkeep {

namespace {

using std::chrono::milliseconds;

// The pause after another process verified backups of the same database.
constexpr milliseconds kVerifyBusyDelay{1'000};

JobRequest VerificationIfNeeded(const std::string& name) {
  return {.type = JobType::kVerify,
          .backup = name,
          .if_needed = true,
          .trigger = "automatic"};
}

}  // namespace

Result<VerifyReport> BackupManager::Impl::VerifyBackup(const std::string& name,
                                                       VerifyDepth depth,
                                                       std::stop_token stop) {
  LEVELKEEP_ASSIGN_OR_RETURN(
      const JobRequest job,
      Complete({.type = JobType::kVerify, .backup = name, .depth = depth}));
  return jobs_.RunFor<VerifyReport>(job, {.stop = std::move(stop)});
}

// What a stop interrupts goes on in the next process.
JobOutcome BackupManager::Impl::VerifyDue(const JobRun& run) {
  DueVerification due(&engine_, fs_, clock_);
  const auto report = due.Run(run.created, run.work);
  if (report.ok()) return {report->status(), report->message()};
  JobOutcome outcome{report.status()};
  const bool stopped = report.status().code() == StatusCode::kCancelled;
  outcome.postponed = stopped || report.status().code() == StatusCode::kBusy;
  if (outcome.postponed) {
    outcome.again = stopped ? milliseconds(0) : kVerifyBusyDelay;
  }
  return outcome;
}

JobOutcome BackupManager::Impl::Verify(const JobRun& run) {
  if (run.request.all) return VerifyDue(run);
  const auto backup = engine_.Find(run.request.backup);
  if (!backup.ok()) return {backup.status()};
  const VerifyDepth depth = run.request.depth;
  const auto report = engine_.Verify(*backup, depth, run.work);
  JobOutcome outcome{report.status()};
  outcome.result = {{"backup", backup->name}};
  if (report.ok()) {
    const bool slowed =
        engine_.options().resources.rate_limit_bytes_per_second > 0;
    if (depth == VerifyDepth::kFull && report->duration_ms > 0 && !slowed) {
      MutexLock lock(&mutex_);
      verify_rate_ = static_cast<double>(report->bytes) * 1000.0 /
                     static_cast<double>(report->duration_ms);
    }
    outcome.message = backup->name + " is sound";
    outcome.value = *report;
    return outcome;
  }
  const bool automatic = run.request.if_needed;  // nobody waits for the report
  switch (report.status().code()) {
    case StatusCode::kCorruption:
      if (automatic) {
        LogError(kEngineLogTag,
                 "verification failed: " + report.status().ToString());
      }
      break;
    case StatusCode::kBusy:
      outcome.again = kVerifyBusyDelay;
      outcome.postponed = true;
      break;
    case StatusCode::kCancelled:
      // The next process repeats the check.
      if (automatic && !run.is_displaced()) engine_.NoteUnfinished(*backup);
      break;
    default:
      if (engine_.Find(backup->name).status().code() == StatusCode::kNotFound) {
        outcome.status = Status(StatusCode::kCancelled,
                                backup->name + " was deleted meanwhile");
        break;
      }
      if (automatic) {
        LogWarn(kEngineLogTag, "not verified, will try again later: " +
                                   report.status().ToString());
      }
      outcome.again = PauseBeforeRecheck(
          (backup->not_checked ? backup->not_checked->times : 0) + 1);
  }
  return outcome;
}

// If the backup was rotated away, or another process (levelkeep worker)
// verifies it, the only work left is to remove what its verification makes
// superfluous: the database that a restore replaced.
bool BackupManager::Impl::NeedsVerify(const JobRequest& request) {
  if (request.all) {
    return DueVerification(&engine_, fs_, clock_).HasWork(clock_->Now());
  }
  const auto backup = engine_.Find(request.backup);
  if (!backup.ok()) return false;
  if (engine_.options().verification.after_backup && !backup->judged())
    return true;
  engine_.ForgetUndoWhenDue();
  return false;
}

void BackupManager::Impl::SubmitVerification(const std::string& name,
                                             milliseconds delay) {
  if (!engine_.options().verification.after_backup) return;
  (void)jobs_.Submit(
      {.request = VerificationIfNeeded(name), .joins = true, .delay = delay});
}

// See Engine::TakeUnverified.
void BackupManager::Impl::SubmitVerificationOfReplaced() {
  const std::string name = engine_.TakeUnverified();
  if (!name.empty()) SubmitVerification(name);
}

// NeedsVerify does the work.
void BackupManager::Impl::SubmitTidying(const std::string& name) {
  (void)jobs_.Submit({.request = VerificationIfNeeded(name), .joins = true});
}

// Submits the backups that an earlier process could not check.
void BackupManager::Impl::SubmitRechecks() {
  const auto listing = engine_.ListRecentEntries();
  if (!listing.ok()) return;
  for (const Listing::Entry& entry : (*listing)->entries()) {
    if (entry->manifest && entry->not_checked && !entry->judged()) {
      SubmitVerification(entry->name, engine_.RestBeforeRecheck(*entry));
    }
  }
}

}  // namespace levelkeep
