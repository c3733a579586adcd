// Restore by name: live where the host can close and reopen, else staged
// for the next start.

#include <utility>

#include "base/log.h"
#include "base/status_macros.h"
#include "base/work.h"
#include "manager/backup_manager_impl.h"

namespace levelkeep {

// Both begin so: a restore and its dry run.
Result<FoundBackup> BackupManager::Impl::FindForRestore(
    const RestoreRequest& request) {
  LEVELKEEP_RETURN_IF_ERROR(RequireInitialized());
  LEVELKEEP_ASSIGN_OR_RETURN(FoundBackup backup, engine_.Find(request.source));
  if (request.mode == RestoreMode::kLive && !CanRestoreLive()) {
    return Status(StatusCode::kUnsupported,
                  "this application can't restore without a restart",
                  "use mode \"stage\" and restart" +
                      (options_.restart_command.empty()
                           ? " the application"
                           : ": " + options_.restart_command));
  }
  return backup;
}

Result<RestorePreview> BackupManager::Impl::PreviewRestore(
    const RestoreRequest& request) {
  LEVELKEEP_ASSIGN_OR_RETURN(FoundBackup backup, FindForRestore(request));
  LEVELKEEP_RETURN_IF_ERROR(
      jobs_.JudgeInsteadOf(JobKind::kVerify, JobKind::kRestore));
  LEVELKEEP_RETURN_IF_ERROR(engine_.Open(&backup));
  LEVELKEEP_ASSIGN_OR_RETURN(RestorePreview preview, engine_.Preview(backup));
  LEVELKEEP_RETURN_IF_ERROR(engine_.RehearseRestore(
      backup, {request.stop, HostProgress(request.progress)},
      request.other_database, WayOf(request.mode)));
  if (const auto events = CountEvents()) preview.current_events = events->count;
  return preview;
}

Result<RestoreReport> BackupManager::Impl::RestoreBackup(
    const RestoreRequest& request) {
  LEVELKEEP_ASSIGN_OR_RETURN(const FoundBackup backup, FindForRestore(request));
  // A verification in the background must not stand in the way of a person.
  LEVELKEEP_ASSIGN_OR_RETURN(
      auto ticket,
      jobs_.BeginInsteadOf(JobKind::kVerify, JobKind::kRestore, request.stop));
  const bool live = WayOf(request.mode) == RestoreWay::kNow;
  const Work work = {ticket->stop(), HostProgress(request.progress)};
  auto report = live ? engine_.Restore(backup, work, request.other_database)
                     : engine_.Stage(backup, work, request.other_database);
  if (report.ok()) {
    LogInfo(kEngineLogTag,
            backup.name + (live ? ": restored, write number " +
                                      std::to_string(report->last_sequence)
                                : ": staged for the next start"));
  } else {
    LogError(kEngineLogTag,
             backup.name + ": restore failed: " + report.status().ToString());
  }
  return report;
}

Status BackupManager::Impl::JudgeUndo(UndoScope scope) {
  LEVELKEEP_RETURN_IF_ERROR(RequireInitialized());
  if (!engine_.restorer()->UndoAvailable()) {
    return Status(StatusCode::kNotFound, "there is no restore to undo",
                  "what a restore replaces is kept for BACKUP_UNDO_HOURS, and "
                  "until a later backup is verified; restore a backup instead");
  }
  if (IsOpen() && !CanRestoreLive()) {
    return Status(StatusCode::kUnsupported,
                  "this application can't undo a restore while it runs",
                  std::string("stop it and run: levelkeep restore ") +
                      (scope == UndoScope::kAll ? "--undo-all" : "--undo"));
  }
  return Status::Ok();
}

Result<KeptDatabase> BackupManager::Impl::PreviewUndo(UndoScope scope) {
  LEVELKEEP_RETURN_IF_ERROR(JudgeUndo(scope));
  LEVELKEEP_RETURN_IF_ERROR(
      jobs_.JudgeInsteadOf(JobKind::kVerify, JobKind::kRestore));
  return engine_.PreviewUndo(scope);
}

Result<RestoreReport> BackupManager::Impl::UndoRestore(UndoScope scope) {
  LEVELKEEP_RETURN_IF_ERROR(JudgeUndo(scope));
  LEVELKEEP_ASSIGN_OR_RETURN(
      auto ticket, jobs_.BeginInsteadOf(JobKind::kVerify, JobKind::kRestore,
                                        std::stop_token()));
  auto report = engine_.Undo(scope);
  if (report.ok()) {
    LogInfo(kEngineLogTag, "restore undone, write number " +
                               std::to_string(report->last_sequence));
  }
  return report;
}

}  // namespace levelkeep
