// Lists the content of restore/, and waits for unfinished copies.

#ifndef LEVELKEEP_RESTORE_DROP_SCAN_H_
#define LEVELKEEP_RESTORE_DROP_SCAN_H_

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "levelkeep/reports.h"
#include "levelkeep/status.h"
#include "restore/context.h"
#include "restore/drop_identity.h"

namespace levelkeep {

// The part of the name before ".tar.gz" or ".tgz" (in upper or lower case); the
// whole name if it has neither suffix.
std::string_view StemOfDrop(std::string_view name);
// A file with such a name is meant to be restored. Hidden files are not.
bool IsDropName(std::string_view name);

// A drop that stays in restore/, and the reason.
struct LeftDrop {
  DropIdentity drop;
  UnrestoredDrop why;
};

struct DropScan {
  std::vector<DropIdentity> archives;  // regular files with a drop's name
  std::vector<LeftDrop> unusable;      // drop names that are not regular files
  std::vector<std::string> others;     // all other names
};

// Leaves out hidden files, *.part, and the digests beside drops.
Result<DropScan> ScanDropFolder(const RestoreContext& context);

// Waits, at most settle_limit, until the size and time of every archive did not
// change for settle_time and no process has one open for writing. `growing`
// names the archives that are still changing.
struct SettledDrops {
  DropScan scan;
  std::vector<std::string> growing;
};
Result<SettledDrops> WaitUntilSettled(const RestoreContext& context,
                                      std::stop_token stop);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_DROP_SCAN_H_
