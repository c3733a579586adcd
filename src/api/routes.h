// The tables of LevelKeep's own routes. Split by concern:
//   backup_routes.cc         create, list, latest, {name}, export-metadata
//   restore_routes.cc        restore, undo
//   maintenance_routes.cc    verify, pin, delete, rotate
//   health_routes.cc         health, livez, readyz, status
//   download_route.cc        download
// events/event_routes.h has those of the event store.

#ifndef LEVELKEEP_API_ROUTES_H_
#define LEVELKEEP_API_ROUTES_H_

#include <atomic>
#include <string>
#include <vector>

#include "api/call.h"
#include "api/report_json.h"
#include "api/route.h"
#include "config/settings.h"
#include "levelkeep/backup_manager.h"

namespace levelkeep::api {

using http::ErrorResponse;
using http::JsonResponse;
using http::Request;
using http::Response;

// `manager` is not owned and outlives the last call.
std::vector<Route> BackupRoutes(BackupManager* manager);
std::vector<Route> RestoreRoutes(BackupManager* manager);
std::vector<Route> MaintenanceRoutes(BackupManager* manager);
// `draining` and `program` outlive the last call. `program` has all settings
// that the status shows, and outlives the last call; null: those of the
// manager.
std::vector<Route> HealthRoutes(BackupManager* manager,
                                const std::atomic<bool>* draining,
                                const Settings* program);
std::vector<Route> DownloadRoutes(BackupManager* manager);

// The backup of that name, or "latest" where `latest_too`. All else, in a path,
// is kNotFound.
Result<BackupInfo> FindNamed(BackupManager* manager, const std::string& name,
                             bool latest_too = false);

// Of what names nothing of the caller's: a folder that is missing is no missing
// route, and what the caller gave was judged before.
Response OwnError(const Status& status);

// 200 with "success":true, then `fields`.
Response SuccessResponse(const Json& fields);

}  // namespace levelkeep::api

#endif  // LEVELKEEP_API_ROUTES_H_
