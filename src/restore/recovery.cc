#include "base/hash.h"
#include "base/log.h"
#include "base/scratch_directory.h"
#include "base/status_macros.h"
#include "restore/apply.h"
#include "restore/store_check.h"

namespace levelkeep {
namespace {

using Holds = SwapPosition::Holds;

// A restored database that crashes the process whenever it is opened must not
// keep the application down for ever.
constexpr uint64_t kMaxOpenCrashes = 2;

// Renames staging directories to kept-*: one of them may hold needed data.
Status KeepStaging(const RestoreContext& context) {
  FileSystem* const fs = context.fs;
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, fs->List(context.work_dir()));
  for (const std::string& name : names) {
    if (!name.starts_with(kStagingPrefix)) continue;
    const std::string kept = kKeptPrefix + RandomId();
    LEVELKEEP_RETURN_IF_ERROR(
        fs->Rename(context.InWork(name), context.InWork(kept)));
    LogError(kRestoreLogTag,
             "an interrupted restore can't be understood; " +
                 context.InWork(kept) +
                 " is kept: look at it, then remove it by hand");
  }
  return fs->SyncDirectory(context.work_dir());
}

// A journal that can't be read, or does not match the folders, is ignored: the
// live database stays as it is, and nothing is removed.
Status SetJournalAside(const RestoreContext& context) {
  LEVELKEEP_RETURN_IF_ERROR(KeepStaging(context));
  // If we die here: the journal still exists, and the next start repeats this.
  LEVELKEEP_RETURN_IF_ERROR(context.fs->Rename(
      context.InWork("journal"), context.InWork("journal-unclear")));
  return context.fs->SyncDirectory(context.work_dir());
}

// R11 at a start. Opens the database as the host does, or scans it read-only. A
// database that an undo brings back was in use before and needs no scan.
Status CheckRestored(const RestoreContext& context, const Journal& journal) {
  const OpenCheck& open_check = context.options.open_check;
  if (open_check) return open_check(context.db_dir());
  if (journal.kind == JournalKind::kUndo) return Status::Ok();
  const std::string scratch = context.InWork(kScratchPrefix + RandomId());
  return CheckStore(context, context.db_dir(), scratch, std::stop_token())
      .status();
}

Status TakeBack(const RestoreContext& context, const Journal& journal,
                const Status& reason, RecoveryOutcome* outcome) {
  LEVELKEEP_RETURN_IF_ERROR(RollBack(context, journal, reason));
  outcome->undone_restore = true;
  outcome->undone_reason =
      journal.reason.empty() ? reason.message() : journal.reason;
  return Status::Ok();
}

void NoteFinished(const RestoreContext& context, RestoreOutcome restored,
                  RecoveryOutcome* outcome) {
  restored.undo_available = LoadUndo(context).ok();
  outcome->finished_restore = true;
  outcome->restored = std::move(restored);
}

// The application was not told about the restore. If it continued with the old
// database, the restore is given up, because its new writes count.
Status CheckStillAsItWas(const RestoreContext& context,
                         const Journal& journal) {
  const uint64_t last = ReadLastSequence(context.fs, context.db_dir());
  if (last == journal.old_sequence) return Status::Ok();
  return Status(StatusCode::kRefused,
                "the database was written to since: it ended at write number " +
                    std::to_string(journal.old_sequence) + " and ends at " +
                    std::to_string(last) + " now");
}

// Rows R6..R10: continues with the new database if that still exists.
Status GoOn(const RestoreContext& context, Journal journal,
            RecoveryOutcome* outcome) {
  Swap swap(context, journal);
  LEVELKEEP_ASSIGN_OR_RETURN(const SwapPosition position, swap.Look());
  const bool untouched =
      position.live == Holds::kOld ||
      (!journal.had_old() && position.live == Holds::kNothing);
  if (untouched && position.incoming != Holds::kNew) {
    // Row R6, R7: the staged database is gone; the live one is unchanged.
    outcome->undone_restore = true;
    outcome->undone_reason = "the staged database was removed";
    return RemoveJournal(context);
  }
  if (position.live == Holds::kOld) {
    const Status same = CheckStillAsItWas(context, journal);
    if (!same.ok()) return TakeBack(context, journal, same, outcome);
  }
  LEVELKEEP_RETURN_IF_ERROR(swap.Lock());
  const Status moved = swap.Forward();
  swap.Unlock();
  if (moved.code() == StatusCode::kRefused) {
    outcome->undone_restore = outcome->unclear = true;
    outcome->undone_reason = moved.message();
    return SetJournalAside(context);
  }
  LEVELKEEP_RETURN_IF_ERROR(moved);
  if (journal.crashes >= kMaxOpenCrashes) {
    journal.reject = true;
    return TakeBack(context, journal,
                    Status(StatusCode::kCorruption,
                           "opening the restored database ended the process " +
                               std::to_string(journal.crashes) + " times"),
                    outcome);
  }
  journal.state = JournalState::kSwapped;
  journal.crashes += 1;
  LEVELKEEP_RETURN_IF_ERROR(StoreJournal(context, journal));
  // If we die here: the crash is counted, and the next start retries (row R10).
  const auto restored = OpenAndCommit(
      context, journal,
      [&](const std::string&) { return CheckRestored(context, journal); });
  if (restored.ok()) {
    NoteFinished(context, *restored, outcome);
    return Status::Ok();
  }
  if (LoadJournal(context).status().code() != StatusCode::kNotFound) {
    return restored.status();
  }
  outcome->undone_restore = true;
  outcome->undone_reason = restored.status().message();
  return Status::Ok();
}

bool IsLeftFolder(const std::string& name) {
  return name.starts_with(kStagingPrefix) || name.starts_with(kTrashPrefix);
}

// Removes half-written BACKUP_IDs from the live database.
Status SweepDatabase(const RestoreContext& context, RecoveryOutcome* outcome) {
  FileSystem* const fs = context.fs;
  const auto names = fs->List(context.db_dir());
  if (names.status().code() == StatusCode::kNotFound) return Status::Ok();
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    if (!IsTemporaryName(name)) continue;
    const std::string path = JoinPath(context.db_dir(), name);
    LEVELKEEP_RETURN_IF_ERROR(fs->RemoveFile(path));
    outcome->swept.push_back(path);
  }
  return Status::Ok();
}

}  // namespace

