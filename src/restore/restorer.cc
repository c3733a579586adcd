#include "restore/restorer.h"

#include "base/folder_probe.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "restore/apply.h"
#include "restore/drop_history.h"
#include "restore/staging.h"

namespace levelkeep {

namespace {

void LogRecovery(const RestoreContext& context,
                 const RecoveryOutcome& outcome) {
  if (outcome.finished_restore) {
    LogWarn(kRestoreLogTag,
            "an interrupted restore was finished: " + context.db_dir() +
                " now holds " +
                (outcome.restored->archive_name.empty()
                     ? "the database of an undo"
                     : Printable(outcome.restored->archive_name)) +
                ", write number " +
                std::to_string(outcome.restored->last_sequence));
  }
  if (outcome.unclear) {
    LogWarn(kRestoreLogTag,
            "an interrupted restore was given up, " + context.db_dir() +
                " stays as it is: " + Printable(outcome.undone_reason, 500));
  } else if (outcome.undone_restore) {
    LogWarn(kRestoreLogTag, "an interrupted restore was taken back, " +
                                context.db_dir() + " has its old content: " +
                                Printable(outcome.undone_reason, 500));
  }
}

// Finishes a pending restore before another one begins. kBusy if that made a
// database live that the caller does not know of.
Status SettleEarlier(const RestoreContext& context) {
  const auto journal = LoadJournal(context);
  const bool told = journal.ok() && journal->state == JournalState::kCommitted;
  RecoveryOutcome earlier;
  LEVELKEEP_RETURN_IF_ERROR(SettleJournal(context, &earlier));
  if (told || !earlier.finished_restore) return Status::Ok();
  return Status(StatusCode::kBusy,
                "an interrupted restore was finished first: " +
                    context.db_dir() + " now holds " +
                    (earlier.restored->archive_name.empty()
                         ? "the database of an undo"
                         : earlier.restored->archive_name) +
                    "; nothing else was changed",
                "check that database, then try again");
}

// kBusy while a journal is pending, because it may change the undo record.
Status RequireSettled(const RestoreContext& context) {
  const Status pending = LoadJournal(context).status();
  if (pending.code() == StatusCode::kNotFound) return Status::Ok();
  return Status(
      StatusCode::kBusy,
      "a restore in " + context.options.storage_dir + " is not finished yet",
      "restart: the start finishes it or takes it back");
}

// --- a copy in restore/ for the next start

constexpr int kMaxCopies = 1000;

// The copy that was staged last, if it is still there, unchanged.
std::optional<DropIdentity> StagedBefore(const RestoreContext& context) {
  const auto request = LoadDropRequest(context);
  if (!request.ok()) return std::nullopt;
  const auto info = context.fs->Stat(context.InDrop(request->name));
  if (!info.ok() || !IdentifyDrop(request->name, *info).LooksLike(*request)) {
    return std::nullopt;
  }
  return *request;
}

Result<DropIdentity> PlaceCopy(const RestoreContext& context,
                               const std::string& part,
                               const std::string& archive_name,
                               const std::optional<DropIdentity>& before) {
  FileSystem* const fs = context.fs;
  const std::string name =
      IsDropName(archive_name) ? archive_name : archive_name + ".tar.gz";
  for (int number = 1; number <= kMaxCopies; ++number) {
    const std::string place = NumberedDropName(name, number);
    const std::string path = context.InDrop(place);
    const Status moved = before && before->name == place
                             ? fs->Rename(part, path)
                             : MoveToNewName(fs, part, path);
    if (moved.code() == StatusCode::kAlreadyExists) continue;
    LEVELKEEP_RETURN_IF_ERROR(moved);
    LEVELKEEP_RETURN_IF_ERROR(fs->SyncDirectory(context.options.restore_dir));
    LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, fs->Stat(path));
    return IdentifyDrop(place, info);
  }
  return Status(
      StatusCode::kAlreadyExists,
      context.options.restore_dir + " holds too many copies of " + archive_name,
      "remove them or restart to have one applied");
}

Status CheckRoomForCopy(const RestoreContext& context, const std::string& name,
                        uint64_t size) {
  LEVELKEEP_RETURN_IF_ERROR(
      CheckFileSize(size, "a copy of " + Printable(name)));
  return RequireRoom(context, "a copy of " + name, size,
                     context.options.restore_dir)
      .status();
}

}  // namespace

