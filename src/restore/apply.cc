#include "restore/apply.h"

#include <algorithm>

#include "base/hash.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "dbfiles/database_files.h"
#include "restore/drop_history.h"
#include "restore/staging.h"

namespace levelkeep {
namespace {

constexpr char kHintNextStart[] = "the next start finishes it or takes it back";

// Makes sure that both databases have an epoch, and different ones: if they are
// copies of each other, the incoming one begins a new history.
Status NameBoth(const RestoreContext& context, Journal* journal) {
  FileSystem* const fs = context.fs;
  const std::string incoming = context.InWork(journal->incoming);
  LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t live,
                             DirectoryInode(fs, context.db_dir()));
  LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t coming,
                             DirectoryInode(fs, incoming));
  if (coming == 0) {
    return Status(StatusCode::kNotFound, incoming + " is gone",
                  "stage the backup again");
  }
  if (live != 0) {
    LEVELKEEP_ASSIGN_OR_RETURN(journal->old_epoch,
                               ReadOrCreateEpoch(fs, context.db_dir()));
  }
  LEVELKEEP_ASSIGN_OR_RETURN(journal->new_epoch,
                             ReadOrCreateEpoch(fs, incoming));
  if (journal->new_epoch == journal->old_epoch) {
    LEVELKEEP_ASSIGN_OR_RETURN(journal->new_epoch, BeginEpoch(fs, incoming));
  }
  journal->outcome.epoch = journal->new_epoch;
  if (context.options.announce) {
    LEVELKEEP_ASSIGN_OR_RETURN(const DatabaseIdentity identity,
                               ReadIdentity(fs, incoming));
    context.options.announce(identity);
  }
  return Status::Ok();
}

// R6..R10: exchanges the databases. On failure both are back in their places
// and the journal is gone, unless the disk refuses even that.
Status Exchange(const RestoreContext& context, Journal* journal) {
  Swap swap(context, *journal);
  // R7 before R6: if somebody has a database open, no trace is left here.
  LEVELKEEP_RETURN_IF_ERROR(swap.Lock());
  LEVELKEEP_RETURN_IF_ERROR(NameBoth(context, journal));
  journal->old_sequence = ReadLastSequence(context.fs, context.db_dir());
  Status done = StoreJournal(context, *journal);
  // If we die here: both databases are complete, and the journal says which
  // one is wanted; the next start continues (rows R6, R7).
  if (done.ok()) done = swap.Forward();
  if (done.ok()) {
    journal->state = JournalState::kSwapped;
    done = StoreJournal(context, *journal);
    // If we die here: the new database is live, but was not opened (row R10).
  }
  swap.Unlock();
  if (done.ok()) return done;
  const Status back = RollBack(context, *journal, done);
  if (back.ok()) return done;
  LogError(kRestoreLogTag, "restore interrupted: " + back.ToString());
  return done.WithHint(kHintNextStart);
}

Result<RestoreOutcome> RunJournal(const RestoreContext& context,
                                  Journal journal) {
  LEVELKEEP_RETURN_IF_ERROR(Exchange(context, &journal));
  return OpenAndCommit(context, std::move(journal), context.options.open_check);
}

// True if the directory has any file of a database, even if LevelDB could not
// open it. An empty directory is not worth keeping.
Result<bool> HoldsDatabase(const RestoreContext& context,
                           const std::string& name) {
  const auto names = context.fs->List(context.InWork(name));
  if (names.status().code() == StatusCode::kNotFound) return false;
  if (!names.ok()) return names.status();
  return std::ranges::any_of(*names, [](const std::string& file) {
    return IsBackedUp(ParseDbFileName(file).kind);
  });
}

// Logs the files of other programs: they stay with the old database.
void NameStrangers(const RestoreContext& context, const Journal& journal) {
  const std::string path = context.InWork(journal.outgoing);
  const auto strangers = FindStrangers(context.fs, path);
  if (!strangers.ok() || strangers->empty()) return;
  LogWarn(kRestoreLogTag,
          "files of other programs were in the database's folder, and are "
          "not in the restored one; they are in " +
              path + ": " + NamesOf(*strangers));
}

// Rejects the drop, or leaves it if there was no database: the next start is
// then refused because of it and does not begin with an empty database.
Status RejectDrop(const RestoreContext& context, const Journal& journal,
                  const Status& reason) {
  const std::string& sha256 = journal.outcome.archive_sha256;
  if (!journal.had_old()) {
    return RecordRejected(context, journal.drop, sha256, journal.reason);
  }
  return FinishDrop(context, journal.drop, sha256, DropVerdict::kRejected,
                    journal.reason, reason.hint());
}

Result<UndoRecord> ChooseUndo(const RestoreContext& context, UndoScope scope) {
  LEVELKEEP_ASSIGN_OR_RETURN(UndoRecord undo, LoadUndo(context));
  if (scope == UndoScope::kLast && !undo.missing.empty()) {
    return Status(StatusCode::kNotFound,
                  "the database that the last restore replaced is missing: " +
                      context.InWork(undo.missing),
                  "levelkeep restore --undo-all brings back the database from "
                  "before the first restore");
  }
  if (scope == UndoScope::kLast) return undo;
  if (!undo.earlier.empty()) {
    undo.archive.clear();
    undo.directory = undo.earlier.back();
    undo.sequence =
        ReadLastSequence(context.fs, context.InWork(undo.directory));
  } else if (undo.undone) {
    return Status(StatusCode::kNotFound, "all restores are undone already",
                  "an undo of the last one repeats that restore");
  }
  return undo;
}

}  // namespace

