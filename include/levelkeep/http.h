// The routes of LevelKeep on an application's own HTTP server.
//
//   httplib::Server server;
//   levelkeep::http::Mount(&server, &manager, levelkeep::http::ApiOptions());
//
// examples/http is a whole program, which also restores without a restart.
// docs/http-api.md is the contract. `levelkeep serve` uses the same code.

#ifndef LEVELKEEP_HTTP_H_
#define LEVELKEEP_HTTP_H_

#include "levelkeep/backup_manager.h"
#include "levelkeep/options.h"

namespace httplib {
class Server;
}

namespace levelkeep::http {

// Adds the routes. The server, the manager and what they point to outlive
// the server's last request. The server's own limits are the caller's.
// REQUIRES: before server->listen().
void Mount(httplib::Server* server, BackupManager* manager,
           const ApiOptions& options);

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_H_
