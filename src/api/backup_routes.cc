#include "api/backup_routes.h"

#include <algorithm>
#include <map>
#include <optional>

#include "api/backup_json.h"
#include "api/body_fields.h"
#include "base/text.h"
#include "format/backup_name.h"

namespace levelkeep::api {

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
  auto json = Json::object();
  json["success"] = true;
  json["backupPath"] = AbsolutePath(backup->path);
  json["size"] = backup->size_bytes;
  json["name"] = backup->name;
  json["sha256"] = backup->sha256;
  json["durationMs"] = backup->duration_ms;
  json["lastSequence"] = backup->last_sequence;
  return JsonResponse(DumpOrdered(json));
}

// The part of the list that a request asks for.
// Thread safety: one thread at a time.
class Page {
 public:
  explicit Page(std::string* text) : array_(Clock::System()->Now(), text) {}

  // "limit" and "after".
  Status Read(const std::map<std::string, std::string>& query) {
    if (const auto it = query.find("limit"); it != query.end()) {
      const auto number = ParseUint64(it->second);
      if (!number || *number < 1 || *number > kMaxPageSize) {
        return Status(StatusCode::kInvalidArgument,
                      "the query parameter \"limit\" is not a number from 1 "
                      "to 100000");
      }
      limit_ = *number;
    }
    if (const auto it = query.find("after"); it != query.end()) {
      const auto parsed = ParseBackupName(it->second);
      if (!parsed) {
        return Status(StatusCode::kInvalidArgument,
                      "the query parameter \"after\" is not the name of a "
                      "backup",
                      "give the last name of the page before");
      }
      after_ = it->second;
      after_time_ = parsed->time;
    }
    return Status::Ok();
  }

  void Reserve(uint64_t backups) { array_.Reserve(std::min(limit_, backups)); }

  // False: no more is needed.
  bool Add(const BackupInfo& backup) {
    if (!found_ && !after_.empty()) {
      if (backup.name == after_) {
        // What is older but comes before it in the list was not meant.
        array_.Clear();
        more_ = false;
        found_ = true;
        return true;
      }
      // It may have been rotated away since the last page.
      if (array_.size() == 0 && backup.created >= after_time_) return true;
    }
    if (array_.size() == limit_) {
      more_ = true;
      return !found_ && !after_.empty();
    }
    array_.Add(backup);
    if (array_.size() == limit_) last_ = backup.name;
    return true;
  }

  void Finish() { array_.Finish(); }
  // The page's last name; null if the list ends with it.
  Json next() const { return more_ ? Json(last_) : Json(); }

 private:
  BackupArrayText array_;
  uint64_t limit_ = kMaxPageSize;
  std::string after_;  // empty: from the first one
  Time after_time_;
  bool found_ = false;  // `after_` is still there
  bool more_ = false;
  std::string last_;
};

Response ListBackups(BackupManager* manager, const Request& request) {
  std::string text = R"({"success":true,"backups":)";
  Page page(&text);
  const Status status = page.Read(request.query);
  if (!status.ok()) return ErrorResponse(status);
  page.Reserve(manager->Health().count);
  const auto total = manager->VisitBackups(
      [&page](const BackupInfo& backup) { return page.Add(backup); });
  if (!total.ok()) return ErrorResponse(total.status());
  page.Finish();
  auto rest = Json::object();
  rest["total"] = *total;
  rest["next"] = page.next();
  text += "," + DumpOrdered(rest).substr(1);  // goes on in the same object
  return JsonResponse(std::move(text));
}

Response ShowBackup(BackupManager* manager, const Request& request) {
  const auto backup = FindNamed(manager, request, /*latest_too=*/true);
  if (!backup.ok()) return ErrorResponse(backup.status());
  auto json = Json::object();
  json["success"] = true;
  json["backup"] = BackupToDetailedJson(*backup, Clock::System()->Now());
  return JsonResponse(DumpOrdered(json));
}

Response ExportMetadata(BackupManager* manager) {
  uint64_t total_bytes = 0;
  std::optional<Time> oldest, newest;
  std::string backups;
  BackupArrayText array(Clock::System()->Now(), &backups);
  array.Reserve(manager->Health().count);
  const auto count = manager->VisitBackups([&](const BackupInfo& backup) {
    total_bytes += backup.size_bytes;
    if (!oldest || backup.created < *oldest) oldest = backup.created;
    if (!newest || backup.created > *newest) newest = backup.created;
    array.Add(backup);
    return true;
  });
  if (!count.ok()) return ErrorResponse(count.status());
  array.Finish();
  auto metadata = Json::object();
  metadata["backupCount"] = *count;
  metadata["totalSize"] = total_bytes;
  metadata["oldestBackup"] = TimeToJson(oldest);
  metadata["newestBackup"] = TimeToJson(newest);
  std::string text = R"({"success":true,"metadata":)" + DumpOrdered(metadata);
  text.pop_back();  // its last member comes now
  text += R"(,"backups":)" + backups + "}}";
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

void AddBackupRoutes(http::Router* router, BackupManager* manager,
                     JobControl* control) {
  router->Add("POST", "/api/backup/create",
              [manager, control](const Request& request) {
                return CreateBackup(manager, control, request);
              });
  router->Add("GET", "/api/backup/list", [manager](const Request& request) {
    return ListBackups(manager, request);
  });
  router->Add("GET", "/api/backup/latest", [manager](const Request& request) {
    return ShowBackup(manager, request);
  });
  router->Add("GET", "/api/backup/{name}", [manager](const Request& request) {
    return ShowBackup(manager, request);
  });
  router->Add("GET", "/api/backup/export-metadata",
              [manager](const Request&) { return ExportMetadata(manager); });
  AddRestoreRoutes(router, manager, control);
  AddMaintenanceRoutes(router, manager, control);
  AddHealthRoutes(router, manager, control);
  AddDownloadRoute(router, manager);
}

}  // namespace levelkeep::api
