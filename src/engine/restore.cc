// Preview, restore, undo. The swap itself is the Restorer's.

#include <algorithm>
#include <utility>

#include "archive/archive_reader.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "dbfiles/db_lock.h"
#include "dbfiles/identity.h"
#include "engine/engine.h"
#include "leveldb/db.h"
#include "restore/layout.h"
#include "restore/scanned.h"

namespace levelkeep {

namespace {

constexpr char kBytewise[] = "leveldb.BytewiseComparator";

// `folder` or, if it is still to be made, the one above on whose disk it will
// be.
std::string NearestFolder(FileSystem* fs, std::string folder) {
  while (!PathExists(fs, folder) && folder != ParentPath(folder)) {
    folder = ParentPath(folder);
  }
  return folder;
}

RestoreReport ToReport(const RestoreOutcome& outcome) {
  RestoreReport report;
  report.name = outcome.archive_name;
  report.applied = true;
  report.last_sequence = outcome.last_sequence;
  report.bytes = outcome.content_bytes;
  report.epoch = outcome.epoch;
  return report;
}

}  // namespace

std::string Engine::ScannedSha256(const FoundBackup& backup) {
  if (backup.by_path) {
    if (!ParseBackupName(backup.name)) return "";
    const auto listed = Find(backup.name);
    return listed.ok() ? ScannedSha256(*listed) : "";
  }
  const bool verified =
      backup.verified() && backup.verification->depth == VerifyDepth::kFull;
  if (!verified || !platform_.has_storage) return "";
  const auto options = NewRestorerOptions();
  if (!options.ok()) return "";
  const bool scanned =
      WasScanned({fs_, clock_, *options}, backup.verified_sha256);
  return scanned ? backup.verified_sha256 : "";
}

RestoreSource Engine::SourceOf(const FoundBackup& backup) {
  RestoreSource source(backup.path, ScannedSha256(backup));
  source.reader = backup.reader.get();
  return source;
}

// With an application's own comparator only levelkeep-check, which imitates
// it, can open the database.
Status Engine::OpenAndClose(const std::string& db_dir) {
  if (options_.comparator_name != kBytewise) return Status::Ok();
  leveldb::Options open;
  open.env = database_->env();
  leveldb::DB* raw = nullptr;
  const leveldb::Status status = leveldb::DB::Open(open, db_dir, &raw);
  const std::unique_ptr<leveldb::DB> db(raw);
  if (status.ok()) return Status::Ok();
  // The disk's failure is not the database's: see IsArchiveFault.
  return Status(
      status.IsIOError() ? StatusCode::kIoError : StatusCode::kCorruption,
      "LevelDB can't open " + db_dir + ": " + status.ToString());
}

Result<RestorerOptions> Engine::NewRestorerOptions() {
  RestorerOptions result;
  result.storage_dir = options_.storage_dir;
  result.db_name = options_.db_name;
  result.restore_dir = options_.restore_dir;
  result.remembered_id = RememberedId();
  result.announce = [this](const DatabaseIdentity& coming) {
    ExpectHistory(coming);
  };
  result.comparator_name = options_.comparator_name;
  result.reserve_bytes = options_.reserve_bytes;
  result.threads = options_.threads;
  result.open_check = [this](const std::string& dir) {
    return OpenAndClose(dir);
  };
  result.env = platform_.env;
  result.tries_folders = platform_.tries_folders;
  result.store_checker = platform_.store_checker;
  result.archive_checker = platform_.archive_checker;
  if (result.store_checker) return result;
  LEVELKEEP_ASSIGN_OR_RETURN(result.check_program,
                             FindCheckProgram(fs_, options_.check_program));
  return result;
}

Result<Restorer*> Engine::OpenRestorer() {
  if (restorer_ == nullptr) {
    LEVELKEEP_ASSIGN_OR_RETURN(RestorerOptions options, NewRestorerOptions());
    restorer_ = std::make_unique<Restorer>(fs_, clock_, std::move(options));
  }
  return restorer_.get();
}

// 1. nobody else has the database   2. folders, and whether they will do
// 3. the instance lock   4. what a crash interrupted. Done already where
// BackupManager started.
Status Engine::RequireStorage() {
  if (restorer_ != nullptr && restorer_->recovered()) return Status::Ok();
  LEVELKEEP_RETURN_IF_ERROR(CheckFolders());
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
  LEVELKEEP_ASSIGN_OR_RETURN(Restorer* const restorer, OpenRestorer());
  LEVELKEEP_RETURN_IF_ERROR(restorer->Prepare());
  return restorer->Recover().status();
}

Status Engine::Open(FoundBackup* backup) const {
  LEVELKEEP_ASSIGN_OR_RETURN(backup->reader,
                             ArchiveReader::Open(fs_, backup->path));
  return Status::Ok();
}

// The manifest, if there is one: the catalog knows that of what it has read; of
// a file, or of what it could not read, the archive itself is asked.
Result<std::shared_ptr<const Manifest>> Engine::DescribeContent(
    const FoundBackup& backup, RestorePreview* preview) const {
  std::shared_ptr<const Manifest> manifest;
  if (backup.manifest) {
    manifest = std::make_shared<Manifest>(*backup.manifest);
  } else {
    FoundBackup open = backup;
    if (!open.reader) LEVELKEEP_RETURN_IF_ERROR(Open(&open));
    manifest = open.reader->outline().manifest;
  }
  preview->needed_bytes = options_.reserve_bytes;
  if (manifest == nullptr) return manifest;
  preview->backup_created = manifest->created;
  preview->backup_sequence = manifest->last_sequence;
  if (manifest->events) preview->backup_events = manifest->events->count;
  preview->needed_bytes += manifest->source_bytes;
  return manifest;
}

// 1. can it be done there?   2. the manifest   3. what would be lost
// 4. is there space?
Result<RestorePreview> Engine::Preview(const FoundBackup& backup) {
  RestorerOptions place;
  place.storage_dir = options_.storage_dir;
  place.db_name = options_.db_name;
  place.tries_folders = platform_.tries_folders;
  LEVELKEEP_RETURN_IF_ERROR(CheckFolders());
  LEVELKEEP_RETURN_IF_ERROR(CheckStorage({fs_, clock_, place}));
  RestorePreview preview;
  preview.name = backup.name;
  LEVELKEEP_ASSIGN_OR_RETURN(const std::shared_ptr<const Manifest> manifest,
                             DescribeContent(backup, &preview));
  const std::string db_dir = options_.storage_path();
  preview.database_present = DatabasePresent();
  preview.current_sequence = database_->LastSequence();
  preview.lost_writes = preview.current_sequence;
  if (manifest != nullptr) {
    preview.other_database = ReadOwner().IsOther(*manifest);
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

Status Engine::RefuseOther(const FoundBackup& backup,
                           bool other_database) const {
  if (backup.by_path || other_database || !IsOther(backup)) return Status::Ok();
  return Status(StatusCode::kOtherDatabase,
                backup.name + " is a backup of another database than " +
                    options_.storage_path(),
                "choose one of this database, or say that it is meant: "
                "--other-database, \"otherDatabase\":true");
}

// 1. the storage is ours, and can do it   2. check, extract and open the backup
// beside the live data   3. compare it with its sidecar   4. close, swap,
// reopen
Result<RestoreReport> Engine::Restore(const FoundBackup& backup,
                                      const Work& work, bool other_database) {
  LEVELKEEP_RETURN_IF_ERROR(RefuseOther(backup, other_database));
  LEVELKEEP_RETURN_IF_ERROR(RequireStorage());
  LEVELKEEP_RETURN_IF_ERROR(restorer_->CheckStorage());
  LEVELKEEP_ASSIGN_OR_RETURN(const Restorer::Staged staged,
                             restorer_->Stage(SourceOf(backup), work));
  auto outcome = [&]() -> Result<RestoreOutcome> {
    LEVELKEEP_RETURN_IF_ERROR(
        CheckSidecar(backup, staged.outcome.archive_sha256)
            .WithContext(backup.name));
    return SwapWhileClosed([&] { return restorer_->Apply(staged); },
                           [&] { return restorer_->TakeBack(); });
  }();
  if (!outcome.ok()) {
    restorer_->Discard(staged);
    return outcome.status();
  }
  return ToReport(*outcome);
}

Result<RestoreReport> Engine::Undo(UndoScope scope) {
  LEVELKEEP_RETURN_IF_ERROR(RequireStorage());
  LEVELKEEP_RETURN_IF_ERROR(restorer_->CheckStorage());
  const auto undo = [&] { return restorer_->Undo(scope); };
  // An undo that the application can't use is undone: nothing is lost by it.
  const auto undo_that = [&] { return restorer_->Undo(UndoScope::kLast); };
  LEVELKEEP_ASSIGN_OR_RETURN(
      const RestoreOutcome outcome,
      database_->IsOpen() ? SwapWhileClosed(undo, undo_that) : undo());
  return ToReport(outcome);
}

// An application that failed half-way must not stay without its database.
Status Engine::CloseDatabase() {
  const Status closed =
      database_->Close().WithContext("closing the database for the restore");
  if (closed.ok() || database_->IsOpen()) return closed;
  const Status reopened = database_->Reopen();
  if (reopened.ok()) return closed;
  return Status(
      closed.code(),
      closed.message() + "; and it did not open again: " + reopened.message(),
      reopened.hint());
}

Result<RestoreOutcome> Engine::SwapWhileClosed(const Swap& swap,
                                               const Swap& swap_back) {
  LEVELKEEP_RETURN_IF_ERROR(CloseDatabase());
  auto outcome = swap();
  Status reopened = database_->Reopen();
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
      database_->Reopen().WithContext("the old database did not open again"));
  return reopened
      .WithContext("the application could not open the restored database")
      .WithHint("the old data are back in place, nothing was lost");
}

Result<std::vector<KeptDatabase>> Engine::ListKept() {
  LEVELKEEP_ASSIGN_OR_RETURN(Restorer* const restorer, OpenRestorer());
  return restorer->ListKept();
}

Status Engine::ForgetUndo() {
  LEVELKEEP_RETURN_IF_ERROR(RequireStorage());
  return restorer_->ForgetUndo();
}

// An undo goes on with a history of which there are backups already: only the
// time tells those that were begun after it. A clock that went back keeps more.
bool Engine::UndoIsDue() {
  const auto restorer = OpenRestorer();
  if (!restorer.ok()) return false;
  const auto last = (*restorer)->FindLastExchange();
  if (!last.ok() ||
      clock_->Now() - last->when < std::chrono::hours(options_.undo_hours)) {
    return false;
  }
  const auto epoch = ReadEpoch(fs_, options_.storage_path());
  const auto listing = catalog_.List();
  if (!epoch.ok() || epoch->empty() || !listing.ok()) return false;
  const auto& entries = (*listing)->entries();
  return std::any_of(
      entries.begin(), entries.end(), [&](const Listing::Entry& entry) {
        return entry->verified() && entry->manifest &&
               entry->verification->depth == VerifyDepth::kFull &&
               entry->manifest->db_epoch == *epoch &&
               entry->order_time() >= last->when &&
               (!CountsWrites(*entry->manifest) ||
                entry->manifest->last_sequence >= last->live_sequence);
      });
}

// 1. is anything kept, and due?   2. the storage is ours   3. still due?
Result<bool> Engine::ForgetDueUndo() {
  if (!UndoIsDue()) return false;
  const Status ours = RequireStorage();
  if (ours.code() == StatusCode::kBusy) return false;
  LEVELKEEP_RETURN_IF_ERROR(ours);
  if (!UndoIsDue()) return false;
  LEVELKEEP_RETURN_IF_ERROR(restorer_->ForgetUndo());
  LogInfo(kEngineLogTag,
          "a later backup is verified: the database that the last restore "
          "replaced was removed");
  return true;
}

bool Engine::ForgetUndoWhenDue() {
  const auto forgotten = ForgetDueUndo();
  if (forgotten.ok()) return *forgotten;
  LogWarn(kEngineLogTag, "the replaced database was not removed: " +
                             forgotten.status().ToString());
  return false;
}

Result<RestoreReport> Engine::Stage(const FoundBackup& backup, const Work& work,
                                    bool other_database) {
  LEVELKEEP_RETURN_IF_ERROR(RefuseOther(backup, other_database));
  LEVELKEEP_RETURN_IF_ERROR(RequireStorage());
  FoundBackup open = backup;
  if (!open.reader) LEVELKEEP_RETURN_IF_ERROR(Open(&open));
  ArchiveReadOptions read;
  read.threads = options_.threads;
  read.work = work;
  const auto checked = open.reader->Check(read);
  if (!checked.ok()) {
    return ExplainFault(backup, open.reader.get(), checked.status(), work)
        .WithContext(backup.name);
  }
  LEVELKEEP_RETURN_IF_ERROR(
      CheckSidecar(backup, checked->archive_sha256).WithContext(backup.name));
  LEVELKEEP_RETURN_IF_ERROR(restorer_->StageForRestart(SourceOf(open)));
  RestoreReport report;
  report.name = backup.name;
  report.restart_command = options_.restart_command;
  if (backup.manifest) {
    report.last_sequence = backup.manifest->last_sequence;
    report.bytes = backup.manifest->source_bytes;
  }
  return report;
}

Result<RestorePreview> Engine::PreviewExtract(const FoundBackup& backup,
                                              const std::string& target_dir) {
  LEVELKEEP_ASSIGN_OR_RETURN(Restorer* const restorer, OpenRestorer());
  LEVELKEEP_RETURN_IF_ERROR(restorer->CheckTarget(target_dir));
  RestorePreview preview;
  preview.name = backup.name;
  LEVELKEEP_RETURN_IF_ERROR(DescribeContent(backup, &preview).status());
  LEVELKEEP_ASSIGN_OR_RETURN(preview.free_bytes,
                             fs_->FreeSpace(NearestFolder(fs_, target_dir)));
  return preview;
}

Result<RestoreReport> Engine::Extract(const FoundBackup& backup,
                                      const std::string& target_dir,
                                      const Work& work) {
  LEVELKEEP_ASSIGN_OR_RETURN(Restorer* const restorer, OpenRestorer());
  LEVELKEEP_ASSIGN_OR_RETURN(
      const RestoreOutcome outcome,
      restorer->ExtractTo(SourceOf(backup), target_dir, work));
  RestoreReport report = ToReport(outcome);
  report.applied = false;
  return report;
}

}  // namespace levelkeep
