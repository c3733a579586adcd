// What lies in restore/, and whether it stands still.

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

// The name's part before ".tar.gz" or ".tgz", in any case; the whole name if it
// ends in neither.
std::string_view StemOfDrop(std::string_view name);
// Such a name is a wish: the file is to be restored. Hidden ones are not.
bool IsDropName(std::string_view name);

// A drop that is left where it is, and why.
struct LeftDrop {
  DropIdentity drop;
  UnrestoredDrop why;
};

struct DropScan {
  std::vector<DropIdentity> archives;  // regular files with a drop's name
  std::vector<LeftDrop> unusable;      // with a drop's name, and no such file
  std::vector<std::string> others;     // what else lies there
};

// Hidden files, *.part, and the digests beside drops are not mentioned.
Result<DropScan> ScanDropFolder(const RestoreContext& context);

// Waits until the size and the time of every archive stand still for
// settle_time and nobody has one open for writing, at most settle_limit. Names
// those that are not at rest then.
struct SettledDrops {
  DropScan scan;
  std::vector<std::string> growing;
};
Result<SettledDrops> WaitUntilSettled(const RestoreContext& context,
                                      std::stop_token stop);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_DROP_SCAN_H_
