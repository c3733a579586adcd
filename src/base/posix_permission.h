// Who may not do what, and the command that mends it; private to the
// posix_*.cc files.

#ifndef LEVELKEEP_BASE_POSIX_PERMISSION_H_
#define LEVELKEEP_BASE_POSIX_PERMISSION_H_

#include <string>

namespace levelkeep {

// After a call on `path` was denied: the user that this process runs as, the
// folder or file that it may not enter, write or read, whose that is, and the
// command that mends it. Less, where owner and mode would allow it.
std::string PermissionHint(const std::string& path);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_POSIX_PERMISSION_H_
