// The routes of docs/http-api.md on an application's own HTTP server.

#ifndef LEVELKEEP_HTTP_H_
#define LEVELKEEP_HTTP_H_

#include "levelkeep/backup_manager.h"

namespace httplib {
class Server;
}

namespace levelkeep::http {

// Adds the routes; call it before server->listen(). The server and the manager
// must outlive the server's last request. The caller sets the server's limits.
void Mount(httplib::Server* server, BackupManager* manager,
           const ApiOptions& options);

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_H_
