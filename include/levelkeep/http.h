// The routes of LevelKeep on an application's own HTTP server.
//
//   httplib::Server server;
//   levelkeep::http::Mount(&server, &manager, levelkeep::http::ApiOptions());
//
// examples/http is a whole program, which also restores without a restart.
// docs/http-api.md is the contract. `levelkeep serve` uses the same code.

#ifndef LEVELKEEP_HTTP_H_
#define LEVELKEEP_HTTP_H_

#include <string>
#include <vector>

#include "levelkeep/backup_manager.h"
#include "levelkeep/status.h"

namespace httplib {
class Server;
}

namespace levelkeep::http {

struct ApiOptions {
  std::string host = "127.0.0.1";  // API_HOST: the address listened on
  int port = 5050;                 // API_PORT, PORT
  // API_TOKEN, API_TOKEN_FILE. Set: every route but /livez and /readyz needs
  // "Authorization: Bearer …".
  std::string token;
  // API_ALLOW_ANONYMOUS: listening beyond loopback without a token.
  bool allow_anonymous = false;
  // API_ALLOWED_HOSTS: accepted Host names besides the loopback ones.
  std::vector<std::string> allowed_hosts;

  // kInvalidArgument / kRefused with every problem, e.g. a public address
  // without a token.
  Status Validate() const;
};

// Adds the routes. The server, the manager and what they point to outlive
// the server's last request. The server's own limits are the caller's.
// REQUIRES: before server->listen().
void Mount(httplib::Server* server, BackupManager* manager,
           const ApiOptions& options);

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_H_
