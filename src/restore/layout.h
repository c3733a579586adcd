// The folders that a restore needs, and whether the live database can be
// exchanged there at all.

#ifndef LEVELKEEP_RESTORE_LAYOUT_H_
#define LEVELKEEP_RESTORE_LAYOUT_H_

#include <string>
#include <string_view>
#include <vector>

#include "levelkeep/status.h"
#include "restore/context.h"

namespace levelkeep {

// storage/, storage/.levelkeep (0700), restore/ with applied/ and rejected/.
// A read-only restore/ is fine.
Status CreateLayout(const RestoreContext& context);

// kRefused: the database is a symbolic link or no directory; kUnsupported:
// it is a mount point or lies on another file system than storage_dir.
Status CheckExchangeable(const RestoreContext& context);

// The mount points of /proc/self/mountinfo. For tests.
std::vector<std::string> ParseMountPoints(std::string_view mountinfo);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_LAYOUT_H_
