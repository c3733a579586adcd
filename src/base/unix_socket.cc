#include "base/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/file_system.h"
#include "base/hash.h"
#include "base/process.h"
#include "base/text.h"
#include "base/unique_fd.h"

namespace levelkeep {

namespace {

SocketState StateOf(int error) {
  switch (error) {
    case 0:
    case EAGAIN:  // its queue is full
    case EINPROGRESS:
      return SocketState::kListening;
    case ENOENT:
    case ENOTDIR:
      return SocketState::kNone;
    case EACCES:
    case EPERM:
      return SocketState::kForbidden;
    default:
      return SocketState::kDead;
  }
}

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

SocketState ProbeSocket(const std::string& path) {
  struct stat info = {};
  if (::lstat(path.c_str(), &info) != 0) return StateOf(errno);
  if (!S_ISSOCK(info.st_mode)) return SocketState::kOther;
  sockaddr_un address = {};
  if (path.size() >= sizeof(address.sun_path)) return SocketState::kOther;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const UniqueFd fd(
      ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.get() < 0) return SocketState::kForbidden;
  const int connected = ::connect(
      fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  return StateOf(connected == 0 ? 0 : errno);
}

std::vector<std::string> SocketPathsFor(const std::string& folder) {
  const std::string own = AbsolutePath(folder);
  std::string runtime = Variable("RUNTIME_DIRECTORY");
  runtime = runtime.substr(0, runtime.find(':'));  // systemd may list several
  if (runtime.empty()) runtime = Variable("XDG_RUNTIME_DIR");
  if (runtime.empty()) {
    runtime = "/run/user/" + std::to_string(EffectiveUser());
  }
  // Two databases must not share a socket, whatever their folders are named.
  const std::string name =
      "levelkeep-" + Sha256Hex(own).substr(0, 16) + ".sock";
  std::vector<std::string> paths;
  for (std::string path :
       {JoinPath(own, "control.sock"), JoinPath(runtime, name)}) {
    if (path.size() <= kMostSocketPathBytes) paths.push_back(std::move(path));
  }
  return paths;
}

}  // namespace levelkeep
