// Restore by name: live if the host can close and reopen the database,
// otherwise staged for the next start.

#include <utility>

#include "base/log.h"
#include "base/status_macros.h"
#include "base/work.h"
#include "manager/backup_manager_impl.h"

namespace levelkeep {

// The common first step of a restore and its dry run.
Result<FoundBackup> BackupManager::Impl::FindForRestore(const std::string& name,
                                                        RestoreMode mode) {
  LEVELKEEP_RETURN_IF_ERROR(RequireInitialized());
  LEVELKEEP_ASSIGN_OR_RETURN(FoundBackup backup, engine_.Find(name));
  if (mode == RestoreMode::kLive && !CanRestoreLive()) {
    return Status(StatusCode::kUnsupported,
                  "this application can't restore without a restart",
                  "use mode \"stage\" and restart" +
                      (engine_.options().restore.restart_command.empty()
                           ? " the application"
                           : ": " + engine_.options().restore.restart_command));
  }
  return backup;
}

Result<RestorePreview> BackupManager::Impl::PreviewRestore(
    const RestoreRequest& request) {
  LEVELKEEP_ASSIGN_OR_RETURN(FoundBackup backup,
                             FindForRestore(request.source, request.mode));
  LEVELKEEP_RETURN_IF_ERROR(jobs_.Judge(JobType::kRestore));
  LEVELKEEP_RETURN_IF_ERROR(engine_.Open(&backup));
  LEVELKEEP_ASSIGN_OR_RETURN(RestorePreview preview, engine_.Preview(backup));
  LEVELKEEP_RETURN_IF_ERROR(engine_.RehearseRestore(
      backup, {request.stop, HostProgress(request.progress)},
      request.other_database, WayOf(request.mode)));
  if (const auto events = CountEvents()) preview.current_events = events->count;
  return preview;
}

namespace {

// What a job's record keeps of its report.
std::map<std::string, std::string> ResultOf(const RestoreReport& report,
                                            const std::string& backup) {
  std::map<std::string, std::string> result = {
      {"sequence", std::to_string(report.last_sequence)},
      {"bytes", std::to_string(report.bytes)},
      {"applied", report.applied ? "true" : "false"}};
  if (!backup.empty()) result["backup"] = backup;
  if (!report.epoch.empty()) result["epoch"] = report.epoch;
  return result;
}

}  // namespace

Result<RestoreReport> BackupManager::Impl::RestoreBackup(
    const RestoreRequest& request) {
  LEVELKEEP_ASSIGN_OR_RETURN(
      const JobRequest job,
      Complete({.type = JobType::kRestore,
                .backup = request.source,
                .mode = request.mode,
                .other_database = request.other_database}));
  return jobs_.RunFor<RestoreReport>(
      job, {.stop = request.stop, .progress = HostProgress(request.progress)});
}

JobOutcome BackupManager::Impl::Restore(const JobRun& run) {
  const JobRequest& request = run.request;
  const auto backup = FindForRestore(request.backup, request.mode);
  if (!backup.ok()) return {backup.status()};
  const bool live = WayOf(request.mode) == RestoreWay::kNow;
  auto report = live
                    ? engine_.Restore(*backup, run.work, request.other_database)
                    : engine_.Stage(*backup, run.work, request.other_database);
  SubmitVerificationOfReplaced();
  if (!report.ok()) {
    LogError(kEngineLogTag,
             backup->name + ": restore failed: " + report.status().ToString());
    return {report.status()};
  }
  const std::string sequence = std::to_string(report->last_sequence);
  const std::string what = live ? ": restored, write number " + sequence
                                : ": staged for the next start";
  LogInfo(kEngineLogTag, backup->name + what);
  return {Status::Ok(), backup->name + what, ResultOf(*report, backup->name),
          std::move(report).value()};
}

Status BackupManager::Impl::JudgeUndo(UndoScope scope) {
  LEVELKEEP_RETURN_IF_ERROR(RequireInitialized());
  if (!engine_.restorer()->UndoAvailable()) {
    return Status(StatusCode::kNotFound, "there is no restore to undo",
                  "the replaced database is kept for BACKUP_UNDO_HOURS, and "
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
  LEVELKEEP_RETURN_IF_ERROR(jobs_.Judge(JobType::kUndo));
  return engine_.PreviewUndo(scope);
}

Result<RestoreReport> BackupManager::Impl::UndoRestore(UndoScope scope) {
  LEVELKEEP_ASSIGN_OR_RETURN(
      const JobRequest job,
      Complete({.type = JobType::kUndo, .all = scope == UndoScope::kAll}));
  return jobs_.RunFor<RestoreReport>(job, {});
}

// An undo exchanges the database at once.
JobOutcome BackupManager::Impl::Undo(const JobRun& run) {
  const Status begun = run.work.Commit();
  if (!begun.ok()) return {begun};
  auto report =
      engine_.Undo(run.request.all ? UndoScope::kAll : UndoScope::kLast);
  if (!report.ok()) return {report.status()};
  const std::string sequence = std::to_string(report->last_sequence);
  const std::string what = "restore undone, write number " + sequence;
  LogInfo(kEngineLogTag, what);
  return {Status::Ok(), what, ResultOf(*report, ""), std::move(report).value()};
}

}  // namespace levelkeep
