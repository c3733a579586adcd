// All routes of LevelKeep on one router, and their common state.

#ifndef LEVELKEEP_API_API_H_
#define LEVELKEEP_API_API_H_

#include <atomic>
#include <deque>
#include <utility>
#include <vector>

#include "api/routes.h"
#include "base/live_value.h"
#include "http/router.h"
#include "levelkeep/backup_manager.h"

namespace levelkeep::api {

// Thread safety: all methods may be called concurrently after all routes have
// been added.
class Api {
 public:
  // Adds the backup routes. `manager` and `program` must outlive this object.
  // `program` has all settings of a program that has more than the manager's.
  Api(BackupManager* manager, const http::ApiOptions& options,
      const LiveValue<Settings>* program = nullptr);
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  // Every route is added by this method.
  void Add(std::vector<Route> routes);
  const std::deque<Route>& routes() const { return routes_; }

  const http::Router* router() const { return &router_; }
  http::Response Handle(http::Request request) const {
    return router_.Handle(std::move(request));
  }

  // See http::Router::SetAccess.
  void SetAccess(const http::ApiOptions& options) {
    router_.SetAccess(options);
  }
  // From now on /readyz answers 503, so that load balancers send no new
  // clients.
  void StartDraining() { draining_ = true; }

 private:
  std::deque<Route> routes_;  // handlers have pointers to them
  http::Router router_;
  std::atomic<bool> draining_ = false;
};

}  // namespace levelkeep::api

#endif  // LEVELKEEP_API_API_H_
