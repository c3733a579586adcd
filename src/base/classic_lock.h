// Classic (POSIX) record locks that this process itself holds.

#ifndef LEVELKEEP_BASE_CLASSIC_LOCK_H_
#define LEVELKEEP_BASE_CLASSIC_LOCK_H_

#include "base/file_system.h"

namespace levelkeep {

// True if this process holds a classic lock on that file, by whatever name or
// descriptor it was taken. Opens and closes no descriptor of the file, which
// would drop the lock. False where /proc is missing, since nobody can tell.
// Thread safety: any thread.
bool HoldsClassicLock(const FileInfo& file);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_CLASSIC_LOCK_H_
