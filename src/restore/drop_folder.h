// restore/, the drop folder: which of what lies there is meant, and what
// becomes of it.

#ifndef LEVELKEEP_RESTORE_DROP_FOLDER_H_
#define LEVELKEEP_RESTORE_DROP_FOLDER_H_

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "levelkeep/status.h"
#include "restore/context.h"
#include "restore/drop_scan.h"
#include "restore/restorer.h"

namespace levelkeep {

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

#endif  // LEVELKEEP_RESTORE_DROP_FOLDER_H_
