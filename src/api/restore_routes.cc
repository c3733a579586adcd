#include "api/backup_json.h"
#include "api/backup_routes.h"
#include "api/body_fields.h"
#include "base/text.h"

namespace levelkeep::api {

namespace {

Result<RestoreMode> ParseMode(const std::string& text) {
  if (text.empty() || text == "auto") return RestoreMode::kAuto;
  if (text == "live") return RestoreMode::kLive;
  if (text == "stage") return RestoreMode::kStage;
  return Status(StatusCode::kInvalidArgument,
                "\"mode\" is not one of \"auto\", \"live\" and \"stage\"");
}

// What would be lost and gained; nothing is changed.
Response Preview(BackupManager* manager, const std::string& name) {
  const auto preview = manager->PreviewRestore(name);
  if (!preview.ok()) return ErrorResponse(preview.status());
  const uint64_t before = preview->current_events;
  const uint64_t after = preview->backup_events;
  auto json = Json::object();
  json["success"] = true;
  json["dryRun"] = true;
  json["name"] = preview->name;
  json["created"] = FormatTime(preview->backup_created);
  json["lastSequence"] = preview->backup_sequence;
  json["currentSequence"] = preview->current_sequence;
  json["lostWrites"] = preview->lost_writes;
  json["lostWritesExact"] = preview->same_history;
  json["events"] = after;
  json["currentEvents"] = before;
  json["lostEvents"] = before > after ? before - after : 0;
  json["gainedEvents"] = after > before ? after - before : 0;
  json["neededBytes"] = preview->needed_bytes;
  json["freeBytes"] = preview->free_bytes;
  return JsonResponse(DumpOrdered(json));
}

Response Restore(BackupManager* manager, JobControl* control,
                 const Request& request) {
  BodyFields fields(request);
  RestoreRequest restore;
  restore.source = fields.String("backupName");
  const std::string mode_text = fields.String("mode");
  const bool dry_run = fields.Bool("dryRun", false);
  fields.RefuseMisspelled({"backupName", "mode", "dryRun"});
  if (!fields.status().ok()) return ErrorResponse(fields.status());
  if (restore.source.empty()) {
    return ErrorResponse(400, "invalid_argument", "\"backupName\" is missing",
                         "name one of the backups that /api/backup/list "
                         "shows, or \"latest\"");
  }
  const auto mode = ParseMode(mode_text);
  if (!mode.ok()) return ErrorResponse(mode.status());
  if (dry_run) return Preview(manager, restore.source);
  restore.mode = *mode;
  restore.stop = control->stop.get_token();
  const auto report = manager->RestoreBackup(restore);
  if (!report.ok()) return ErrorResponse(report.status());
  auto json = Json::object();
  json["success"] = true;
  json["message"] = report->applied ? "Restore complete."
                                    : "Restore complete. Restart application "
                                      "to apply changes.";
  json["restartCommand"] = manager->options().restart_command;
  json["applied"] = report->applied;
  json["name"] = report->name;
  json["lastSequence"] = report->last_sequence;
  json["bytes"] = report->bytes;
  json["epoch"] = report->epoch.empty() ? Json() : Json(report->epoch);
  return JsonResponse(DumpOrdered(json));
}

Response Undo(BackupManager* manager, const Request& request) {
  BodyFields fields(request);
  const bool all = fields.Bool("all", false);
  fields.AllowOnly({"all"});
  if (!fields.status().ok()) return ErrorResponse(fields.status());
  const auto report = all ? manager->UndoAllRestores() : manager->UndoRestore();
  if (!report.ok()) return ErrorResponse(report.status());
  auto json = Json::object();
  json["success"] = true;
  json["message"] = "Undo complete.";
  json["lastSequence"] = report->last_sequence;
  json["epoch"] = report->epoch;
  return JsonResponse(DumpOrdered(json));
}

}  // namespace

void AddRestoreRoutes(http::Router* router, BackupManager* manager,
                      JobControl* control) {
  router->Add("POST", "/api/backup/restore",
              [manager, control](const Request& request) {
                return Restore(manager, control, request);
              });
  router->Add("POST", "/api/backup/undo", [manager](const Request& request) {
    return Undo(manager, request);
  });
}

}  // namespace levelkeep::api
