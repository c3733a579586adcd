// Finishes or undoes what a crash interrupted (see the recovery table).

#ifndef LEVELKEEP_RESTORE_RECOVERY_H_
#define LEVELKEEP_RESTORE_RECOVERY_H_

#include "levelkeep/status.h"
#include "restore/context.h"
#include "restore/restorer.h"

namespace levelkeep {

// Settles a pending journal, if there is one, and adds the result to `outcome`.
// Idempotent: after a crash in the middle, the same call is made again.
Status SettleJournal(const RestoreContext& context, RecoveryOutcome* outcome);

// The access errors that SettleJournal and Sweep would meet in this process.
// Writes nothing; folders may be missing.
Status JudgeRecovery(const RestoreContext& context);

// Removes left-overs from the work directory and the drop folder.
// REQUIRES: no journal is pending.
Status Sweep(const RestoreContext& context, RecoveryOutcome* outcome);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_RECOVERY_H_
