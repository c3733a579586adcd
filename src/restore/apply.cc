#include "restore/apply.h"

#include <algorithm>

#include "base/hash.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "dbfiles/database_files.h"
#include "dbfiles/identity.h"
#include "dbfiles/look.h"
#include "restore/drop_history.h"
#include "restore/staging.h"
#include "restore/swap.h"
#include "restore/undo.h"

namespace levelkeep {
namespace {

constexpr std::string_view kHintNextStart =
    "the next start finishes it or takes it back";

// What tells the two databases apart. Each has an epoch then, and not the same
// one: of two copies the one that comes in begins a history of its own.
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

// R6..R10: exchanges the databases. On failure they are back where they were
// and the journal is gone, unless the disk refuses even that.
Status Exchange(const RestoreContext& context, Journal* journal) {
  Swap swap(context, *journal);
  // R7 before R6: a database that somebody holds leaves no trace here.
  LEVELKEEP_RETURN_IF_ERROR(swap.Lock());
  LEVELKEEP_RETURN_IF_ERROR(NameBoth(context, journal));
  journal->old_sequence = ReadLastSequence(context.fs, context.db_dir());
  Status done = StoreJournal(context, *journal);
  // If we die here: both databases are whole and the journal says which one
  // is wanted; the next start goes on (rows R6, R7).
  if (done.ok()) done = swap.Forward();
  if (done.ok()) {
    journal->state = JournalState::kSwapped;
    done = StoreJournal(context, *journal);
    // If we die here: the new database is live, not yet opened (row R10).
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

// Nobody wants an empty directory back. One that holds any file of a
// database is kept, even if LevelDB could not open it.
Result<bool> HoldsDatabase(const RestoreContext& context,
                           const std::string& name) {
  const auto names = context.fs->List(context.InWork(name));
  if (names.status().code() == StatusCode::kNotFound) return false;
  if (!names.ok()) return names.status();
  return std::any_of(names->begin(), names->end(), [](const std::string& file) {
    return IsBackedUp(ParseDbFileName(file).kind);
  });
}

// They are aside with the old database, and in no backup.
void NameStrangers(const RestoreContext& context, const Journal& journal) {
  const std::string path = context.InWork(journal.outgoing);
  const auto strangers = FindStrangers(context.fs, path);
  if (!strangers.ok() || strangers->empty()) return;
  LogWarn(kRestoreLogTag,
          "files that are not LevelDB's were in the database's folder, and are "
          "not in the restored one; they are in " +
              path + ": " + NamesOf(*strangers));
}

// Where there was no database, the drop stays: the next start is refused
// because of it, rather than begin with an empty one.
Status RejectDrop(const RestoreContext& context, const Journal& journal,
                  const Status& reason) {
  const std::string& sha256 = journal.outcome.archive_sha256;
  if (!journal.had_old()) {
    return RecordRejected(context, journal.drop, sha256, journal.reason);
  }
  return FinishDrop(context, journal.drop, sha256, DropVerdict::kRejected,
                    journal.reason, reason.hint());
}

bool HasUndo(const RestoreContext& context) { return LoadUndo(context).ok(); }

Result<UndoRecord> ChooseUndo(const RestoreContext& context, UndoScope scope) {
  LEVELKEEP_ASSIGN_OR_RETURN(UndoRecord undo, LoadUndo(context));
  if (scope == UndoScope::kLast && !undo.missing.empty()) {
    return Status(StatusCode::kNotFound,
                  "what the last restore replaced is gone: " +
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
                  "an undo of the last one takes that back");
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
  journal.outgoing = std::string(kRollbackPrefix) + staged.id;
  journal.drop = drop;
  journal.outcome = staged.outcome;
  return RunJournal(context, std::move(journal));
}

// What LevelDB would refuse is refused before the application's is closed.
Result<UndoRecord> FindUndo(const RestoreContext& context, UndoScope scope) {
  LEVELKEEP_ASSIGN_OR_RETURN(UndoRecord undo, ChooseUndo(context, scope));
  const Status whole = RequireWhole(context.fs, context.InWork(undo.directory));
  if (whole.code() != StatusCode::kCorruption) {
    LEVELKEEP_RETURN_IF_ERROR(whole);
    return undo;
  }
  return Status(whole.code(),
                "what a restore replaced can't come back: " + whole.message(),
                "nothing was changed; restore a backup instead");
}

Result<RestoreOutcome> ApplyUndo(const RestoreContext& context,
                                 UndoScope scope) {
  LEVELKEEP_ASSIGN_OR_RETURN(const UndoRecord undo, FindUndo(context, scope));
  Journal journal;
  journal.id = RandomId();
  journal.kind = JournalKind::kUndo;
  journal.incoming = undo.directory;
  journal.outgoing = std::string(kRollbackPrefix) + journal.id;
  journal.outcome.archive_name = undo.archive;
  journal.outcome.last_sequence = undo.sequence;
  return RunJournal(context, std::move(journal));
}

Result<RestoreOutcome> OpenAndCommit(const RestoreContext& context,
                                     Journal journal,
                                     const OpenCheck& open_check) {
  // R11. The locks are free: this opens the database exclusively itself.
  const Status opened =
      open_check ? open_check(context.db_dir()) : Status::Ok();
  if (!opened.ok()) {
    journal.reject = IsArchiveFault(opened.code());
    const Status back = RollBack(context, std::move(journal), opened);
    if (back.ok()) return opened;
    LogError(kRestoreLogTag,
             "could not put the old database back: " + back.ToString());
    return Status(back.code(), back.message() + ", after: " + opened.message(),
                  std::string(kHintNextStart));
  }
  // From here on the new database is in use: there is no way back, whatever
  // the disk says. Every state of the journal leads to the same end.
  journal.state = JournalState::kCommitted;
  Status finished = StoreJournal(context, journal);
  // If we die here: the restore has happened; tidying is left (row R12).
  if (finished.ok()) finished = FinishCommitted(context, journal);
  if (!finished.ok()) {
    LogWarn(kRestoreLogTag,
            "restored; the next start tidies up: " + finished.ToString());
  }
  RestoreOutcome outcome = std::move(journal.outcome);
  outcome.undo_available = HasUndo(context);
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
    // If we die here: an older rollback is left; done again (row R12).
    LEVELKEEP_RETURN_IF_ERROR(DropOtherRollbacks(context, undo));
  } else {
    // What an earlier restore replaced is still the best there is.
    LEVELKEEP_RETURN_IF_ERROR(Discard(context, journal.outgoing));
    LEVELKEEP_RETURN_IF_ERROR(RepairUndo(context));
  }
  if (!journal.drop.name.empty()) {
    LEVELKEEP_RETURN_IF_ERROR(FinishDrop(context, journal.drop,
                                         journal.outcome.archive_sha256,
                                         DropVerdict::kApplied, ""));
  }
  // If we die here: all of it is done again and finds nothing to do.
  return RemoveJournal(context);
}

Status RollBack(const RestoreContext& context, Journal journal,
                const Status& reason) {
  Swap swap(context, journal);
  // First of all: a database that is in use is not taken away.
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
  // If we die here: the staged database is swept.
  if (journal.kind == JournalKind::kRestore) {
    return Discard(context, journal.incoming);
  }
  return Status::Ok();
}

}  // namespace levelkeep