Status Restorer::Prepare(const Walk& walk) {
  LEVELKEEP_RETURN_IF_ERROR(CreateLayout(context_, walk));
  if (instance_lock_ == nullptr) {
    auto lock = walk.Lock(context_.fs, context_.InWork(kInstanceLock));
    if (lock.status().code() == StatusCode::kBusy) {
      return lock.status().WithContext("another LevelKeep manages " +
                                       context_.db_dir());
    }
    LEVELKEEP_RETURN_IF_ERROR(lock.status());
    instance_lock_ = std::move(*lock);
  }
  return CheckExchangeable(context_);
}

// A shorter content is followed by blanks.
Status Restorer::WriteLockFile(const std::string& content) {
  const std::string path = context_.InWork(kInstanceLock);
  LEVELKEEP_ASSIGN_OR_RETURN(auto file,
                             context_.fs->Open(path, OpenMode::kReadWrite));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, file->Stat());
  std::string padded = content;
  if (padded.size() < info.size_bytes) {
    padded.resize(static_cast<size_t>(info.size_bytes), ' ');
    padded.back() = '\n';
  }
  LEVELKEEP_RETURN_IF_ERROR(file->WriteAt(0, padded));
  return file->Close();
}

Result<RecoveryOutcome> Restorer::Recover(const Walk& walk) {
  RecoveryOutcome outcome;
  if (!walk.acts()) {
    LEVELKEEP_RETURN_IF_ERROR(JudgeRecovery(context_));
    return outcome;
  }
  LEVELKEEP_RETURN_IF_ERROR(SettleJournal(context_, &outcome));
  LogRecovery(context_, outcome);
  LEVELKEEP_RETURN_IF_ERROR(Sweep(context_, &outcome));
  recovered_ = true;
  return outcome;
}

Result<DropOutcome> Restorer::ApplyDropped(std::stop_token stop,
                                           BadDrops bad_drops) {
  RecoveryOutcome ignored;
  LEVELKEEP_RETURN_IF_ERROR(SettleJournal(context_, &ignored));
  LEVELKEEP_ASSIGN_OR_RETURN(
      DropOutcome outcome,
      ApplyDropFolder(context_, bad_drops, std::move(stop)));
  drops_.NoteStart(outcome.left, outcome.applied ? std::vector<RejectedDrop>()
                                                 : outcome.rejected);
  return outcome;
}

Result<RestoreOutcome> Restorer::Apply(const Staged& staged) {
  LEVELKEEP_RETURN_IF_ERROR(SettleEarlier(context_));
  auto outcome = ApplyStaged(context_, staged, DropIdentity());
  if (outcome.ok()) {
    outcome->manifest = staged.outcome.manifest;
    drops_.NoteRestore();
  }
  return outcome;
}

void Restorer::Discard(const Staged& staged) {
  // While a journal is pending the directory may hold the old database.
  if (LoadJournal(context_).status().code() != StatusCode::kNotFound) {
    return;
  }
  const Status gone = levelkeep::Discard(context_, BaseName(staged.directory));
  if (!gone.ok()) {
    LogWarn(kRestoreLogTag,
            "a staged database was not removed; the next start does it: " +
                gone.ToString());
  }
}

Result<RestoreOutcome> Restorer::Undo(UndoScope scope) {
  LEVELKEEP_RETURN_IF_ERROR(SettleEarlier(context_));
  return ApplyUndo(context_, scope);
}

Result<RestoreOutcome> Restorer::TakeBack() {
  LEVELKEEP_ASSIGN_OR_RETURN(RestoreOutcome outcome, Undo(UndoScope::kLast));
  // If we die here: the restored database is still kept, as after any undo.
  Status forgotten = RequireSettled(context_);
  if (forgotten.ok()) forgotten = ForgetUndone(context_);
  if (!forgotten.ok()) {
    LogWarn(kRestoreLogTag,
            "the database of the undone restore is still kept: " +
                forgotten.ToString());
  }
  outcome.undo_available = UndoAvailable();
  return outcome;
}

Result<KeptDatabase> Restorer::FindUndo(UndoScope scope) const {
  LEVELKEEP_RETURN_IF_ERROR(RequireSettled(context_));
  LEVELKEEP_RETURN_IF_ERROR(levelkeep::FindUndo(context_, scope).status());
  LEVELKEEP_ASSIGN_OR_RETURN(const auto kept, ListKept());
  return scope == UndoScope::kAll ? kept.back() : kept.front();
}

