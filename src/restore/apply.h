// From a staged database to the live one (R6..R15), and back; finishing or
// taking back what a crash interrupted (the recovery table).

#ifndef LEVELKEEP_RESTORE_APPLY_H_
#define LEVELKEEP_RESTORE_APPLY_H_

#include "levelkeep/status.h"
#include "restore/context.h"
#include "restore/restorer.h"
#include "restore/swap.h"
#include "restore/undo.h"

namespace levelkeep {

// `drop` names the file in restore/ that it came from, if any.
// REQUIRES: no journal is pending.
Result<RestoreOutcome> ApplyStaged(const RestoreContext& context,
                                   const Restorer::Staged& staged,
                                   const DropIdentity& drop);
// Which database ApplyUndo puts back. Writes nothing.
Result<UndoRecord> FindUndo(const RestoreContext& context, UndoScope scope);
Result<RestoreOutcome> ApplyUndo(const RestoreContext& context,
                                 UndoScope scope);

// R11..R15 for a journal whose databases are exchanged and unlocked.
// `open_check` may be empty.
Result<RestoreOutcome> OpenAndCommit(const RestoreContext& context,
                                     Journal journal,
                                     const OpenCheck& open_check);
// What remains once a journal is kCommitted. Idempotent.
Status FinishCommitted(const RestoreContext& context, const Journal& journal);
// Puts the old database back and forgets the journal. Idempotent.
// REQUIRES: the databases are unlocked.
Status RollBack(const RestoreContext& context, Journal journal,
                const Status& reason);

// Settles a pending journal, if there is one, and adds what happened to
// `outcome`. Idempotent: a crash in the middle is followed by the same call.
Status SettleJournal(const RestoreContext& context, RecoveryOutcome* outcome);

// What this process would be denied by SettleJournal and Sweep. Writes nothing;
// the folders may be still to be made.
Status JudgeRecovery(const RestoreContext& context);

// Removes left-overs from the work directory and the drop folder.
// REQUIRES: no journal is pending.
Status Sweep(const RestoreContext& context, RecoveryOutcome* outcome);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_APPLY_H_
