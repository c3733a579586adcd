// The socket over which the program `levelkeep` asks a running application to
// do its work, instead of working on the folders beside it.
//
// It is HTTP over a unix socket with the routes of docs/http-api.md and one
// more:
//
//   GET /api/control   {"protocol":1,"version","pid","workFolder","backupDir"}
//
// Who may open the socket's file may do everything: there is no token. The path
// stands in `instance.lock` of the work folder ("socket PATH").

#ifndef LEVELKEEP_API_CONTROL_SOCKET_H_
#define LEVELKEEP_API_CONTROL_SOCKET_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "api/api.h"
#include "base/file_system.h"
#include "base/live_value.h"
#include "config/settings.h"
#include "http/server.h"
#include "levelkeep/backup_manager.h"
#include "levelkeep/status.h"

namespace levelkeep::api {

// Grows with each change after which an older program would misunderstand the
// answers.
inline constexpr uint64_t kControlProtocol = 1;
inline constexpr char kControlRoute[] = "/api/control";

// What tells a folder from its copies, which have the same instance.lock:
// "device:inode".
std::string FolderMark(const FileInfo& folder);
// The path in the content of an instance.lock; empty: there is none.
std::string SocketIn(const std::string& lock_content);

// Thread safety: one thread.
class ControlSocket {
 public:
  // `manager` must outlive this object; `program` too, and may be null: see
  // HealthRoutes.
  ControlSocket(BackupManager* manager, const LiveValue<Settings>* program);
  ~ControlSocket();  // Close
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  // Also answers these routes. REQUIRES: called before Open.
  void Add(std::vector<Route> routes) { api_.Add(std::move(routes)); }
  // Listens at the first path that can be used, and writes it into the lock
  // file. A dead socket is replaced; a living one is never cut off (kBusy).
  // REQUIRES: manager->Initialize() succeeded, so nobody else may manage this
  // database.
  Status Open();
  // Empty: not open.
  const std::string& path() const { return path_; }
  // As Server::Stop, and removes the socket. May be called more than once.
  void Close();

 private:
  Status OpenAt(const std::string& path);
  http::Response Describe() const;

  BackupManager* const manager_;
  FileSystem* const fs_;
  Api api_;
  std::unique_ptr<http::Server> server_;
  std::string path_;
};

}  // namespace levelkeep::api

#endif  // LEVELKEEP_API_CONTROL_SOCKET_H_
