// The tables of LevelKeep's routes. One file per topic:
//   backup_routes.cc         create, list, latest, {name}, export-metadata
//   restore_routes.cc        restore, undo
//   maintenance_routes.cc    verify, drill, pin, delete, rotate
//   health_routes.cc         health, metrics, livez, readyz, status
//   download_route.cc        download
//   job_routes.cc            trigger, jobs
// The event store's routes are in events/event_routes.h.

#ifndef LEVELKEEP_API_ROUTES_H_
#define LEVELKEEP_API_ROUTES_H_

#include <atomic>
#include <string>
#include <vector>

#include "api/call.h"
#include "api/report_json.h"
#include "api/route.h"
#include "base/live_value.h"
#include "config/settings.h"
#include "levelkeep/backup_manager.h"

namespace levelkeep::api {

using http::ErrorResponse;
using http::JsonResponse;
using http::Request;
using http::Response;

// `manager` is not owned and must outlive the last call.
std::vector<Route> BackupRoutes(BackupManager* manager);
std::vector<Route> RestoreRoutes(BackupManager* manager);
std::vector<Route> MaintenanceRoutes(BackupManager* manager);
// `draining` and `program` must outlive the last call. `program` has all
// settings that the status shows; null: the status shows the manager's.
std::vector<Route> HealthRoutes(BackupManager* manager,
                                const std::atomic<bool>* draining,
                                const LiveValue<Settings>* program);
std::vector<Route> DownloadRoutes(BackupManager* manager);
std::vector<Route> JobRoutes(BackupManager* manager);

// Submits the job with the request's Idempotency-Key, if it has one: 202 with
// the job's id and Location, or the error.
Response Accepted(BackupManager* manager, const Request& request,
                  const JobRequest& job);
// The value of the header Idempotency-Key; empty: there is none.
std::string KeyOf(const Request& request);
// As Accepted, and waits for the end of the job; its failure is an error. A
// repeated request gets the end of the first one.
Result<Job> RunWithKey(BackupManager* manager, const Request& request,
                       const JobRequest& job);
// True if the client asks for an answer before the work is done ("Prefer:
// respond-async", RFC 7240).
bool PrefersAsync(const Request& request);

// Finds the backup of that name, or of "latest" if `latest_too`. Any other text
// is kNotFound.
Result<BackupInfo> FindNamed(BackupManager* manager, const std::string& name,
                             bool latest_too = false);

// The answer to an error that is not caused by the request: a missing folder is
// not a missing route.
Response OwnError(const Status& status);

// 200 with "success":true, then `fields`.
Response SuccessResponse(const Json& fields);

}  // namespace levelkeep::api

#endif  // LEVELKEEP_API_ROUTES_H_
