// Where a process listens for the program `levelkeep` on this machine, and
// whether anybody listens there.

#ifndef LEVELKEEP_BASE_UNIX_SOCKET_H_
#define LEVELKEEP_BASE_UNIX_SOCKET_H_

#include <cstddef>
#include <string>
#include <vector>

namespace levelkeep {

// A socket's path has at most so many bytes on Linux.
inline constexpr size_t kMostSocketPathBytes = 107;

enum class SocketState {
  kNone,       // there is no such file
  kOther,      // something else has the name
  kDead,       // its process has ended
  kListening,  // a process accepts connections, or will soon
  kForbidden,  // this user may not connect
};

// Connects, and closes the connection at once. Never waits.
SocketState ProbeSocket(const std::string& path);

// Paths for the socket of the work folder `folder`, the best one first: in the
// folder; else, for folders with long paths or on file systems without sockets,
// in a folder for running processes: RUNTIME_DIRECTORY (systemd's), else
// XDG_RUNTIME_DIR, else /run/user/UID.
std::vector<std::string> SocketPathsFor(const std::string& folder);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_UNIX_SOCKET_H_
