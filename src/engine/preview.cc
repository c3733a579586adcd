// What an operation would do, or with which error it would be refused. Nothing
// here writes, except the probe of a folder, which leaves no file.

#include <algorithm>

#include "base/process.h"
#include "base/status_macros.h"
#include "dbfiles/db_lock.h"
#include "engine/engine.h"
#include "restore/staging.h"

namespace levelkeep {

Status Engine::RefuseOther(const FoundBackup& backup,
                           bool other_database) const {
  // A user who names a file, or drops one, has chosen that file.
  if (backup.by_path || other_database || !IsOther(backup)) return Status::Ok();
  return Status(StatusCode::kOtherDatabase,
                backup.name + " is a backup of another database than " +
                    options_.storage_path(),
                "choose a backup of this database, or confirm this one: "
                "--other-database, \"otherDatabase\":true in the body of a "
                "restore, ?otherDatabase=true in a DELETE");
}

Status Engine::RequireClosed(const char* if_open) const {
  const std::string db_dir = options_.storage_path();
  std::string holder;
  LEVELKEEP_ASSIGN_OR_RETURN(const DbLock::State state,
                             DbLock::Probe(fs_, db_dir, &holder));
  if (state == DbLock::State::kFree) return Status::Ok();
  return Status(StatusCode::kBusy,
                "database " + db_dir + " is open in " + holder, if_open);
}

std::vector<std::string> Engine::Warnings() {
  std::vector<std::string> warnings = {
      DescribeMissingCheck(),
      FewFilesMayBeOpen() ? "this process may open only a few files at once "
                            "(ulimit -n, LimitNOFILE): with many connections "
                            "or tables it will fail to open more"
                          : "",
      DescribeFileSizeLimit()};
  std::erase(warnings, "");
  return warnings;
}

// 1. the right database?   2. the storage   3. the archive: is it usable and
// checked, and does it fit   4. RESTORE_DIR, if the archive waits there for a
// start, which scans it
Status Engine::JudgeRestore(FoundBackup* backup, bool other_database,
                            RestoreWay way) {
  const bool waits = way == RestoreWay::kAtStart;
  LEVELKEEP_RETURN_IF_ERROR(RefuseOther(*backup, other_database));
  LEVELKEEP_RETURN_IF_ERROR(RequireStorage(kStopItOrRestore, Walk::Judge()));
  LEVELKEEP_RETURN_IF_ERROR(
      ReadIdentity(fs_, options_.storage_path()).status());
  if (waits) {
    LEVELKEEP_RETURN_IF_ERROR(RequireDropsApplied());
    LEVELKEEP_RETURN_IF_ERROR(RequireCheck().WithContext(backup->name));
  }
  if (!backup->reader) LEVELKEEP_RETURN_IF_ERROR(Open(backup));
  LEVELKEEP_RETURN_IF_ERROR(CheckableSource(*backup).status());
  const ArchiveOutline& outline = backup->reader->outline();
  const RestoreContext context{fs_, clock_, NewRestorerOptions()};
  LEVELKEEP_RETURN_IF_ERROR(
      CheckFits(context, outline, context.work_dir(), true).status());
  return waits ? OpenRestorer()->JudgeStage(outline, backup->name)
               : Status::Ok();
}

Result<std::string> Engine::ReadThrough(const FoundBackup& backup,
                                        const Work& work) {
  ArchiveReadOptions read;
  read.threads = options_.resources.threads;
  read.work = work;
  const auto checked = backup.reader->Check(read);
  if (checked.ok()) return checked->archive_sha256;
  return ExplainFault(backup, backup.reader.get(), checked.status(), work)
      .WithContext(backup.name);
}

// 1. the manifest   2. writes that would be lost   3. is there space?
Result<RestorePreview> Engine::Preview(const FoundBackup& backup) {
  RestorePreview preview;
  preview.name = backup.name;
  preview.needed_bytes = options().resources.reserve_bytes;
  preview.warnings = Warnings();
  // The catalog knows the manifest of each archive that it has read. For a
  // file, or an archive that the catalog could not read, the archive itself is
  // read.
  std::shared_ptr<const Manifest> manifest;
  if (backup.manifest) {
    manifest = std::make_shared<Manifest>(*backup.manifest);
  } else {
    FoundBackup open = backup;
    if (!open.reader) LEVELKEEP_RETURN_IF_ERROR(Open(&open));
    manifest = open.reader->outline().manifest;
  }
  const std::string db_dir = options_.storage_path();
  preview.database_present = DatabasePresent();
  preview.current_sequence = database_->LastSequence();
  preview.lost_writes = preview.current_sequence;
  if (manifest != nullptr) {
    preview.backup_created = manifest->created;
    preview.backup_sequence = manifest->last_sequence;
    preview.other_database = ReadOwner().IsOther(*manifest);
    if (manifest->events) preview.backup_events = manifest->events->count;
    preview.needed_bytes += manifest->source_bytes;
    const auto epoch = ReadEpoch(fs_, db_dir);
    preview.same_history = epoch.ok() && !epoch->empty() &&
                           manifest->db_epoch == *epoch &&
                           CountsWrites(*manifest);
  }
  if (preview.same_history) {
    preview.lost_writes -=
        std::min(preview.lost_writes, preview.backup_sequence);
  }
  LEVELKEEP_ASSIGN_OR_RETURN(
      preview.free_bytes,
      fs_->FreeSpace(NearestFolder(fs_, options_.storage_dir)));
  return preview;
}

// Faults that show only when the database is opened were found by its
// verification.
Status Engine::RehearseRestore(const FoundBackup& backup, const Work& work,
                               bool other_database, RestoreWay way) {
  FoundBackup open = backup;
  LEVELKEEP_RETURN_IF_ERROR(JudgeRestore(&open, other_database, way));
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string sha256, ReadThrough(open, work));
  LEVELKEEP_RETURN_IF_ERROR(CheckSidecar(open, sha256).WithContext(open.name));
  if (open.by_path || !open.damaged()) return Status::Ok();
  return Status(StatusCode::kCorruption,
                open.name + ": " + open.verification->message,
                "choose another backup");
}

Status Engine::RehearseExtract(const FoundBackup& backup,
                               const std::string& target_dir,
                               const Work& work) {
  FoundBackup open = backup;
  LEVELKEEP_RETURN_IF_ERROR(RefuseInside("the target", target_dir));
  if (!open.reader) LEVELKEEP_RETURN_IF_ERROR(Open(&open));
  LEVELKEEP_RETURN_IF_ERROR(CheckableSource(open).status());
  LEVELKEEP_RETURN_IF_ERROR(
      OpenRestorer()->JudgeExtract(open.reader->outline(), target_dir));
  return ReadThrough(open, work).status();
}

Result<KeptDatabase> Engine::PreviewUndo(UndoScope scope) {
  LEVELKEEP_RETURN_IF_ERROR(RequireStorage(kStopItOrUndo, Walk::Judge()));
  return OpenRestorer()->FindUndo(scope);
}

}  // namespace levelkeep
