// The routes of docs/http-api.md on an application's own HTTP server.

#ifndef LEVELKEEP_HTTP_H_
#define LEVELKEEP_HTTP_H_

#include <memory>

#include "levelkeep/backup_manager.h"

namespace httplib {
class Server;
}

namespace levelkeep::http {

// Adds the routes; call it before server->listen(). The server and the manager
// must outlive the server's last request. The caller sets the server's limits.
void Mount(httplib::Server* server, BackupManager* manager,
           const ApiOptions& options);

// Lets `levelkeep create`, `restore` and other verbs on this machine ask this
// application to do the work, over a unix socket in the database's work folder;
// so a create is a hot snapshot. Only this process' user, and root, can
// connect. The socket is closed with the last copy of the result, which must
// not outlive the manager. REQUIRES: manager->Initialize() succeeded. Errors:
// kBusy, kUnsupported (no folder can have a socket), kIoError.
Result<std::shared_ptr<void>> OpenControlSocket(BackupManager* manager);

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_H_
