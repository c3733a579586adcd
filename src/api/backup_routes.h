// The routes of LevelKeep itself. Split by concern:
//   backup_routes.cc         create, list, latest, {name}, export-metadata
//   restore_routes.cc        restore
//   maintenance_routes.cc    verify, pin, delete, rotate
//   health_routes.cc         health, livez, readyz, status
//   download_route.cc        download

#ifndef LEVELKEEP_API_BACKUP_ROUTES_H_
#define LEVELKEEP_API_BACKUP_ROUTES_H_

#include <atomic>
#include <stop_token>

#include "http/router.h"
#include "levelkeep/backup_manager.h"

namespace levelkeep::api {

using http::ErrorResponse;
using http::JsonResponse;
using http::Request;
using http::Response;
using http::RouteOptions;

struct JobControl {
  std::atomic<bool> draining{false};
  std::stop_source stop;
};

// Neither `manager` nor `control` is owned; both outlive the router's
// last request. AddBackupRoutes adds all of them.
void AddBackupRoutes(http::Router* router, BackupManager* manager,
                     JobControl* control);
void AddRestoreRoutes(http::Router* router, BackupManager* manager,
                      JobControl* control);
void AddMaintenanceRoutes(http::Router* router, BackupManager* manager,
                          JobControl* control);
void AddHealthRoutes(http::Router* router, BackupManager* manager,
                     JobControl* control);
void AddDownloadRoute(http::Router* router, BackupManager* manager);

// The backup whose exact name is in the path, or "latest" where `latest_too`.
// What is no backup name is kNotFound: nothing of that name can exist.
Result<BackupInfo> FindNamed(BackupManager* manager, const Request& request,
                             bool latest_too = false);

}  // namespace levelkeep::api

#endif  // LEVELKEEP_API_BACKUP_ROUTES_H_
