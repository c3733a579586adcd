#include "api/api.h"

namespace levelkeep::api {

Api::Api(BackupManager* manager, const http::ApiOptions& options,
         const LiveValue<Settings>* program)
    : router_(options) {
  Add(BackupRoutes(manager));
  Add(RestoreRoutes(manager));
  Add(MaintenanceRoutes(manager));
  Add(JobRoutes(manager));
  Add(HealthRoutes(manager, &draining_, program));
  Add(DownloadRoutes(manager));
}

void Api::Add(std::vector<Route> routes) {
  for (Route& one : routes) {
    const Route& route = routes_.emplace_back(std::move(one));
    const auto handle = [&route](const Request& request) {
      const Call call(route, request);
      return call.status().ok() ? route.handler(call)
                                : ErrorResponse(call.status());
    };
    router_.Add(route.method, route.path, handle,
                {.max_body_bytes = route.max_body_bytes,
                 .needs_token = route.scope != Scope::kOpen,
                 .is_urgent = route.is_urgent});
  }
}

bool Changes(const Route& route) { return route.method != "GET"; }

}  // namespace levelkeep::api