bool Restorer::UndoAvailable() const { return LoadUndo(context_).ok(); }

Result<std::vector<KeptDatabase>> Restorer::ListKept() const {
  std::vector<KeptDatabase> kept;
  const auto undo = LoadUndo(context_);
  if (undo.status().code() == StatusCode::kNotFound) return kept;
  if (!undo.ok()) return undo.status();
  const auto add = [&](const std::string& name) -> Status {
    KeptDatabase& database = kept.emplace_back();
    database.path = context_.InWork(name);
    database.last_sequence = ReadLastSequence(context_.fs, database.path);
    LEVELKEEP_ASSIGN_OR_RETURN(database.bytes,
                               FolderBytes(context_.fs, database.path));
    return Status::Ok();
  };
  LEVELKEEP_RETURN_IF_ERROR(add(undo->directory));
  kept.front().replaced = undo->when;
  kept.front().archive = undo->archive;
  for (const std::string& name : undo->earlier) {
    LEVELKEEP_RETURN_IF_ERROR(add(name));
  }
  return kept;
}

Status Restorer::ForgetUndo() {
  LEVELKEEP_RETURN_IF_ERROR(RequireSettled(context_));
  return DropAllRollbacks(context_);
}

// --- a copy in restore/ for the next start

Status Restorer::JudgeStage(const ArchiveOutline& outline,
                            const std::string& name) const {
  if (context_.options.tries_folders) {
    LEVELKEEP_RETURN_IF_ERROR(RequireFolder(context_.fs, "RESTORE_DIR",
                                            context_.options.restore_dir,
                                            {.keeps_time = true}));
  }
  return CheckRoomForCopy(context_, name, outline.archive_bytes);
}

// 1. check the space   2. copy under a hidden name   3. give the copy its name
// 4. record that the next start restores it   5. remove the older copy
Status Restorer::StageForRestart(const RestoreSource& source) {
  const RestoreContext& context = context_;
  FileSystem* const fs = context.fs;
  std::unique_ptr<ArchiveReader> opened;
  if (source.reader == nullptr) {
    LEVELKEEP_ASSIGN_OR_RETURN(opened, ArchiveReader::Open(fs, source.path));
  }
  const ArchiveReader& archive = opened ? *opened : *source.reader;
  const uint64_t size = archive.outline().archive_bytes;
  LEVELKEEP_RETURN_IF_ERROR(CheckRoomForCopy(context, source.path, size));
  const std::string part = context.InDrop(NewTemporaryName(kPartSuffix));
  const auto place = [&]() -> Status {
    LEVELKEEP_RETURN_IF_ERROR(CopyDurably(fs, archive.bytes(), size, part));
    // If we die here: the next start sweeps the hidden part.
    const auto before = StagedBefore(context);
    LEVELKEEP_ASSIGN_OR_RETURN(
        const DropIdentity drop,
        PlaceCopy(context, part, BaseName(source.path), before));
    // If we die here: the copy counts like an archive that a person dropped.
    LEVELKEEP_RETURN_IF_ERROR(StoreDropRequest(context, drop));
    if (!before || before->name == drop.name) return Status::Ok();
    // If we die here: the next start moves the older copy aside.
    if (fs->RemoveFile(context.InDrop(before->name)).ok()) {
      LogInfo(kRestoreLogTag, Printable(drop.name) + " is staged instead of " +
                                  Printable(before->name));
    }
    return Status::Ok();
  };
  const Status placed = place();
  if (!placed.ok()) (void)fs->RemoveFile(part);  // best effort: swept otherwise
  return placed;
}

void Restorer::ForgetStaged() {
  const auto before = StagedBefore(context_);
  if (!before) return;
  const Status removed = context_.fs->RemoveFile(context_.InDrop(before->name));
  if (!removed.ok()) {
    LogWarn(kRestoreLogTag,
            Printable(before->name) +
                " is still staged for the next start: " + removed.ToString());
    return;
  }
  // If we die here: the file may come back, and the next start applies it.
  (void)context_.fs->SyncDirectory(context_.options.restore_dir);
  LogInfo(kRestoreLogTag, Printable(before->name) +
                              " was staged before this restore and is not "
                              "restored any more");
}

}  // namespace levelkeep
