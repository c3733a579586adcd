// Verification on request and, of each new backup, in the background.

#include <utility>

#include "base/log.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "manager/backup_manager_impl.h"

namespace levelkeep {

namespace {

// Between two tries when another verification is in the way.
constexpr std::chrono::milliseconds kBusyDelay{1000};
// Between two looks whether a backup that could not be checked is due again.
constexpr std::chrono::milliseconds kRecheckLook{2000};

}  // namespace

Result<VerifyReport> BackupManager::Impl::VerifyBackup(
    const FoundBackup& backup, VerifyDepth depth, std::stop_token stop) {
  LEVELKEEP_ASSIGN_OR_RETURN(auto ticket,
                             jobs_.Begin(JobKind::kVerify, std::move(stop)));
  LEVELKEEP_ASSIGN_OR_RETURN(
      VerifyReport report,
      engine_.Verify(backup, depth, {ticket->stop(), nullptr}));
  if (depth == VerifyDepth::kFull) {
    if (report.duration_ms > 0) {
      MutexLock lock(&mutex_);
      verify_rate_ = static_cast<double>(report.bytes) * 1000.0 /
                     static_cast<double>(report.duration_ms);
    }
  }
  return report;
}

void BackupManager::Impl::QueueVerification(const std::string& name) {
  if (!options_.verification.after_backup) return;
  MutexLock lock(&mutex_);
  to_verify_.push_back(name);
  verify_wake_.notify_all();
}

void BackupManager::Impl::RunVerifications(std::stop_token stop) {
  LowerThreadPriority(ThreadPriority::kLow);
  FindUnchecked();
  while (!stop.stop_requested()) {
    const std::string name = NextToVerify(stop);
    if (!name.empty()) VerifyInBackground(name, stop);
  }
}

// What an earlier process could not check.
void BackupManager::Impl::FindUnchecked() {
  const auto listing = engine_.ListRecentEntries();
  if (!listing.ok()) return;
  for (const Listing::Entry& entry : (*listing)->entries()) {
    const bool done =
        entry->damaged() ||
        (entry->verified() && entry->verification->depth == VerifyDepth::kFull);
    if (entry->manifest && entry->not_checked && !done) {
      to_recheck_.insert(entry->name);
    }
  }
}

// A new backup, else one whose pause is over; empty: none yet, or a stop.
std::string BackupManager::Impl::NextToVerify(std::stop_token stop) {
  {
    MutexLock lock(&mutex_);
    if (to_recheck_.empty()) {
      verify_wake_.wait(mutex_, stop, [this]() REQUIRES_LOCK(mutex_) {
        return !to_verify_.empty();
      });
    }
    if (!to_verify_.empty()) {
      std::string name = to_verify_.front();
      to_verify_.pop_front();
      return name;
    }
  }
  if (stop.stop_requested()) return "";
  std::string name = NextToRecheck();
  if (name.empty()) clock_->SleepFor(kRecheckLook, stop);
  return name;
}

std::string BackupManager::Impl::NextToRecheck() {
  for (const std::string& name : to_recheck_) {
    const auto backup = engine_.Find(name);
    const bool gone = backup.status().code() == StatusCode::kNotFound;
    if (!gone && (!backup.ok() || !rechecks_.IsDue(*backup))) continue;
    std::string due = name;
    to_recheck_.erase(name);
    return due;
  }
  return "";
}

void BackupManager::Impl::VerifyInBackground(const std::string& name,
                                             std::stop_token stop) {
  while (!stop.stop_requested()) {
    // Another process (levelkeep worker) may have been faster.
    const auto backup = engine_.Find(name);
    if (!backup.ok()) return;  // rotated away meanwhile
    Status status;
    if (backup->verified() &&
        backup->verification->depth == VerifyDepth::kFull) {
      const auto ticket = jobs_.Begin(JobKind::kVerify, stop);
      // Creates go on meanwhile, and a restore waits for the end of it instead
      // of being refused.
      if (ticket.ok()) engine_.ForgetUndoWhenDue();
      status = ticket.status();
    } else {
      status = VerifyBackup(*backup, VerifyDepth::kFull, stop).status();
    }
    if (status.ok()) return;
    if (status.code() == StatusCode::kCorruption) {
      LogError(kEngineLogTag, "verification failed: " + status.ToString());
      return;
    }
    // A restore cancels the verification of the moment; it comes back later.
    const bool cancelled = status.code() == StatusCode::kCancelled;
    if (!cancelled && status.code() != StatusCode::kBusy) {
      LogWarn(kEngineLogTag,
              "not verified, tried again later: " + status.ToString());
      rechecks_.Failed(*backup);
      to_recheck_.insert(name);
      return;
    }
    if (clock_->SleepFor(kBusyDelay, stop)) continue;
    if (cancelled) engine_.NoteUnfinished(*backup);
  }
}

}  // namespace levelkeep
