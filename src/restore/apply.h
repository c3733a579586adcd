// Makes a staged database the live one (R6..R15), or a kept one again.

#ifndef LEVELKEEP_RESTORE_APPLY_H_
#define LEVELKEEP_RESTORE_APPLY_H_

#include "levelkeep/status.h"
#include "restore/context.h"
#include "restore/journal.h"
#include "restore/restorer.h"
#include "restore/undo.h"

namespace levelkeep {

// `drop` names the file in restore/ that the database came from, if any.
// REQUIRES: no journal is pending.
Result<RestoreOutcome> ApplyStaged(const RestoreContext& context,
                                   const Restorer::Staged& staged,
                                   const DropIdentity& drop);
// The database that ApplyUndo would put back. Writes nothing.
Result<UndoRecord> FindUndo(const RestoreContext& context, UndoScope scope);
Result<RestoreOutcome> ApplyUndo(const RestoreContext& context,
                                 UndoScope scope);

// Steps R11..R15, for a journal whose databases are exchanged and unlocked.
// `open_check` may be empty.
Result<RestoreOutcome> OpenAndCommit(const RestoreContext& context,
                                     Journal journal,
                                     const OpenCheck& open_check);
// Does the work that remains once a journal is kCommitted. Idempotent.
Status FinishCommitted(const RestoreContext& context, const Journal& journal);
// Puts the old database back and removes the journal. Idempotent.
// REQUIRES: the databases are unlocked.
Status RollBack(const RestoreContext& context, Journal journal,
                const Status& reason);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_APPLY_H_
