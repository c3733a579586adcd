// Restore by name: live where the host can close and reopen, else staged
// for the next start. The swap itself is Restorer's.

#include <utility>

#include "archive/archive_reader.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "manager/backup_manager_impl.h"

namespace levelkeep {

namespace {

constexpr char kTag[] = "BackupManager";

RestoreReport ToReport(const RestoreOutcome& outcome, const std::string& name) {
  RestoreReport report;
  report.name = name;
  report.applied = true;
  report.last_sequence = outcome.last_sequence;
  report.bytes = outcome.content_bytes;
  report.epoch = outcome.epoch;
  return report;
}

}  // namespace

Result<RestorePreview> BackupManager::Impl::PreviewRestore(
    const std::string& name) {
  LEVELKEEP_RETURN_IF_ERROR(RequireInitialized());
  LEVELKEEP_ASSIGN_OR_RETURN(const CatalogEntry entry, set_.FindEntry(name));
  if (!entry.manifest) {
    return Status(StatusCode::kCorruption,
                  entry.name + " can't be restored by name: " + entry.problem,
                  "choose another backup, or drop the file into RESTORE_DIR");
  }
  RestorePreview preview;
  preview.name = entry.name;
  preview.backup_created = entry.created();
  preview.backup_sequence = entry.manifest->last_sequence;
  preview.current_sequence = CurrentSequence();
  {
    MutexLock lock(&mutex_);
    preview.same_history = entry.manifest->db_epoch == epoch_;
  }
  if (!preview.same_history) {
    preview.lost_writes = preview.current_sequence;
  } else if (preview.current_sequence > preview.backup_sequence) {
    preview.lost_writes = preview.current_sequence - preview.backup_sequence;
  }
  if (entry.manifest->events) {
    preview.backup_events = entry.manifest->events->count;
  }
  if (event_counter_ && attached()) {
    preview.current_events = event_counter_().count;
  }
  preview.needed_bytes = entry.manifest->source_bytes + options_.reserve_bytes;
  LEVELKEEP_ASSIGN_OR_RETURN(preview.free_bytes,
                             fs_->FreeSpace(options_.storage_dir));
  return preview;
}

Result<RestoreReport> BackupManager::Impl::RestoreBackup(
    const RestoreRequest& request) {
  LEVELKEEP_RETURN_IF_ERROR(RequireInitialized());
  LEVELKEEP_ASSIGN_OR_RETURN(const BackupInfo backup,
                             set_.Find(request.source));
  if (request.mode == RestoreMode::kLive && !CanRestoreLive()) {
    return Status(
        StatusCode::kUnsupported,
        "this application can't restore without a restart",
        "use mode \"stage\" and restart: " + options_.restart_command);
  }
  // A verification in the background must not stand in the way of a person.
  LEVELKEEP_ASSIGN_OR_RETURN(
      auto ticket,
      jobs_.BeginInsteadOf(JobKind::kVerify, JobKind::kRestore, request.stop));
  const bool live = request.mode == RestoreMode::kLive ||
                    (request.mode == RestoreMode::kAuto && CanRestoreLive());
  auto report = live ? RestoreLive(request, backup, ticket->stop())
                     : RestoreStaged(backup, ticket->stop());
  if (report.ok()) {
    LogInfo(kTag,
            backup.name + (live ? ": restored, sequence " +
                                      std::to_string(report->last_sequence)
                                : ": staged for the next start"));
  } else {
    LogError(kTag,
             backup.name + ": restore failed: " + report.status().ToString());
  }
  return report;
}

// 1. check, extract and validate beside the live data   2. close
// 3. swap   4. reopen; if that fails, put the old data back and reopen
Result<RestoreReport> BackupManager::Impl::RestoreLive(
    const RestoreRequest& request, const BackupInfo& backup,
    std::stop_token stop) {
  LEVELKEEP_ASSIGN_OR_RETURN(
      const Restorer::Staged staged,
      restorer_->Stage({backup.path, set_.ScannedSha256(backup.name)},
                       std::move(stop), request.progress));
  if (Status status = CheckSidecar(backup, staged.outcome.archive_sha256);
      !status.ok()) {
    restorer_->Discard(staged);
    return status.WithContext(backup.name);
  }
  const OpenCheck check = [this](const std::string& dir) {
    return OpenAndClose(dir);
  };
  const auto outcome =
      SwapWhileClosed([&] { return restorer_->Apply(staged, check); },
                      [&] { return restorer_->TakeBack(check); });
  if (!outcome.ok()) {
    restorer_->Discard(staged);
    return outcome.status();
  }
  return ToReport(*outcome, backup.name);
}

Result<RestoreOutcome> BackupManager::Impl::SwapWhileClosed(
    const Swap& swap, const Swap& swap_back) {
  LEVELKEEP_RETURN_IF_ERROR(
      hooks_.close().WithContext("closing the database for the restore"));
  auto outcome = swap();
  Status reopened = hooks_.reopen();
  if (reopened.ok()) return outcome;
  if (!outcome.ok()) {
    return reopened.WithContext("after a failed restore (" +
                                outcome.status().message() +
                                ") the database did not open again");
  }
  // LevelDB could open what we swapped in, the application could not.
  const auto back = swap_back();
  if (!back.ok()) return back.status();
  LEVELKEEP_RETURN_IF_ERROR(
      hooks_.reopen().WithContext("the old database did not open again"));
  return reopened
      .WithContext("the application could not open the restored database")
      .WithHint("the old data are back in place, nothing was lost");
}

// Whoever asked is told now, not by the next start, that an archive is bad.
Result<RestoreReport> BackupManager::Impl::RestoreStaged(
    const BackupInfo& backup, std::stop_token stop) {
  {
    LEVELKEEP_ASSIGN_OR_RETURN(auto reader,
                               ArchiveReader::Open(fs_, backup.path));
    LEVELKEEP_ASSIGN_OR_RETURN(const std::string sha256, reader->Sha256(stop));
    LEVELKEEP_RETURN_IF_ERROR(
        CheckSidecar(backup, sha256).WithContext(backup.name));
    ArchiveReadOptions read;
    read.threads = options_.threads;
    read.work.stop = stop;
    LEVELKEEP_ASSIGN_OR_RETURN(const ExtractedDatabase checked,
                               reader->Check(read));
  }
  LEVELKEEP_RETURN_IF_ERROR(restorer_->StageForRestart(backup.path));
  RestoreReport report;
  report.name = backup.name;
  report.applied = false;
  report.restart_command = options_.restart_command;
  report.last_sequence = backup.last_sequence;
  report.bytes = backup.source_bytes;
  return report;
}

Result<RestoreReport> BackupManager::Impl::UndoRestore(UndoScope scope) {
  LEVELKEEP_RETURN_IF_ERROR(RequireInitialized());
  if (!restorer_->UndoAvailable()) {
    return Status(StatusCode::kNotFound, "there is no restore to undo",
                  "the replaced database is kept until the next verified "
                  "backup; restore a backup instead");
  }
  if (attached() && !CanRestoreLive()) {
    return Status(StatusCode::kUnsupported,
                  "this application can't undo a restore while it runs",
                  std::string("stop it and run: levelkeep restore ") +
                      (scope == UndoScope::kAll ? "--undo-all" : "--undo"));
  }
  LEVELKEEP_ASSIGN_OR_RETURN(
      auto ticket, jobs_.BeginInsteadOf(JobKind::kVerify, JobKind::kRestore,
                                        std::stop_token()));
  const OpenCheck check = [this](const std::string& dir) {
    return OpenAndClose(dir);
  };
  const auto undo = [&] { return restorer_->Undo(check, scope); };
  // An undo that the application can't use is undone: nothing is lost by it.
  const auto undo_that = [&] { return restorer_->Undo(check); };
  const auto outcome = attached() ? SwapWhileClosed(undo, undo_that) : undo();
  if (!outcome.ok()) return outcome.status();
  LogInfo(kTag,
          "restore undone, sequence " + std::to_string(outcome->last_sequence));
  return ToReport(*outcome, outcome->archive_name);
}

}  // namespace levelkeep
