#include "restore/restorer.h"

#include <utility>

#include "base/log.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "restore/apply.h"
#include "restore/context.h"
#include "restore/layout.h"
#include "restore/swap.h"
#include "restore/undo.h"

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

}  // namespace

Status Restorer::Prepare(const Walk& walk) {
  LEVELKEEP_RETURN_IF_ERROR(CreateLayout(context_, walk));
  if (instance_lock_ == nullptr) {
    auto lock = walk.Lock(context_.fs, context_.InWork("instance.lock"));
    if (lock.status().code() == StatusCode::kBusy) {
      return lock.status().WithContext("another LevelKeep manages " +
                                       context_.db_dir());
    }
    LEVELKEEP_RETURN_IF_ERROR(lock.status());
    instance_lock_ = std::move(*lock);
  }
  return CheckExchangeable(context_);
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

Result<LastExchange> Restorer::FindLastExchange() const {
  LEVELKEEP_ASSIGN_OR_RETURN(const UndoRecord undo, LoadUndo(context_));
  return LastExchange{undo.when, undo.live_sequence};
}

Status Restorer::ForgetUndo() {
  LEVELKEEP_RETURN_IF_ERROR(RequireSettled(context_));
  return DropAllRollbacks(context_);
}

}  // namespace levelkeep
