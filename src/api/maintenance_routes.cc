#include "api/backup_json.h"
#include "api/backup_routes.h"
#include "api/body_fields.h"

namespace levelkeep::api {

namespace {

Response Verify(BackupManager* manager, JobControl* control,
                const Request& request) {
  BodyFields fields(request);
  const std::string depth = fields.String("depth", "checksums");
  fields.AllowOnly({"depth"});
  if (!fields.status().ok()) return ErrorResponse(fields.status());
  if (depth != "structure" && depth != "checksums" && depth != "full") {
    return ErrorResponse(400, "invalid_argument",
                         "\"depth\" is not one of \"structure\", "
                         "\"checksums\" and \"full\"");
  }
  const auto backup = FindNamed(manager, request);
  if (!backup.ok()) return ErrorResponse(backup.status());
  const auto report =
      manager->VerifyBackup(backup->name, depth, control->stop.get_token());
  if (!report.ok()) return ErrorResponse(report.status());
  auto json = Json::object();
  json["success"] = true;
  json["name"] = backup->name;
  json["depth"] = report->depth;
  json["own"] = report->own;
  json["files"] = report->files;
  json["bytes"] = report->bytes;
  // Only a scan of the opened database knows these.
  const bool scanned = report->depth == "full";
  json["entries"] = scanned ? Json(report->entries) : Json();
  json["lastSequence"] = scanned ? Json(report->last_sequence) : Json();
  json["durationMs"] = report->duration_ms;
  return JsonResponse(DumpOrdered(json));
}

Response Pin(BackupManager* manager, const Request& request, bool pinned) {
  BodyFields fields(request);
  fields.AllowOnly({});
  if (!fields.status().ok()) return ErrorResponse(fields.status());
  const auto backup = FindNamed(manager, request);
  if (!backup.ok()) return ErrorResponse(backup.status());
  const Status status = manager->PinBackup(backup->name, pinned);
  if (!status.ok()) return ErrorResponse(status);
  auto json = Json::object();
  json["success"] = true;
  json["name"] = backup->name;
  json["pinned"] = pinned;
  return JsonResponse(DumpOrdered(json));
}

Response Delete(BackupManager* manager, const Request& request) {
  bool force = false;
  if (const auto it = request.query.find("force"); it != request.query.end()) {
    if (it->second != "true" && it->second != "false") {
      return ErrorResponse(400, "invalid_argument",
                           "the query parameter \"force\" is not true or "
                           "false");
    }
    force = it->second == "true";
  }
  const auto backup = FindNamed(manager, request);
  if (!backup.ok()) return ErrorResponse(backup.status());
  const Status status = manager->DeleteBackup(backup->name, force);
  if (!status.ok()) return ErrorResponse(status);
  auto json = Json::object();
  json["success"] = true;
  json["name"] = backup->name;
  json["deleted"] = true;
  return JsonResponse(DumpOrdered(json));
}

Response Rotate(BackupManager* manager, const Request& request) {
  BodyFields fields(request);
  const bool dry_run = fields.Bool("dryRun", false);
  fields.AllowOnly({"dryRun"});
  if (!fields.status().ok()) return ErrorResponse(fields.status());
  const auto decisions = manager->Rotate(dry_run);
  if (!decisions.ok()) return ErrorResponse(decisions.status());
  Json kept = Json::array();
  Json removed = Json::array();
  for (const RotationDecision& decision : *decisions) {
    auto json = Json::object();
    json["name"] = decision.name;
    json["reason"] = decision.reason;
    (decision.keep ? kept : removed).push_back(std::move(json));
  }
  auto json = Json::object();
  json["success"] = true;
  json["dryRun"] = dry_run;
  json["kept"] = std::move(kept);
  json["removed"] = std::move(removed);
  return JsonResponse(DumpOrdered(json));
}

}  // namespace

void AddMaintenanceRoutes(http::Router* router, BackupManager* manager,
                          JobControl* control) {
  router->Add("POST", "/api/backup/{name}/verify",
              [manager, control](const Request& request) {
                return Verify(manager, control, request);
              });
  router->Add("POST", "/api/backup/{name}/pin",
              [manager](const Request& request) {
                return Pin(manager, request, true);
              });
  router->Add("DELETE", "/api/backup/{name}/pin",
              [manager](const Request& request) {
                return Pin(manager, request, false);
              });
  router->Add(
      "DELETE", "/api/backup/{name}",
      [manager](const Request& request) { return Delete(manager, request); });
  router->Add("POST", "/api/backup/rotate", [manager](const Request& request) {
    return Rotate(manager, request);
  });
}

}  // namespace levelkeep::api
