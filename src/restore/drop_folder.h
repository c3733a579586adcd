// restore/, the drop folder: decides which of its archives to restore, and
// moves the archives away.

#ifndef LEVELKEEP_RESTORE_DROP_FOLDER_H_
#define LEVELKEEP_RESTORE_DROP_FOLDER_H_

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "levelkeep/status.h"
#include "restore/context.h"
#include "restore/drop_check.h"
#include "restore/drop_identity.h"
#include "restore/restorer.h"

namespace levelkeep {

// Sorts the drops: the first is to be applied, the others are older.
// `requested` goes first, wherever it is. If the drops can't be ordered, `why`
// says so. REQUIRES: each drop has a reader.
std::vector<OpenDrop> OrderDrops(std::vector<OpenDrop> drops,
                                 const std::optional<DropIdentity>& requested,
                                 std::string* why);

// Implements Restorer::ApplyDropped. REQUIRES: no journal is pending.
//   1. wait until files that are being copied are complete
//   2. open each drop once: that open file is checked, applied and moved
//   3. skip a drop that was handled before, that ended the start too often,
//   that
//      is not an archive, or that differs from the digest beside it
//   4. order the others; a drop that can't be read might be the wanted one
//   5. apply the first drop, move the others aside
Result<DropOutcome> ApplyDropFolder(const RestoreContext& context,
                                    BadDrops bad_drops, std::stop_token stop);

// Removes the files that an interrupted copy left in the folder.
Status SweepDropFolder(const RestoreContext& context,
                       std::vector<std::string>* swept);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_DROP_FOLDER_H_
