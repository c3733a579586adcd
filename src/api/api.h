// All routes of LevelKeep on a router, and what they share.

#ifndef LEVELKEEP_API_API_H_
#define LEVELKEEP_API_API_H_

#include <utility>

#include "api/backup_routes.h"
#include "http/router.h"
#include "levelkeep/backup_manager.h"
#include "levelkeep/http.h"

namespace levelkeep::api {

// Thread safety: all methods may be called concurrently once all routes are
// added.
class Api {
 public:
  // Adds the backup routes. `manager` outlives this object.
  Api(BackupManager* manager, const http::ApiOptions& options);
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  // For servers, and for hosts with routes of their own.
  http::Router* router() { return &router_; }
  http::Response Handle(http::Request request) {
    return router_.Handle(std::move(request));
  }

  // From now on /readyz answers 503, so that no new clients are sent here.
  void StartDraining() { control_.draining = true; }
  // Asks running backups, verifications and restores to stop.
  void CancelJobs() { control_.stop.request_stop(); }

 private:
  http::Router router_;
  JobControl control_;
};

}  // namespace levelkeep::api

#endif  // LEVELKEEP_API_API_H_
