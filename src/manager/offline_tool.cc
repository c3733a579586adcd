#include "manager/offline_tool.h"

#include <utility>

#include "archive/archive_reader.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "dbfiles/db_lock.h"
#include "dbfiles/epoch.h"
#include "levelkeep/snapshot_env.h"
#include "manager/open_check.h"

namespace levelkeep {

namespace {

constexpr char kTag[] = "BackupManager";

RestoreReport ToReport(const RestoreOutcome& outcome, bool applied) {
  RestoreReport report;
  report.name = outcome.archive_name;
  report.applied = applied;
  report.last_sequence = outcome.last_sequence;
  report.bytes = outcome.content_bytes;
  report.epoch = outcome.epoch;
  return report;
}

}  // namespace

OfflineTool::OfflineTool(const BackupOptions& options, FileSystem* fs,
                         Clock* clock)
    : OfflineTool(options, Platform{.fs = fs, .clock = clock}) {}

OfflineTool::OfflineTool(const BackupOptions& options, const Platform& platform)
    : options_(options),
      platform_(platform),
      fs_(platform.fs),
      clock_(platform.clock),
      set_(options, platform) {}

Result<BackupInfo> OfflineTool::Locate(const std::string& source) {
  if (source.find('/') == std::string::npos && !PathExists(fs_, source)) {
    return set_.Find(source);
  }
  BackupInfo file;  // no sidecar is looked for beside somebody's file
  file.name = BaseName(source);
  file.path = source;
  return file;
}

Status OfflineTool::OpenAndClose(const std::string& db_dir) {
  // LevelDB by itself passes over a log that the disk does not give, and then
  // removes it; through this Env it does not open.
  SnapshotEnv env(platform_.env, fs_);
  return levelkeep::OpenAndClose(options_, &env, db_dir);
}

Result<std::unique_ptr<Snapshot>> OfflineTool::TakeSnapshot(std::string* way) {
  const std::string db_dir = options_.storage_path();
  auto offline = TakeOfflineSnapshot(fs_, db_dir);
  if (offline.ok()) *way = "database is closed: offline snapshot";
  if (offline.ok() || offline.status().code() != StatusCode::kBusy) {
    return offline;
  }
  std::string holder;
  LEVELKEEP_ASSIGN_OR_RETURN(const DbLock::State state,
                             DbLock::Probe(fs_, db_dir, &holder));
  *way = state == DbLock::State::kFree
             ? "database was closed just now: external snapshot"
             : "database is open in " + holder + ": external snapshot";
  ExternalSnapshotOptions external;
  // Beside the database, so that its tables can be linked.
  external.scratch_dir = JoinPath(JoinPath(options_.storage_dir, ".levelkeep"),
                                  "scratch-" + RandomId());
  LEVELKEEP_RETURN_IF_ERROR(
      CreateDirectories(fs_, ParentPath(external.scratch_dir)));
  return TakeExternalSnapshot(fs_, db_dir, external);
}

Result<BackupInfo> OfflineTool::Create(const CreateRequest& request,
                                       std::string* way) {
  LEVELKEEP_RETURN_IF_ERROR(ValidateLabel(request.label));
  const std::string db_dir = options_.storage_path();
  if (!PathExists(fs_, JoinPath(db_dir, "CURRENT"))) {
    return Status(StatusCode::kNotFound, "there is no database in " + db_dir,
                  "check STORAGE_DIR and DB_NAME");
  }
  LEVELKEEP_ASSIGN_OR_RETURN(auto lock, set_.LockForWriting());
  LEVELKEEP_ASSIGN_OR_RETURN(auto snapshot, TakeSnapshot(way));
  BackupRequest backup;
  backup.label = request.label;
  backup.trigger = request.trigger;
  backup.stop = request.stop;
  backup.progress = request.progress;
  LEVELKEEP_ASSIGN_OR_RETURN(backup.db_epoch, ReadOrCreateEpoch(fs_, db_dir));
  LEVELKEEP_ASSIGN_OR_RETURN(BackupInfo made,
                             set_.Write(*snapshot, backup, *lock));
  // A failing rotation does not unmake the backup.
  if (auto rotated = set_.Rotate(false, {made.name}, *lock); !rotated.ok()) {
    LogError(kTag, "rotation failed: " + rotated.status().ToString());
  }
  return made;
}

Result<InspectReport> OfflineTool::Inspect(const std::string& source,
                                           std::stop_token stop) {
  InspectReport report;
  LEVELKEEP_ASSIGN_OR_RETURN(const BackupInfo backup, Locate(source));
  report.path = backup.path;
  LEVELKEEP_ASSIGN_OR_RETURN(auto reader,
                             ArchiveReader::Open(fs_, report.path));
  const ArchiveOutline& outline = reader->outline();
  report.size_bytes = outline.archive_bytes;
  report.own = outline.own;
  report.manifest = outline.manifest;
  if (outline.manifest) {
    report.files = outline.manifest->files;
    return report;
  }
  ArchiveReadOptions read;
  read.work.stop = std::move(stop);
  LEVELKEEP_ASSIGN_OR_RETURN(ExtractedDatabase content, reader->Check(read));
  report.files = std::move(content.files);
  report.manifest = std::move(content.manifest);
  return report;
}

Result<VerifyReport> OfflineTool::Verify(const std::string& source,
                                         VerifyDepth depth,
                                         std::stop_token stop,
                                         const Progress& progress) {
  const bool file = source.find('/') == std::string::npos &&
                    !ParseBackupName(source) && PathExists(fs_, source);
  return set_.Verify(file ? "./" + source : source, depth, std::move(stop),
                     progress);
}

Result<std::vector<RotationDecision>> OfflineTool::Rotate(bool dry_run) {
  LEVELKEEP_ASSIGN_OR_RETURN(auto lock, set_.LockForWriting());
  return set_.Rotate(dry_run, {}, *lock);
}

Result<std::unique_ptr<Restorer>> OfflineTool::NewRestorer() {
  LEVELKEEP_ASSIGN_OR_RETURN(RestorerOptions options,
                             ToRestorerOptions(options_, platform_));
  return std::make_unique<Restorer>(fs_, clock_, std::move(options));
}

Status OfflineTool::PrepareRestorer() {
  if (restorer_) return Status::Ok();
  const std::string db_dir = options_.storage_path();
  std::string holder;
  LEVELKEEP_ASSIGN_OR_RETURN(const DbLock::State state,
                             DbLock::Probe(fs_, db_dir, &holder));
  if (state != DbLock::State::kFree) {
    return Status(StatusCode::kBusy,
                  "database " + db_dir + " is open in " + holder,
                  "stop it, use POST /api/backup/restore, or drop the file "
                  "into RESTORE_DIR and restart it");
  }
  LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(fs_, options_.storage_dir));
  LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(fs_, options_.restore_dir));
  LEVELKEEP_ASSIGN_OR_RETURN(auto restorer, NewRestorer());
  LEVELKEEP_RETURN_IF_ERROR(restorer->Prepare());
  LEVELKEEP_ASSIGN_OR_RETURN(auto recovery,
                             restorer->Recover([this](const std::string& dir) {
                               return OpenAndClose(dir);
                             }));
  restorer_ = std::move(restorer);
  return Status::Ok();
}

