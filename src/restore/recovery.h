// Finishing or taking back what a crash interrupted (the recovery table).

#ifndef LEVELKEEP_RESTORE_RECOVERY_H_
#define LEVELKEEP_RESTORE_RECOVERY_H_

#include "levelkeep/status.h"
#include "restore/context.h"
#include "restore/restorer.h"

namespace levelkeep {

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

#endif  // LEVELKEEP_RESTORE_RECOVERY_H_
