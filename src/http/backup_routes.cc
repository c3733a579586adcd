#include "http/backup_routes.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "catalog/backup_name.h"
#include "http/backup_json.h"
#include "http/body_fields.h"

namespace levelkeep::http {

namespace {

constexpr uint64_t kMaxPageSize = 100'000;

Response CreateBackup(BackupManager* manager, JobControl* control,
                      const Request& request) {
  BodyFields fields(request);
  CreateRequest create;
  create.label = fields.String("label");
  create.trigger = "api";
  create.stop = control->stop.get_token();
  if (!fields.status().ok()) return ErrorResponse(fields.status());
  const auto backup = manager->CreateBackup(create);
  if (!backup.ok()) return ErrorResponse(backup.status());
  Json json;
  json["success"] = true;
  json["backupPath"] = AbsolutePath(backup->path);
  json["size"] = backup->size_bytes;
  json["name"] = backup->name;
  json["sha256"] = backup->sha256;
  json["durationMs"] = backup->duration_ms;
  json["lastSequence"] = backup->last_sequence;
  return JsonResponse(DumpOrdered(json));
}

// The backups that come after the one named `after`; that one may have been
// rotated away since the last page.
Status SkipTo(const std::string& after, std::vector<BackupInfo>* backups) {
  const auto parsed = ParseBackupName(after);
  if (!parsed) {
    return Status(StatusCode::kInvalidArgument,
                  "the query parameter \"after\" is not the name of a backup",
                  "give the last name of the page before");
  }
  auto it = std::find_if(
      backups->begin(), backups->end(),
      [&](const BackupInfo& backup) { return backup.name == after; });
  if (it != backups->end()) {
    ++it;
  } else {
    it = std::find_if(backups->begin(), backups->end(),
                      [&](const BackupInfo& backup) {
                        return backup.created < parsed->time;
                      });
  }
  backups->erase(backups->begin(), it);
  return Status::Ok();
}

Response ListBackups(BackupManager* manager, const Request& request) {
  uint64_t limit = kMaxPageSize;
  if (const auto it = request.query.find("limit"); it != request.query.end()) {
    const auto number = ParseUint64(it->second);
    if (!number || *number < 1 || *number > kMaxPageSize) {
      return ErrorResponse(400, "invalid_argument",
                           "the query parameter \"limit\" is not a number "
                           "from 1 to 100000");
    }
    limit = *number;
  }
  auto backups = manager->ListBackups();
  if (!backups.ok()) return ErrorResponse(backups.status());
  const size_t total = backups->size();
  if (const auto it = request.query.find("after"); it != request.query.end()) {
    const Status status = SkipTo(it->second, &*backups);
    if (!status.ok()) return ErrorResponse(status);
  }
  const bool more = backups->size() > limit;
  if (more) backups->resize(limit);
  std::string text = R"({"success":true,"backups":)";
  AppendBackups(*backups, Clock::System()->Now(), &text);
  Json rest;
  rest["total"] = total;
  rest["next"] = more ? Json(backups->back().name) : Json();
  text += "," + DumpOrdered(rest).substr(1);  // goes on in the same object
  return JsonResponse(std::move(text));
}

Response ShowBackup(BackupManager* manager, const Request& request) {
  const auto backup = FindNamed(manager, request, /*latest_too=*/true);
  if (!backup.ok()) return ErrorResponse(backup.status());
  Json json;
  json["success"] = true;
  json["backup"] = BackupToDetailedJson(*backup, Clock::System()->Now());
  return JsonResponse(DumpOrdered(json));
}

Response ExportMetadata(BackupManager* manager) {
  const auto backups = manager->ListBackups();
  if (!backups.ok()) return ErrorResponse(backups.status());
  uint64_t total_bytes = 0;
  std::optional<Time> oldest, newest;
  for (const BackupInfo& backup : *backups) {
    total_bytes += backup.size_bytes;
    if (!oldest || backup.created < *oldest) oldest = backup.created;
    if (!newest || backup.created > *newest) newest = backup.created;
  }
  Json metadata;
  metadata["backupCount"] = backups->size();
  metadata["totalSize"] = total_bytes;
  metadata["oldestBackup"] = TimeToJson(oldest);
  metadata["newestBackup"] = TimeToJson(newest);
  std::string text = R"({"success":true,"metadata":)" + DumpOrdered(metadata);
  text.pop_back();  // its last member comes now
  text += R"(,"backups":)";
  AppendBackups(*backups, Clock::System()->Now(), &text);
  text += "}}";
  return JsonResponse(std::move(text));
}

}  // namespace

Result<BackupInfo> FindNamed(BackupManager* manager, const Request& request,
                             bool latest_too) {
  const auto it = request.parameters.find("name");
  const std::string name =
      it == request.parameters.end() ? "latest" : it->second;
  if (!ParseBackupName(name) && !(latest_too && name == "latest")) {
    return Status(StatusCode::kNotFound, "there is no backup of that name",
                  "names look like backup_2024-12-27_120000.tar.gz");
  }
  return manager->FindBackup(name);
}

void AddBackupRoutes(Api* api, BackupManager* manager, JobControl* control) {
  api->AddRoute("POST", "/api/backup/create",
                [manager, control](const Request& request) {
                  return CreateBackup(manager, control, request);
                });
  api->AddRoute("GET", "/api/backup/list", [manager](const Request& request) {
    return ListBackups(manager, request);
  });
  api->AddRoute("GET", "/api/backup/latest", [manager](const Request& request) {
    return ShowBackup(manager, request);
  });
  api->AddRoute("GET", "/api/backup/{name}", [manager](const Request& request) {
    return ShowBackup(manager, request);
  });
  api->AddRoute("GET", "/api/backup/export-metadata",
                [manager](const Request&) { return ExportMetadata(manager); });
  AddRestoreRoutes(api, manager, control);
  AddMaintenanceRoutes(api, manager, control);
  AddHealthRoutes(api, manager, control);
  AddDownloadRoute(api, manager);
}

}  // namespace levelkeep::http
