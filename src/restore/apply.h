// From a staged database to the live one (R6..R15), and back; finishing or
// taking back what a crash interrupted (the recovery table); and which of what
// lies in restore/, the drop folder, is meant, and what becomes of it.

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

// Orders them: the first is to be applied, the others are older. `requested`
// goes first wherever it is. If they can't be ordered, `why` says so. REQUIRES:
// each has a reader.
std::vector<OpenDrop> OrderDrops(std::vector<OpenDrop> drops,
                                 const std::optional<DropIdentity>& requested,
                                 std::string* why);

// What ApplyDropped of the Restorer does. REQUIRES: no journal is pending.
//   1. wait until what is being copied stands still
//   2. open each drop, once: what is looked at is what is applied and moved
//   3. leave out what was dealt with before, ended the start too often, is no
//      archive, or is not what the digest beside it says
//   4. order the others; if one can't be looked at, it may be the one meant
//   5. apply the first, move the others aside
Result<DropOutcome> ApplyDropFolder(const RestoreContext& context,
                                    BadDrops bad_drops, std::stop_token stop);

// Removes what an interrupted copy left there.
Status SweepDropFolder(const RestoreContext& context,
                       std::vector<std::string>* swept);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_APPLY_H_
