#include "api/report_json.h"
#include "api/routes.h"
#include "base/report_names.h"

namespace levelkeep::api {

namespace {

Response Verify(BackupManager* manager, const Call& call) {
  const auto backup = FindNamed(manager, call.name());
  if (!backup.ok()) return ErrorResponse(backup.status());
  const VerifyDepth depth =
      ParseVerifyDepth(call.Text("depth")).value_or(VerifyDepth::kChecksums);
  if (PrefersAsync(call.request())) {
    return Accepted(
        manager, call.request(),
        {.type = JobType::kVerify, .backup = backup->name, .depth = depth});
  }
  const auto report = manager->VerifyBackup(backup->name, depth);
  if (!report.ok()) return ErrorResponse(report.status());
  return SuccessResponse(ToJson(*report));
}

Response Drill(BackupManager* manager, const Call& call) {
  const std::string named = call.Text("backup");
  const auto backup = FindNamed(manager, named.empty() ? "latest" : named,
                                /*latest_too=*/true);
  if (!backup.ok()) return ErrorResponse(backup.status());
  if (PrefersAsync(call.request())) {
    return Accepted(manager, call.request(),
                    {.type = JobType::kDrill, .backup = backup->name});
  }
  const auto report = manager->Drill(backup->name);
  if (!report.ok()) return ErrorResponse(report.status());
  return SuccessResponse(ToJson(*report));
}

Response VerifyDue(BackupManager* manager, const Call& call) {
  return Accepted(manager, call.request(),
                  {.type = JobType::kVerify, .all = true});
}

Response Pin(BackupManager* manager, const Call& call, bool pinned) {
  const auto backup = FindNamed(manager, call.name());
  if (!backup.ok()) return ErrorResponse(backup.status());
  const Status status = manager->PinBackup(backup->name, pinned);
  if (!status.ok()) return ErrorResponse(status);
  return SuccessResponse({{"name", backup->name}, {"pinned", pinned}});
}

Response Delete(BackupManager* manager, const Call& call) {
  const auto backup = FindNamed(manager, call.name());
  if (!backup.ok()) return ErrorResponse(backup.status());
  if (PrefersAsync(call.request())) {
    return Accepted(manager, call.request(),
                    {.type = JobType::kDelete,
                     .backup = backup->name,
                     .other_database = call.Flag("otherDatabase"),
                     .force = call.Flag("force")});
  }
  const Status status = manager->DeleteBackup(backup->name, call.Flag("force"),
                                              call.Flag("otherDatabase"));
  if (!status.ok()) return ErrorResponse(status);
  return SuccessResponse({{"name", backup->name}, {"deleted", true}});
}

Response Rotate(BackupManager* manager, const Call& call) {
  if (call.Flag("dryRun")) {
    const auto plan = manager->PlanRotation();
    if (!plan.ok()) return OwnError(plan.status());
    return SuccessResponse(RotationPlanToJson(*plan));
  }
  if (PrefersAsync(call.request())) {
    return Accepted(manager, call.request(), {.type = JobType::kRotate});
  }
  const auto decisions = manager->Rotate(false);
  if (!decisions.ok()) return OwnError(decisions.status());
  return SuccessResponse(RotationToJson(*decisions));
}

}  // namespace

std::vector<Route> MaintenanceRoutes(BackupManager* manager) {
  return {
      {.method = "POST",
       .path = "/api/backup/{name}/verify",
       .summary = "checks whether the backup is sound",
       .scope = Scope::kCreate,
       .body =
           Body{.fields = {{.name = "depth",
                            .choices = {"structure", "checksums", "full"}}}},
       .answers = {200, 202, 404, 409, 422, 507},
       .handler = [=](const Call& call) { return Verify(manager, call); }},
      {.method = "POST",
       .path = "/api/backup/verify",
       .summary = "verifies the backups that have waited longest for it",
       .scope = Scope::kCreate,
       .body = Body{},
       .answers = {202, 409, 507},
       .handler = [=](const Call& call) { return VerifyDue(manager, call); }},
      {.method = "POST",
       .path = "/api/backup/{name}/pin",
       .summary = "protects the backup from rotation",
       .scope = Scope::kAdmin,
       .body = Body{},
       .answers = {200, 404, 409, 507},
       .handler = [=](const Call& call) { return Pin(manager, call, true); }},
      {.method = "DELETE",
       .path = "/api/backup/{name}/pin",
       .summary = "ends that protection",
       .scope = Scope::kAdmin,
       .body = Body{},
       .answers = {200, 404, 409, 507},
       .handler = [=](const Call& call) { return Pin(manager, call, false); }},
      {.method = "DELETE",
       .path = "/api/backup/{name}",
       .summary = "deletes the backup",
       .scope = Scope::kAdmin,
       .query = {{.name = "force", .kind = Field::Kind::kFlag},
                 {.name = "otherDatabase", .kind = Field::Kind::kFlag}},
       .body = Body{},
       .answers = {200, 202, 404, 409},
       .handler = [=](const Call& call) { return Delete(manager, call); }},
      {.method = "POST",
       .path = "/api/drill",
       .summary = "restores a backup on trial, and tells how long it took",
       .scope = Scope::kCreate,
       .body = Body{.fields = {{.name = "backup"}}},
       .answers = {200, 202, 404, 409, 422, 507},
       .handler = [=](const Call& call) { return Drill(manager, call); }},
      {.method = "POST",
       .path = "/api/backup/rotate",
       .summary = "removes the backups that retention does not keep",
       .scope = Scope::kAdmin,
       .body = Body{.fields = {{.name = "dryRun", .kind = Field::Kind::kFlag}}},
       .answers = {200, 202, 409},
       .handler = [=](const Call& call) { return Rotate(manager, call); }},
  };
}

}  // namespace levelkeep::api
