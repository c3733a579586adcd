// What a program settles for its whole process, which the library leaves as its
// host has it; and limits of the process, which anybody may ask for.

#ifndef LEVELKEEP_BASE_OWN_PROCESS_H_
#define LEVELKEEP_BASE_OWN_PROCESS_H_

#include <cstdint>
#include <optional>

namespace levelkeep {

// Best effort, never fails:
//
//   1. descriptors 0 to 2 are open: one that is closed leads to /dev/null, for
//      reading only, so that no database file gets its number and what is
//      printed there fails as before
//   2. SIGPIPE and SIGXFSZ are ignored: a closed pipe, a limit of file sizes
//      is an error of that write, not the end of the process
//   3. SIGUSR1 is ignored until somebody answers it
//   4. SIGCHLD is as it was born: where a parent has left it ignored, nobody
//      learns how a child ended
//   5. as many files may be open at once as the hard limit allows
//
// REQUIRES: called first, before any file is opened and any thread started.
void SettleOwnProcess();

// The limit of file sizes (ulimit -f, LimitFSIZE=) in bytes; nothing: none.
std::optional<uint64_t> FileSizeLimit();

// So few files may be open (ulimit -n) that none should be kept open for speed.
bool FewFilesMayBeOpen();

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_OWN_PROCESS_H_
