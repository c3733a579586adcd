#include "api/api.h"

namespace levelkeep::api {

Api::Api(BackupManager* manager, const http::ApiOptions& options)
    : router_({.host = options.host,
               .allowed_hosts = options.allowed_hosts,
               .token = options.token}) {
  AddBackupRoutes(&router_, manager, &control_);
}

}  // namespace levelkeep::api
