// Restore, undo, extract. Databases that lack files are refused, or rebuilt
// from their remaining files. Restorer makes the swap itself.

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/status_macros.h"
#include "dbfiles/database_files.h"
#include "dbfiles/db_lock.h"
#include "engine/engine.h"
#include "leveldb/db.h"
#include "restore/context.h"
#include "restore/staging.h"
#include "restore/store_check.h"
#include "restore/swap.h"

namespace levelkeep {

namespace {

RestoreReport ToReport(const RestoreOutcome& outcome) {
  RestoreReport report;
  report.name = outcome.archive_name;
  report.applied = true;
  report.last_sequence = outcome.last_sequence;
  report.bytes = outcome.content_bytes;
  report.epoch = outcome.epoch;
  return report;
}

// Counts verified backups too: an undamaged backup loses less than accept-loss
// would.
std::string NewestBackup(Catalog* catalog) {
  const auto listing = catalog->List();
  if (!listing.ok()) return "";
  const CatalogEntry* newest = (*listing)->newest_verified();
  if (newest == nullptr) newest = (*listing)->newest_usable();
  return newest == nullptr ? "" : newest->name;
}

}  // namespace

std::string Engine::ScannedSha256(const FoundBackup& backup) {
  if (backup.by_path) {
    if (!ParseBackupName(backup.name)) return "";
    const auto listed = Find(backup.name);
    return listed.ok() ? ScannedSha256(*listed) : "";
  }
  if (!backup.verified_in_full() || !platform_.has_storage) return "";
  const bool scanned =
      WasScanned({fs_, clock_, NewRestorerOptions()}, backup.verified_sha256);
  return scanned ? backup.verified_sha256 : "";
}

RestoreSource Engine::SourceOf(const FoundBackup& backup) {
  RestoreSource source(backup.is_local() ? backup.path : backup.name,
                       ScannedSha256(backup));
  source.reader = backup.reader.get();
  return source;
}

Status Engine::RequireCheck() const {
  if (platform_.store_checker) return Status::Ok();
  return FindCheckProgram(fs_, options_.verification.check_program).status();
}

std::string Engine::DescribeMissingCheck() const {
  const Status check = RequireCheck();
  return check.ok() ? "" : check.message() + "; " + check.hint();
}

Result<RestoreSource> Engine::CheckableSource(const FoundBackup& backup) {
  RestoreSource source = SourceOf(backup);
  if (source.scanned_sha256.empty()) {
    LEVELKEEP_RETURN_IF_ERROR(RequireCheck().WithContext(backup.name));
  }
  return source;
}

// If the application has its own comparator, only levelkeep-check, which
// imitates the comparator, can open the database.
Status Engine::OpenAndClose(const std::string& db_dir) {
  if (options_.comparator_name != kBytewise) return Status::Ok();
  leveldb::Options open;
  open.env = database_->env();
  leveldb::DB* raw = nullptr;
  const leveldb::Status status = leveldb::DB::Open(open, db_dir, &raw);
  const std::unique_ptr<leveldb::DB> db(raw);
  if (status.ok()) return Status::Ok();
  // A failure of the disk is not a fault of the database: see IsArchiveFault.
  return Status(
      status.IsIOError() ? StatusCode::kIoError : StatusCode::kCorruption,
      "LevelDB can't open " + db_dir + ": " + status.ToString());
}

RestorerOptions Engine::NewRestorerOptions() {
  RestorerOptions result;
  result.storage_dir = options_.storage_dir;
  result.db_name = options_.db_name;
  result.restore_dir = options_.restore_dir;
  result.remembered_id = RememberedId();
  result.announce = [this](const DatabaseIdentity& coming) {
    ExpectHistory(coming);
  };
  result.before_exchange = [this] { BackUpBeforeExchange({}); };
  result.comparator_name = options_.comparator_name;
  result.reserve = [this] { return options().resources.reserve_bytes; };
  result.threads = options_.resources.threads;
  result.open_check = [this](const std::string& dir) {
    return OpenAndClose(dir);
  };
  result.env = platform_.env;
  result.tries_folders = platform_.tries_folders;
  result.drop_progress = platform_.drop_progress;
  result.store_checker = platform_.store_checker;
  result.archive_checker = platform_.archive_checker;
  result.check_program = options_.verification.check_program;
  return result;
}

// A failure does not stop the restore: it may be the cure for what failed, and
// the replaced database is kept for an undo.
void Engine::BackUpBeforeExchange(std::stop_token stop) {
  if (replaced_is_saved_ || !options().schedule.before_restore ||
      !DatabasePresent()) {
    return;
  }
  const std::string db_dir = options_.storage_path();
  const auto epoch = ReadEpoch(fs_, db_dir);
  const auto listing = catalog_.List();
  const CatalogEntry* const newest =
      epoch.ok() && listing.ok() ? (*listing)->NewestOfEpoch(*epoch) : nullptr;
  if (newest != nullptr && CountsWrites(*newest->manifest) &&
      newest->manifest->last_sequence == ReadLastSequence(fs_, db_dir)) {
    NoteCovered(newest->name);
    return;
  }
  BackupRequest request;
  request.trigger = "pre-restore";
  request.rotate = false;
  request.work.stop = std::move(stop);
  const auto made = Create(std::move(request));
  if (made.ok()) {
    unverified_ = made->name;
    return;
  }
  LogError(kEngineLogTag,
           "the database that a restore replaces was not backed up; it is kept "
           "for an undo: " +
               made.status().ToString());
}

Restorer* Engine::OpenRestorer() {
  if (restorer_ == nullptr) {
    restorer_ = std::make_unique<Restorer>(fs_, clock_, NewRestorerOptions());
  }
  return restorer_.get();
}

// 1. no other process has the database open   2. the folders are there and
// usable
// 3. take the instance lock   4. finish what a crash interrupted.
//    BackupManager, which closes the database itself, has done these steps at
//    its start.
Status Engine::RequireStorage(const char* if_open, const Walk& walk) {
  const bool done = restorer_ != nullptr && restorer_->recovered();
  if (done && walk.acts()) return Status::Ok();
  LEVELKEEP_RETURN_IF_ERROR(CheckFolders());
  if (done) return CheckStorage(restorer_->context());
  LEVELKEEP_RETURN_IF_ERROR(RequireClosed(if_open));
  LEVELKEEP_RETURN_IF_ERROR(OpenRestorer()->Prepare(walk));
  return restorer_->Recover(walk).status();
}

Result<std::unique_ptr<ArchiveReader>> Engine::OpenArchive(
    const FoundBackup& backup, const Work& work) {
  if (backup.is_local()) return ArchiveReader::Open(fs_, backup.path);
  LEVELKEEP_ASSIGN_OR_RETURN(auto opened, catalog_.Open(backup, work));
  return ArchiveReader::Open(fs_, backup.name, std::move(opened.bytes),
                             opened.object.size_bytes);
}

Status Engine::Open(FoundBackup* backup) {
  LEVELKEEP_ASSIGN_OR_RETURN(backup->reader, OpenArchive(*backup, Work()));
  return Status::Ok();
}

// 1. take the storage   2. is the restore allowed?   3. check, extract and open
// the backup beside the live data   4. compare it with its sidecar   5. close,
// swap, reopen
Result<RestoreReport> Engine::Restore(const FoundBackup& backup,
                                      const Work& work, bool other_database) {
  LEVELKEEP_RETURN_IF_ERROR(RefuseOther(backup, other_database));
  LEVELKEEP_RETURN_IF_ERROR(RequireStorage(kStopItOrRestore));
  const InUseMark mark = MarkInUse(backup);
  FoundBackup open = backup;
  LEVELKEEP_RETURN_IF_ERROR(
      JudgeRestore(&open, other_database, RestoreWay::kNow));
  LEVELKEEP_ASSIGN_OR_RETURN(const Restorer::Staged staged,
                             restorer_->Stage(SourceOf(open), work));
  auto outcome = [&]() -> Result<RestoreOutcome> {
    LEVELKEEP_RETURN_IF_ERROR(
        CheckSidecar(backup, staged.outcome.archive_sha256)
            .WithContext(backup.name));
    // Before the application's database is closed.
    BackUpBeforeExchange(work.stop);
    replaced_is_saved_ = true;
    LEVELKEEP_RETURN_IF_ERROR(work.Commit());
    return SwapWhileClosed([&] { return restorer_->Apply(staged); },
                           [&] { return restorer_->TakeBack(); });
  }();
  replaced_is_saved_ = false;
  if (!outcome.ok()) {
    restorer_->Discard(staged);
    return outcome.status();
  }
  restorer_->ForgetStaged();
  return ToReport(*outcome);
}

Result<RestoreReport> Engine::Undo(UndoScope scope) {
  LEVELKEEP_RETURN_IF_ERROR(RequireWorkFolder());
  LEVELKEEP_RETURN_IF_ERROR(RequireStorage(kStopItOrUndo));
  LEVELKEEP_RETURN_IF_ERROR(RequireStorage(kStopItOrUndo, Walk::Judge()));
  // Looks before the application's database is closed. Undo itself settles an
  // interrupted restore (kBusy).
  const Status found = restorer_->FindUndo(scope).status();
  if (!found.ok() && found.code() != StatusCode::kBusy) return found;
  const auto undo = [&] { return restorer_->Undo(scope); };
  // If the application can't open the result, the undo is undone, so that
  // nothing is lost.
  const auto undo_that = [&] { return restorer_->Undo(UndoScope::kLast); };
  LEVELKEEP_ASSIGN_OR_RETURN(
      const RestoreOutcome outcome,
      database_->IsOpen() ? SwapWhileClosed(undo, undo_that) : undo());
  restorer_->ForgetStaged();
  return ToReport(outcome);
}

// If closing fails half-way, the application must not stay without its
// database.
Status Engine::CloseDatabase() {
  const Status closed =
      database_->Close().WithContext("closing the database for the restore");
  if (closed.ok() || database_->IsOpen()) return closed;
  const Status reopened = database_->Reopen();
  if (reopened.ok()) return closed;
  return Status(closed.code(),
                closed.message() + "; and the database did not open again: " +
                    reopened.message(),
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
  // LevelDB could open the restored database, but the application could not.
  const auto back = swap_back();
  if (!back.ok()) return back.status();
  LEVELKEEP_RETURN_IF_ERROR(
      database_->Reopen().WithContext("the old database did not open again"));
  return reopened
      .WithContext("the application could not open the restored database")
      .WithHint("the old data are back in place, nothing was lost");
}

Result<std::vector<KeptDatabase>> Engine::ListKept() {
  return OpenRestorer()->ListKept();
}

// Without a work folder there was no restore here; asking creates no folder.
Status Engine::RequireWorkFolder() const {
  const std::string folder =
      ParentPath(WorkDirOf(options_.storage_dir, options_.db_name));
  if (PathExists(fs_, folder)) return Status::Ok();
  return Status(StatusCode::kNotFound, "there is no restore to undo",
                folder + " does not exist: is STORAGE_DIR right?");
}

Status Engine::ForgetUndo() {
  LEVELKEEP_RETURN_IF_ERROR(RequireWorkFolder());
  LEVELKEEP_RETURN_IF_ERROR(RequireStorage(kStopIt));
  return restorer_->ForgetUndo();
}

// After an undo, the history has backups already: only the time shows which
// began after the undo. If the clock was set back, replaced databases are kept
// longer.
bool Engine::UndoIsDue() {
  const auto last = LoadUndo(OpenRestorer()->context());
  if (!last.ok() || clock_->Now() - last->when <
                        std::chrono::hours(options().restore.undo_hours)) {
    return false;
  }
  const auto epoch = ReadEpoch(fs_, options_.storage_path());
  const auto listing = catalog_.List();
  if (!epoch.ok() || epoch->empty() || !listing.ok()) return false;
  const auto& entries = (*listing)->entries();
  return std::ranges::any_of(entries, [&](const Listing::Entry& entry) {
    return entry->verified_in_full() && entry->manifest && entry->is_local() &&
           entry->manifest->db_epoch == *epoch &&
           entry->order_time() >= last->when &&
           (!CountsWrites(*entry->manifest) ||
            entry->manifest->last_sequence >= last->live_sequence);
  });
}

// 1. is anything kept, and due?   2. take the storage   3. still due?
Result<bool> Engine::ForgetDueUndo() {
  if (!UndoIsDue()) return false;
  const Status ours = RequireStorage(kStopIt);
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

Status Engine::RequireDropsApplied() const {
  if (options_.restore.at_start) return Status::Ok();
  return Status(StatusCode::kUnsupported,
                "no start would apply the restore: AUTO_RESTORE_ENABLED is "
                "false",
                "set it to true and restart, or stop the application and run: "
                "levelkeep restore NAME");
}

Result<RestoreReport> Engine::Stage(const FoundBackup& backup, const Work& work,
                                    bool other_database) {
  LEVELKEEP_RETURN_IF_ERROR(RefuseOther(backup, other_database));
  LEVELKEEP_RETURN_IF_ERROR(RequireStorage(kStopItOrRestore));
  const InUseMark mark = MarkInUse(backup);
  FoundBackup open = backup;
  LEVELKEEP_RETURN_IF_ERROR(
      JudgeRestore(&open, other_database, RestoreWay::kAtStart));
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string sha256, ReadThrough(open, work));
  LEVELKEEP_RETURN_IF_ERROR(
      CheckSidecar(backup, sha256).WithContext(backup.name));
  LEVELKEEP_RETURN_IF_ERROR(restorer_->StageForRestart(SourceOf(open)));
  RestoreReport report;
  report.name = backup.name;
  report.restart_command = options().restore.restart_command;
  if (backup.manifest) {
    report.last_sequence = backup.manifest->last_sequence;
    report.bytes = backup.manifest->source_bytes;
  }
  return report;
}

Result<RestoreReport> Engine::Extract(const FoundBackup& backup,
                                      const std::string& target_dir,
                                      const Work& work) {
  LEVELKEEP_RETURN_IF_ERROR(RefuseInside("the target", target_dir));
  const InUseMark mark = MarkInUse(backup);
  LEVELKEEP_ASSIGN_OR_RETURN(const RestoreSource source,
                             CheckableSource(backup));
  LEVELKEEP_ASSIGN_OR_RETURN(
      const RestoreOutcome outcome,
      OpenRestorer()->ExtractTo(source, target_dir, work));
  RestoreReport report = ToReport(outcome);
  report.applied = false;
  return report;
}

// A process that writes to the database has opened it, so that it lacked
// nothing then.
Status Engine::RequireWhole() {
  const std::string db_dir = options_.storage_path();
  const Status whole = levelkeep::RequireWhole(fs_, db_dir);
  if (whole.code() != StatusCode::kCorruption) return whole;
  std::string holder;
  const auto state = DbLock::Probe(fs_, db_dir, &holder);
  if (state.ok() && *state != DbLock::State::kFree) return Status::Ok();
  const std::string newest = NewestBackup(&catalog_);
  if (newest.empty()) return whole;
  return Status(whole.code(), whole.message(),
                whole.hint() + "; the newest backup is " + newest);
}

Status Engine::RequireUsable() {
  LEVELKEEP_RETURN_IF_ERROR(RequireAccess(fs_, options_.storage_path()));
  return RequireWhole();
}

Result<LossPreview> Engine::PreviewLoss() {
  LEVELKEEP_RETURN_IF_ERROR(RequireStorage(kStopIt, Walk::Judge()));
  Restorer* const restorer = OpenRestorer();
  LEVELKEEP_ASSIGN_OR_RETURN(const Remains remains,
                             FindRemains(restorer->context()));
  LEVELKEEP_RETURN_IF_ERROR(CheckRepairable(restorer->context(), remains));
  LossPreview preview;
  preview.fault = remains.fault;
  preview.tables = remains.tables.size();
  preview.logs = remains.logs.size();
  preview.rebuilt = remains.manifest.empty();
  preview.newest_backup = NewestBackup(&catalog_);
  return preview;
}

// 1. take the storage   2. stage the remaining files   3. put them in place
// 4. record why the history changed
Result<LossReport> Engine::AcceptLoss(const Work& work) {
  LEVELKEEP_RETURN_IF_ERROR(RequireStorage(kStopIt));
  LEVELKEEP_ASSIGN_OR_RETURN(const Remains remains,
                             FindRemains(restorer_->context()));
  LEVELKEEP_ASSIGN_OR_RETURN(const Restorer::Staged staged,
                             StageRemains(restorer_->context(), remains, work));
  auto outcome = restorer_->Apply(staged);
  if (!outcome.ok()) {
    restorer_->Discard(staged);
    return outcome.status();
  }
  RememberLoss(remains.fault);
  LogWarn(
      kEngineLogTag,
      "a loss was accepted: " + remains.fault +
          "; the database continues with the remaining files, write number " +
          std::to_string(outcome->last_sequence));
  LossReport report{remains.fault, outcome->last_sequence,
                    outcome->content_bytes, outcome->epoch, ""};
  const auto kept = restorer_->ListKept();
  if (kept.ok() && !kept->empty()) report.kept = kept->front().path;
  return report;
}

// If BACKUP_DIR has no record of the database, the log has the reason.
void Engine::RememberLoss(const std::string& fault) {
  const auto adoption = Adopt(false);
  if (!adoption.ok()) return;
  auto record = records_.Load(adoption->identity.id);
  if (!record.ok()) return;
  record->forked =
      "levelkeep accept-loss continued with the remaining files: " + fault;
  StoreDatabase(*record);
}

}  // namespace levelkeep
