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
  if (!options_.verify_after_backup) return;
  MutexLock lock(&mutex_);
  to_verify_.push_back(name);
  verify_wake_.notify_all();
}

void BackupManager::Impl::RunVerifications(std::stop_token stop) {
  LowerThreadPriority(ThreadPriority::kLow);
  while (!stop.stop_requested()) {
    std::string name;
    {
      MutexLock lock(&mutex_);
      verify_wake_.wait(mutex_, stop, [this]() REQUIRES_LOCK(mutex_) {
        return !to_verify_.empty();
      });
      if (stop.stop_requested()) return;
      name = to_verify_.front();
      to_verify_.pop_front();
    }
    VerifyInBackground(name, stop);
  }
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
      if (ticket.ok()) ForgetUndoWhenDue();
      status = ticket.status();
    } else {
      status = VerifyBackup(*backup, VerifyDepth::kFull, stop).status();
    }
    if (status.ok()) return;
    // A restore cancels the verification of the moment; it comes back later.
    const bool again = status.code() == StatusCode::kBusy ||
                       status.code() == StatusCode::kCancelled;
    if (!again) {
      LogError(kEngineLogTag, "verification failed: " + status.ToString());
      return;
    }
    if (!clock_->SleepFor(kBusyDelay, stop)) return;
  }
}

// REQUIRES: the ticket of a verification is held: creates go on meanwhile, and
// a restore waits for the end of it instead of being refused.
void BackupManager::Impl::ForgetUndoWhenDue() {
  const auto forgotten = engine_.ForgetUndoWhenDue();
  if (!forgotten.ok()) {
    LogWarn(kEngineLogTag, "the replaced database was not removed: " +
                               forgotten.status().ToString());
  }
}

}  // namespace levelkeep
