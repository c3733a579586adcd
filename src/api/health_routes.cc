#include "api/backup_json.h"
#include "api/backup_routes.h"
#include "base/text.h"

namespace levelkeep::api {

namespace {

constexpr size_t kStatusListLength = 20;

template <typename T>
Json OptionalToJson(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json LatestToJson(const HealthReport& health, Time now) {
  return health.latest ? BackupToJson(*health.latest, now) : Json();
}

Response Health(BackupManager* manager) {
  const HealthReport health = manager->Health();
  auto backup = Json::object();
  backup["available"] = health.available;
  backup["count"] = health.count;
  backup["latest"] = LatestToJson(health, Clock::System()->Now());
  backup["totalSizeMB"] = FormatMegabytes(health.total_bytes);
  backup["lastSuccess"] = TimeToJson(health.last_success);
  backup["lastVerified"] = TimeToJson(health.last_verified);
  backup["lastError"] =
      health.last_error.empty() ? Json() : Json(health.last_error);
  backup["unsavedWrites"] = health.unsaved_writes;
  backup["unsavedSeconds"] = OptionalToJson(health.unsaved_seconds);
  backup["predictedRestoreSeconds"] =
      OptionalToJson(health.predicted_restore_seconds);
  backup["freeBytes"] = health.free_bytes;
  backup["nextRun"] = TimeToJson(health.next_run);
  backup["running"] = health.running.empty() ? Json() : Json(health.running);
  backup["undoAvailable"] = health.undo_available;
  backup["degraded"] = health.degraded;
  auto json = Json::object();
  json["status"] = health.store_usable ? "ok" : "unavailable";
  json["backup"] = std::move(backup);
  return JsonResponse(DumpOrdered(json), health.store_usable ? 200 : 503);
}

// The process turns; nothing else, or a full disk would cause restarts.
Response Live() { return JsonResponse("{\"status\":\"ok\"}"); }

Response Ready(BackupManager* manager, const JobControl& control) {
  std::string reason;
  if (control.draining) {
    reason = "the server is stopping";
  } else if (!manager->Health().store_usable) {
    reason = "the store is not usable";
  }
  auto json = Json::object();
  json["status"] = reason.empty() ? "ok" : "unavailable";
  if (!reason.empty()) json["reason"] = reason;
  Response response =
      JsonResponse(DumpOrdered(json), reason.empty() ? 200 : 503);
  if (!reason.empty()) response.headers["Retry-After"] = "5";
  return response;
}

Json ConfigToJson(const BackupOptions& options) {
  auto json = Json::object();
  json["storageDir"] = AbsolutePath(options.storage_dir);
  json["dbName"] = options.db_name;
  json["backupDir"] = AbsolutePath(options.backup_dir);
  json["restoreDir"] = AbsolutePath(options.restore_dir);
  json["autoBackupEnabled"] = options.auto_backup_enabled;
  json["autoRestoreEnabled"] = options.auto_restore_enabled;
  json["autoBackupInterval"] = options.auto_backup_interval.count();
  json["maxBackups"] = options.max_backups;
  json["compression"] = options.compression;
  json["compressionLevel"] = options.compression_level;
  json["md5Sidecar"] = options.md5_sidecar;
  json["threads"] = options.threads;
  json["rateLimit"] = options.rate_limit_bytes_per_second;
  json["priority"] = options.priority == ThreadPriority::kIdle ? "idle" : "low";
  json["reserve"] = options.reserve_bytes;
  json["verifyAfterBackup"] = options.verify_after_backup;
  json["restartCommand"] = options.restart_command;
  return json;
}

// One line about the last thing that happened; null before there is any.
Json LatestLog(const HealthReport& health) {
  if (!health.last_error.empty()) {
    return "the last backup failed: " + health.last_error;
  }
  if (!health.latest) return Json();
  const BackupInfo& latest = *health.latest;
  return latest.name + ": created " + FormatTime(latest.created) + ", " +
         latest.status;
}

Response BackupStatus(BackupManager* manager) {
  std::vector<BackupInfo> list;
  const auto total = manager->VisitBackups([&list](const BackupInfo& backup) {
    if (list.size() < kStatusListLength) list.push_back(backup);
    return list.size() < kStatusListLength;
  });
  if (!total.ok()) return ErrorResponse(total.status());
  const HealthReport health = manager->Health();
  const Time now = Clock::System()->Now();
  auto backups = Json::object();
  backups["total"] = health.count;
  backups["list"] = BackupsToJson(list, now);
  backups["totalSizeMB"] = FormatMegabytes(health.total_bytes);
  backups["latest"] = LatestToJson(health, now);
  auto disk = Json::object();
  disk["backupBytes"] = health.total_bytes;
  disk["freeBytes"] = health.free_bytes;
  auto json = Json::object();
  json["success"] = true;
  json["config"] = ConfigToJson(manager->options());
  json["backups"] = std::move(backups);
  json["latestLog"] = LatestLog(health);
  json["diskUsage"] = std::move(disk);
  return JsonResponse(DumpOrdered(json));
}

}  // namespace

void AddHealthRoutes(http::Router* router, BackupManager* manager,
                     JobControl* control) {
  RouteOptions open;
  open.needs_token = false;
  open.is_urgent = true;
  RouteOptions urgent;
  urgent.is_urgent = true;
  router->Add(
      "GET", "/api/health",
      [manager](const Request&) { return Health(manager); }, urgent);
  router->Add(
      "GET", "/livez", [](const Request&) { return Live(); }, open);
  router->Add(
      "GET", "/readyz",
      [manager, control](const Request&) { return Ready(manager, *control); },
      open);
  router->Add("GET", "/api/backup/status",
              [manager](const Request&) { return BackupStatus(manager); });
}

}  // namespace levelkeep::api