Result<RestorePreview> OfflineTool::PreviewRestore(const std::string& source) {
  RestorePreview preview;
  LEVELKEEP_ASSIGN_OR_RETURN(const BackupInfo backup, Locate(source));
  LEVELKEEP_ASSIGN_OR_RETURN(auto reader,
                             ArchiveReader::Open(fs_, backup.path));
  preview.name = backup.name;
  preview.needed_bytes = options_.reserve_bytes;
  if (const auto& manifest = reader->outline().manifest) {
    preview.backup_created = manifest->created;
    preview.backup_sequence = manifest->last_sequence;
    if (manifest->events) preview.backup_events = manifest->events->count;
    preview.needed_bytes += manifest->source_bytes;
  }
  const std::string db_dir = options_.storage_path();
  if (PathExists(fs_, JoinPath(db_dir, "CURRENT"))) {
    const auto current = TakeOfflineSnapshot(fs_, db_dir);
    if (current.ok()) {
      preview.current_sequence = (*current)->info().last_sequence;
    }
    const auto epoch = ReadOrCreateEpoch(fs_, db_dir);
    preview.same_history = epoch.ok() && reader->outline().manifest &&
                           reader->outline().manifest->db_epoch == *epoch;
    preview.lost_writes = preview.current_sequence;
    if (preview.same_history) {
      preview.lost_writes -=
          std::min(preview.lost_writes, preview.backup_sequence);
    }
  }
  LEVELKEEP_ASSIGN_OR_RETURN(preview.free_bytes,
                             fs_->FreeSpace(options_.storage_dir));
  return preview;
}

Result<RestoreReport> OfflineTool::Restore(const std::string& source,
                                           std::stop_token stop,
                                           const Progress& progress) {
  LEVELKEEP_ASSIGN_OR_RETURN(const BackupInfo backup, Locate(source));
  LEVELKEEP_RETURN_IF_ERROR(PrepareRestorer());
  LEVELKEEP_ASSIGN_OR_RETURN(
      const Restorer::Staged staged,
      restorer_->Stage({backup.path, set_.ScannedSha256(backup.name)},
                       std::move(stop), progress));
  if (Status status = CheckSidecar(backup, staged.outcome.archive_sha256);
      !status.ok()) {
    restorer_->Discard(staged);
    return status.WithContext(backup.name);
  }
  const auto outcome = restorer_->Apply(
      staged, [this](const std::string& dir) { return OpenAndClose(dir); });
  if (!outcome.ok()) {
    restorer_->Discard(staged);
    return outcome.status();
  }
  return ToReport(*outcome, true);
}

Result<RestoreReport> OfflineTool::Undo(UndoScope scope) {
  LEVELKEEP_RETURN_IF_ERROR(PrepareRestorer());
  LEVELKEEP_ASSIGN_OR_RETURN(
      const RestoreOutcome outcome,
      restorer_->Undo(
          [this](const std::string& dir) { return OpenAndClose(dir); }, scope));
  return ToReport(outcome, true);
}

Result<RestoreReport> OfflineTool::ExtractTo(const std::string& source,
                                             const std::string& target_dir,
                                             std::stop_token stop,
                                             const Progress& progress) {
  LEVELKEEP_ASSIGN_OR_RETURN(const BackupInfo backup, Locate(source));
  LEVELKEEP_ASSIGN_OR_RETURN(auto restorer, NewRestorer());
  LEVELKEEP_ASSIGN_OR_RETURN(
      const RestoreOutcome outcome,
      restorer->ExtractTo({backup.path, set_.ScannedSha256(backup.name)},
                          target_dir, std::move(stop), progress));
  return ToReport(outcome, false);
}

}  // namespace levelkeep