Result<RestoreOutcome> ApplyStaged(const RestoreContext& context,
                                   const Restorer::Staged& staged,
                                   const DropIdentity& drop) {
  Journal journal;
  journal.id = staged.id;
  journal.kind = JournalKind::kRestore;
  journal.incoming = BaseName(staged.directory);
  journal.outgoing = kRollbackPrefix + staged.id;
  journal.drop = drop;
  journal.outcome = staged.outcome;
  if (context.options.before_exchange) context.options.before_exchange();
  return RunJournal(context, std::move(journal));
}

// Checks the kept database first: if LevelDB would refuse it, the undo is
// refused before the application's database is closed.
Result<UndoRecord> FindUndo(const RestoreContext& context, UndoScope scope) {
  LEVELKEEP_ASSIGN_OR_RETURN(UndoRecord undo, ChooseUndo(context, scope));
  const Status whole = RequireWhole(context.fs, context.InWork(undo.directory));
  if (whole.code() != StatusCode::kCorruption) {
    LEVELKEEP_RETURN_IF_ERROR(whole);
    return undo;
  }
  return Status(whole.code(),
                "the replaced database can't be put back: " + whole.message(),
                "nothing was changed; restore a backup instead");
}

Result<RestoreOutcome> ApplyUndo(const RestoreContext& context,
                                 UndoScope scope) {
  LEVELKEEP_ASSIGN_OR_RETURN(const UndoRecord undo, FindUndo(context, scope));
  Journal journal;
  journal.id = RandomId();
  journal.kind = JournalKind::kUndo;
  journal.incoming = undo.directory;
  journal.outgoing = kRollbackPrefix + journal.id;
  journal.outcome.archive_name = undo.archive;
  journal.outcome.last_sequence = undo.sequence;
  return RunJournal(context, std::move(journal));
}

Result<RestoreOutcome> OpenAndCommit(const RestoreContext& context,
                                     Journal journal,
                                     const OpenCheck& open_check) {
  // R11. The locks are free, because open_check opens the database exclusively.
  const Status opened =
      open_check ? open_check(context.db_dir()) : Status::Ok();
  if (!opened.ok()) {
    journal.reject = IsArchiveFault(opened.code());
    const Status back = RollBack(context, std::move(journal), opened);
    if (back.ok()) return opened;
    LogError(kRestoreLogTag,
             "could not put the old database back: " + back.ToString());
    return Status(back.code(), back.message() + ", after: " + opened.message(),
                  kHintNextStart);
  }
  // From here on the new database is in use and stays, whatever the disk
  // reports. Every state of the journal leads to the same end.
  journal.state = JournalState::kCommitted;
  Status finished = StoreJournal(context, journal);
  // If we die here: the restore is done; clean-up is left (row R12).
  if (finished.ok()) finished = FinishCommitted(context, journal);
  if (!finished.ok()) {
    LogWarn(kRestoreLogTag,
            "the restore succeeded, but its clean-up failed; "
            "the next start repeats it: " +
                finished.ToString());
  }
  RestoreOutcome outcome = std::move(journal.outcome);
  outcome.undo_available = LoadUndo(context).ok();
  return outcome;
}

Status FinishCommitted(const RestoreContext& context, const Journal& journal) {
  LEVELKEEP_ASSIGN_OR_RETURN(const bool worth_keeping,
                             HoldsDatabase(context, journal.outgoing));
  NameStrangers(context, journal);
  if (worth_keeping) {
    LEVELKEEP_ASSIGN_OR_RETURN(const UndoRecord undo,
                               UndoAfter(context, journal));
    LEVELKEEP_RETURN_IF_ERROR(StoreUndo(context, undo));
    // If we die here: an older rollback is left; removed next time (row R12).
    LEVELKEEP_RETURN_IF_ERROR(DropOtherRollbacks(context, undo));
  } else {
    // There was no database to keep, so the record of earlier restores stays.
    LEVELKEEP_RETURN_IF_ERROR(Discard(context, journal.outgoing));
    LEVELKEEP_RETURN_IF_ERROR(RepairUndo(context));
  }
  if (!journal.drop.name.empty()) {
    LEVELKEEP_RETURN_IF_ERROR(FinishDrop(context, journal.drop,
                                         journal.outcome.archive_sha256,
                                         DropVerdict::kApplied, ""));
  }
  // If we die here: the next start repeats all of it and finds nothing to do.
  return RemoveJournal(context);
}

Status RollBack(const RestoreContext& context, Journal journal,
                const Status& reason) {
  Swap swap(context, journal);
  // Lock first: a database that is in use must not be taken away.
  LEVELKEEP_RETURN_IF_ERROR(swap.Lock());
  if (journal.state != JournalState::kRolledBack) {
    journal.state = JournalState::kRolledBack;
    journal.reason = reason.message();
    LEVELKEEP_RETURN_IF_ERROR(StoreJournal(context, journal));
    // If we die here: the next start finishes this direction (row R11).
  }
  LEVELKEEP_RETURN_IF_ERROR(swap.Backward());
  swap.Unlock();
  if (!journal.drop.name.empty() && journal.reject) {
    LEVELKEEP_RETURN_IF_ERROR(RejectDrop(context, journal, reason));
  }
  LEVELKEEP_RETURN_IF_ERROR(RemoveJournal(context));
  // If we die here: the next start sweeps the staged database.
  if (journal.kind == JournalKind::kRestore) {
    return Discard(context, journal.incoming);
  }
  return Status::Ok();
}

}  // namespace levelkeep
