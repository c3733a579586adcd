// Puts a staged database in place of the live one (R6..R15), and back; finishes
// or rolls back an interrupted restore (the recovery table); and handles the
// drop folder restore/: decides which archive to restore, and moves archives
// away.

#ifndef LEVELKEEP_RESTORE_APPLY_H_
#define LEVELKEEP_RESTORE_APPLY_H_

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "levelkeep/status.h"
#include "restore/context.h"
#include "restore/drop_scan.h"
#include "restore/restorer.h"
#include "restore/swap.h"

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

// Settles a pending journal, if there is one, and adds the result to `outcome`.
// Idempotent: after a crash in the middle, the same call is made again.
Status SettleJournal(const RestoreContext& context, RecoveryOutcome* outcome);

// The access errors that SettleJournal and Sweep would meet in this process.
// Writes nothing; folders may be missing.
Status JudgeRecovery(const RestoreContext& context);

// Removes left-overs from the work directory and the drop folder.
// REQUIRES: no journal is pending.
Status Sweep(const RestoreContext& context, RecoveryOutcome* outcome);

// Implements Restorer::ApplyDropped. REQUIRES: no journal is pending.
//   1. wait until files that are being copied are complete
//   2. open each drop once: that open file is checked, applied and moved
//   3. skip a drop that was handled before, that ended the start too often,
//      that is not an archive, or that differs from the digest beside it
//   4. order the others; a drop that can't be read might be the wanted one
//   5. apply the first drop, move the others aside
Result<DropOutcome> ApplyDropFolder(const RestoreContext& context,
                                    BadDrops bad_drops, std::stop_token stop);

// Removes the files that an interrupted copy left in the folder.
Status SweepDropFolder(const RestoreContext& context,
                       std::vector<std::string>* swept);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_APPLY_H_