Status SettleJournal(const RestoreContext& context, RecoveryOutcome* outcome) {
  auto journal = LoadJournal(context);
  if (journal.status().code() == StatusCode::kNotFound) return Status::Ok();
  if (journal.status().code() == StatusCode::kCorruption) {
    return SetJournalAside(context);
  }
  if (!journal.ok()) return journal.status();
  switch (journal->state) {
    case JournalState::kReady:
    case JournalState::kSwapped:
      return GoOn(context, std::move(*journal), outcome);
    case JournalState::kCommitted:
      LEVELKEEP_RETURN_IF_ERROR(FinishCommitted(context, *journal));
      NoteFinished(context, journal->outcome, outcome);
      return Status::Ok();
    case JournalState::kRolledBack:
      break;
  }
  const Status back =
      TakeBack(context, *journal,
               Status(StatusCode::kInternal, journal->reason), outcome);
  if (back.code() == StatusCode::kRefused) return SetJournalAside(context);
  return back;
}

// 1. records that both read   2. folders that both list   3. files that both
// remove
Status JudgeRecovery(const RestoreContext& context) {
  FileSystem* const fs = context.fs;
  for (const char* record : {"journal", "undo"}) {
    LEVELKEEP_RETURN_IF_ERROR(
        fs->CheckAccess(context.InWork(record), Access::kRead));
  }
  for (const std::string& folder :
       {context.work_dir(), context.options.restore_dir, context.applied_dir(),
        context.rejected_dir()}) {
    const auto names = fs->List(folder);
    if (names.status().code() == StatusCode::kNotFound) continue;
    LEVELKEEP_RETURN_IF_ERROR(names.status());
    if (folder != context.work_dir()) continue;
    for (const std::string& name : *names) {
      if (!IsLeftFolder(name)) continue;
      const std::string path = context.InWork(name);
      const Status listed = fs->List(path).status();
      // Another running instance may have removed it meanwhile.
      if (listed.code() == StatusCode::kNotFound) continue;
      LEVELKEEP_RETURN_IF_ERROR(listed);
      LEVELKEEP_RETURN_IF_ERROR(fs->CheckAccess(path, Access::kChange));
    }
  }
  return Status::Ok();
}

Status Sweep(const RestoreContext& context, RecoveryOutcome* outcome) {
  FileSystem* const fs = context.fs;
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, fs->List(context.work_dir()));
  for (const std::string& name : names) {
    const std::string path = context.InWork(name);
    bool left_over = IsTemporaryName(name) || IsLeftFolder(name);
    if (left_over) LEVELKEEP_RETURN_IF_ERROR(RemoveTree(fs, path));
    // A program that backs up this database now also has a scratch folder here.
    if (name.starts_with(kScratchPrefix)) {
      LEVELKEEP_ASSIGN_OR_RETURN(left_over, SweepScratch(fs, path));
    }
    if (left_over) outcome->swept.push_back(path);
  }
  LEVELKEEP_RETURN_IF_ERROR(SweepDatabase(context, outcome));
  LEVELKEEP_RETURN_IF_ERROR(RepairUndo(context));
  return SweepDropFolder(context, &outcome->swept);
}

}  // namespace levelkeep
