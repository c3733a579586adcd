// restore/, the drop folder: what lies there, which of it is meant, and what
// becomes of it.

#ifndef LEVELKEEP_RESTORE_DROP_FOLDER_H_
#define LEVELKEEP_RESTORE_DROP_FOLDER_H_

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "archive/archive_reader.h"
#include "levelkeep/status.h"
#include "restore/context.h"
#include "restore/drop_identity.h"
#include "restore/restorer.h"

namespace levelkeep {

struct DropScan {
  std::vector<DropIdentity> archives;  // regular files *.tar.gz
  std::vector<std::string> ignored;    // look like archives, are not
};

// Hidden files and *.part are not mentioned at all.
Result<DropScan> ScanDropFolder(const RestoreContext& context);

// Waits until the size and the time of every archive stand still for
// settle_time, at most settle_limit. Names those that still change.
struct SettledDrops {
  DropScan scan;
  std::vector<std::string> growing;
};
Result<SettledDrops> WaitUntilSettled(const RestoreContext& context,
                                      std::stop_token stop);

// An archive in restore/ that could be opened.
struct DropCandidate {
  DropIdentity drop;
  ArchiveOutline outline;
};

// Orders them: the first is to be applied, the others are older. `requested`
// goes first wherever it is. Empty if they can't be ordered; `why` then says
// so.
std::vector<DropCandidate> OrderCandidates(
    std::vector<DropCandidate> candidates,
    const std::optional<DropIdentity>& requested, std::string* why);

// What ApplyDropped of the Restorer does. REQUIRES: no journal is pending.
Result<DropOutcome> ApplyDropFolder(const RestoreContext& context,
                                    std::stop_token stop);

// Removes what an interrupted copy left there.
Status SweepDropFolder(const RestoreContext& context,
                       std::vector<std::string>* swept);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_DROP_FOLDER_H_
