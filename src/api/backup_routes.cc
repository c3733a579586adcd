#include <chrono>
#include <optional>

#include "api/report_json.h"
#include "api/routes.h"
#include "base/json.h"

namespace levelkeep::api {

namespace {

constexpr uint64_t kMaxPageSize = 100'000;
// How long a create waits for a running job. Only a few may wait, because each
// waiting request occupies a connection and a thread.
constexpr std::chrono::seconds kCreateWait{10};
constexpr int kMaxWaitingCreates = 4;

constexpr char kNoSuchAfter[] =
    "the query parameter \"after\" is not the name of a backup";
constexpr char kAfterHint[] = "give the last name of the previous page";

Result<BackupInfo> Create(BackupManager* manager, const Call& call) {
  const std::string label = call.Text("label");
  if (!KeyOf(call.request()).empty()) {
    const auto job = RunWithKey(manager, call.request(), {.label = label});
    if (!job.ok()) return job.status();
    return manager->FindBackup(job->result.at("backup"));
  }
  CreateRequest create;
  create.label = label;
  create.trigger = "api";
  create.wait = kCreateWait;
  create.max_waiting = kMaxWaitingCreates;
  return manager->CreateBackup(create);
}

Response CreateBackup(BackupManager* manager, const Call& call) {
  const std::string label = call.Text("label");
  if (PrefersAsync(call.request())) {
    return Accepted(manager, call.request(), {.label = label});
  }
  const auto backup = Create(manager, call);
  if (!backup.ok() && label.empty()) return OwnError(backup.status());
  if (!backup.ok()) return ErrorResponse(backup.status());
  return SuccessResponse(CreatedToJson(*backup));
}

Response ListBackups(BackupManager* manager, const Call& call) {
  const uint64_t limit = call.Number("limit").value_or(kMaxPageSize);
  std::string text = R"({"success":true,"backups":)";
  BackupArrayText array(Clock::System()->Now(), &text);
  std::string last;   // of the page
  bool more = false;  // older backups follow
  const auto total = manager->VisitBackups(
      [&](const BackupInfo& backup) {
        more = array.size() == limit;
        if (more) return false;
        array.Add(backup);
        if (array.size() == limit) last = backup.name;
        return true;
      },
      call.Text("after"));
  if (total.status().code() == StatusCode::kInvalidArgument &&
      !call.Text("after").empty()) {
    return ErrorResponse(
        Status(StatusCode::kInvalidArgument, kNoSuchAfter, kAfterHint));
  }
  if (!total.ok()) return OwnError(total.status());
  array.Finish();
  const Json rest = {{"total", *total}, {"next", more ? Json(last) : Json()}};
  text += "," + DumpJson(rest).substr(1);  // continues the same object
  return JsonResponse(std::move(text));
}

Response ShowBackup(BackupManager* manager, const std::string& name) {
  const auto backup = FindNamed(manager, name, /*latest_too=*/true);
  if (!backup.ok()) return ErrorResponse(backup.status());
  return SuccessResponse(
      {{"backup", BackupToDetailedJson(*backup, Clock::System()->Now())}});
}

Response ExportMetadata(BackupManager* manager) {
  uint64_t total_bytes = 0;
  std::optional<Time> oldest, newest;
  std::string backups;
  BackupArrayText array(Clock::System()->Now(), &backups);
  const auto count = manager->VisitBackups([&](const BackupInfo& backup) {
    total_bytes += backup.size_bytes;
    if (!oldest || backup.created < *oldest) oldest = backup.created;
    if (!newest || backup.created > *newest) newest = backup.created;
    array.Add(backup);
    return true;
  });
  if (!count.ok()) return OwnError(count.status());
  array.Finish();
  const Json metadata = {{"backupCount", *count},
                         {"totalSize", total_bytes},
                         {"oldestBackup", TimeToJson(oldest)},
                         {"newestBackup", TimeToJson(newest)}};
  std::string text = R"({"success":true,"metadata":)" + DumpJson(metadata);
  text.pop_back();  // opens it again for its last member
  text += R"(,"backups":)" + backups + "}}";
  return JsonResponse(std::move(text));
}

}  // namespace

Result<BackupInfo> FindNamed(BackupManager* manager, const std::string& name,
                             bool latest_too) {
  auto backup = manager->FindBackup(name);
  // The manager refuses text that is not a backup name.
  if (backup.status().code() != StatusCode::kInvalidArgument &&
      (latest_too || name != "latest")) {
    return backup;
  }
  return Status(StatusCode::kNotFound, "there is no backup of that name",
                "names look like backup_2024-12-27_120000.tar.gz");
}

Response OwnError(const Status& status) {
  if (status.code() != StatusCode::kNotFound &&
      status.code() != StatusCode::kInvalidArgument) {
    return ErrorResponse(status);
  }
  return ErrorResponse(
      Status(StatusCode::kIoError, status.message(), status.hint()));
}

Response SuccessResponse(const Json& fields) {
  Json json = {{"success", true}};
  json.update(fields);
  return JsonResponse(DumpJson(json));
}

std::vector<Route> BackupRoutes(BackupManager* manager) {
  return {
      {.method = "POST",
       .path = "/api/backup/create",
       .summary = "makes a backup; answers after the backup is complete and "
                  "was read back",
       .scope = Scope::kCreate,
       .body = Body{.fields = {{.name = "label"}}},
       .answers = {200, 202, 409, 507},
       .handler =
           [=](const Call& call) { return CreateBackup(manager, call); }},
      {.method = "GET",
       .path = "/api/backup/list",
       .summary = "all backups, newest first",
       .scope = Scope::kRead,
       .query = {{.name = "limit",
                  .kind = Field::Kind::kNumber,
                  .min = 1,
                  .max = kMaxPageSize},
                 {.name = "after", .hint = kAfterHint, .wrong = kNoSuchAfter}},
       .answers = {200},
       .handler = [=](const Call& call) { return ListBackups(manager, call); }},
      {.method = "GET",
       .path = "/api/backup/export-metadata",
       .summary = "counts, sizes and times for planning a migration",
       .scope = Scope::kRead,
       .answers = {200},
       .handler = [=](const Call&) { return ExportMetadata(manager); }},
      {.method = "GET",
       .path = "/api/backup/latest",
       .summary = "the newest usable backup",
       .scope = Scope::kRead,
       .answers = {200, 404},
       .handler = [=](const Call&) { return ShowBackup(manager, "latest"); }},
      {.method = "GET",
       .path = "/api/backup/{name}",
       .summary = "one backup",
       .scope = Scope::kRead,
       .answers = {200, 404},
       .handler =
           [=](const Call& call) { return ShowBackup(manager, call.name()); }},
  };
}

}  // namespace levelkeep::api
