#include "api/api.h"

#include <algorithm>
#include <iterator>

namespace levelkeep::api {

Api::Api(BackupManager* manager, const http::ApiOptions& options,
         const Settings* program)
    : router_({.host = options.host,
               .allowed_hosts = options.allowed_hosts,
               .token = options.token}) {
  Add(BackupRoutes(manager));
  Add(RestoreRoutes(manager));
  Add(MaintenanceRoutes(manager));
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

bool MayAnswer(const Route& route, int http_status) {
  // 400: the request is malformed, or one of its fields is wrong. The others:
  // access, the form of the body, a failing disk, a server at its limits.
  constexpr int kCommon[] = {400, 401, 403, 413, 415, 500, 503};
  const auto has = [=](const auto& list) {
    return std::find(std::begin(list), std::end(list), http_status) !=
           std::end(list);
  };
  return has(route.answers) || has(kCommon);
}

}  // namespace levelkeep::api
