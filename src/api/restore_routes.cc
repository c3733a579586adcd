#include "api/report_json.h"
#include "api/routes.h"

namespace levelkeep::api {

namespace {

RestoreMode ModeOf(const std::string& text) {
  if (text == "live") return RestoreMode::kLive;
  return text == "stage" ? RestoreMode::kStage : RestoreMode::kAuto;
}

// If the backup exists, kNotFound means that one of our folders is missing.
Response RestoreError(BackupManager* manager, const RestoreRequest& restore,
                      const Status& status) {
  const bool ours = status.code() == StatusCode::kNotFound &&
                    FindNamed(manager, restore.source, true).ok();
  return ours ? OwnError(status) : ErrorResponse(status);
}

Response Preview(BackupManager* manager, const RestoreRequest& restore) {
  const auto preview = manager->PreviewRestore(restore);
  if (!preview.ok()) return RestoreError(manager, restore, preview.status());
  return SuccessResponse(ToJson(*preview));
}

// The outcome of the request's job, once, however often the request comes.
Result<RestoreReport> ReportWithKey(BackupManager* manager, const Call& call,
                                    const JobRequest& job) {
  const auto ended = RunWithKey(manager, call.request(), job);
  if (!ended.ok()) return ended.status();
  return RestoreReportOf(ended->result);
}

Response Restore(BackupManager* manager, const Call& call) {
  RestoreRequest restore;
  restore.source = call.Text("backupName");
  restore.mode = ModeOf(call.Text("mode"));
  restore.other_database = call.Flag("otherDatabase");
  if (call.Flag("dryRun")) return Preview(manager, restore);
  const JobRequest job = {.type = JobType::kRestore,
                          .backup = restore.source,
                          .mode = restore.mode,
                          .other_database = restore.other_database};
  if (PrefersAsync(call.request())) {
    return Accepted(manager, call.request(), job);
  }
  const auto report = KeyOf(call.request()).empty()
                          ? manager->RestoreBackup(restore)
                          : ReportWithKey(manager, call, job);
  if (!report.ok()) return RestoreError(manager, restore, report.status());
  Json json = {
      {"message", report->applied ? "Restore complete."
                                  : "Restore complete. Restart application to "
                                    "apply changes."},
      {"restartCommand", manager->options().restore.restart_command}};
  json.update(ToJson(*report));
  return SuccessResponse(json);
}

Response PreviewUndo(BackupManager* manager, bool all) {
  const auto kept = manager->PreviewUndo(all);
  if (!kept.ok()) return ErrorResponse(kept.status());
  return SuccessResponse(UndoPreviewToJson(*kept));
}

Response Undo(BackupManager* manager, const Call& call) {
  if (call.Flag("dryRun")) return PreviewUndo(manager, call.Flag("all"));
  const JobRequest job = {.type = JobType::kUndo, .all = call.Flag("all")};
  if (PrefersAsync(call.request())) {
    return Accepted(manager, call.request(), job);
  }
  const auto report = KeyOf(call.request()).empty()
                          ? manager->UndoRestore(job.all)
                          : ReportWithKey(manager, call, job);
  if (!report.ok()) return ErrorResponse(report.status());
  return SuccessResponse(UndoToJson(*report));
}

}  // namespace

std::vector<Route> RestoreRoutes(BackupManager* manager) {
  return {
      {.method = "POST",
       .path = "/api/backup/restore",
       .summary = "restores a backup, immediately or at the next start",
       .scope = Scope::kRestore,
       .body = Body{.fields = {{.name = "backupName",
                                .required = true,
                                .hint = "name one of the backups that "
                                        "/api/backup/list shows, or "
                                        "\"latest\""},
                               {.name = "mode",
                                .choices = {"auto", "live", "stage"}},
                               {.name = "dryRun", .kind = Field::Kind::kFlag},
                               {.name = "otherDatabase",
                                .kind = Field::Kind::kFlag}}},
       .answers = {200, 202, 404, 409, 422, 507},
       .handler = [=](const Call& call) { return Restore(manager, call); }},
      {.method = "POST",
       .path = "/api/backup/undo",
       .summary = "puts back the database that the last restore replaced",
       .scope = Scope::kRestore,
       .body = Body{.fields = {{.name = "all", .kind = Field::Kind::kFlag},
                               {.name = "dryRun", .kind = Field::Kind::kFlag}}},
       .answers = {200, 202, 404, 409, 422, 507},
       .handler = [=](const Call& call) { return Undo(manager, call); }},
  };
}

}  // namespace levelkeep::api
