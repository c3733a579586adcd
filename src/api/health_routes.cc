#include "api/metrics.h"
#include "api/report_json.h"
#include "api/routes.h"
#include "base/file_system.h"
#include "base/json.h"
#include "base/text.h"
#include "config/settings.h"

namespace levelkeep::api {

namespace {

constexpr size_t kStatusListLength = 20;

Response Health(BackupManager* manager) {
  const HealthReport health = manager->Health();
  return JsonResponse(DumpJson(ToJson(health, Clock::System()->Now())),
                      health.store_usable ? 200 : 503);
}

// Made anew for each request, so that nothing stays that is gone. Without the
// totals (an unreadable folder), the metrics of jobs are missing or 0.
Response MetricsAnswer(BackupManager* manager) {
  Scrape scrape;
  scrape.health = manager->Health();
  if (auto totals = manager->JobTotals(); totals.ok()) {
    scrape.totals = std::move(totals).value();
  }
  auto running = manager->ListJobs({.status = JobStatus::kInProgress});
  if (running.ok()) scrape.running = std::move(running).value();
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = MetricsText(scrape);
  return response;
}

// Only shows that the process works: with more checks, a full disk would cause
// restarts.
Response Live() { return JsonResponse("{\"status\":\"ok\"}"); }

Response Ready(BackupManager* manager, bool draining) {
  const char* const reason = draining ? "the server is stopping"
                             : !manager->Health().store_usable
                                 ? "the store is not usable"
                                 : nullptr;
  if (reason == nullptr) return Live();
  const Json json = {{"status", "unavailable"}, {"reason", reason}};
  Response response = JsonResponse(DumpJson(json), 503);
  response.headers["Retry-After"] = "5";
  return response;
}

Json SettingToJson(const SettingValue& setting) {
  if (setting.flag) return *setting.flag;
  switch (setting.kind) {
    case SettingKind::kInteger:
    case SettingKind::kMilliseconds:
    case SettingKind::kBytes:
      if (setting.text.empty()) return Json();  // not set
      if (const auto number = ParseUint64(setting.text)) return *number;
      return setting.text;  // "none"
    case SettingKind::kPath:
      return setting.text.empty() ? "" : AbsolutePath(setting.text);
    case SettingKind::kList: {
      Json list = Json::array();
      if (setting.text.empty()) return list;
      for (const auto part : Split(setting.text, ',')) list.push_back(part);
      return list;
    }
    default:
      return setting.text;
  }
}

// `program` is null in an application, which has only the manager's settings.
Json ConfigToJson(const BackupOptions& options,
                  const LiveValue<Settings>* program) {
  Settings settings;
  settings.backup = options;
  Json json;
  for (const SettingValue& setting :
       SettingValues(program == nullptr ? settings : program->Get(),
                     /*embedded_only=*/program == nullptr)) {
    json[setting.key] = SettingToJson(setting);
  }
  return json;
}

// One line about the last backup or its failure; null before the first one.
Json LatestLog(const HealthReport& health) {
  if (!health.last_error.empty()) {
    return "the last backup failed: " + health.last_error;
  }
  if (!health.latest) return Json();
  const BackupInfo& latest = *health.latest;
  return latest.name + ": created " + FormatTime(latest.created) + ", " +
         std::string(NameOf(latest.status));
}

Response StatusAnswer(BackupManager* manager,
                      const LiveValue<Settings>* program) {
  std::vector<BackupInfo> list;
  const auto total = manager->VisitBackups([&list](const BackupInfo& backup) {
    if (list.size() < kStatusListLength) list.push_back(backup);
    return list.size() < kStatusListLength;
  });
  if (!total.ok()) return OwnError(total.status());
  const HealthReport health = manager->Health();
  const Time now = Clock::System()->Now();
  return SuccessResponse(
      {{"config", ConfigToJson(manager->options(), program)},
       {"backups",
        {{"total", health.count},
         {"list", BackupsToJson(list, now)},
         {"totalSizeMB", FormatMegabytes(health.total_bytes)},
         {"latest",
          health.latest ? BackupToJson(*health.latest, now) : Json()}}},
       {"latestLog", LatestLog(health)},
       {"diskUsage",
        {{"backupBytes", health.total_bytes},
         {"freeBytes", health.free_bytes}}}});
}

}  // namespace

std::vector<Route> HealthRoutes(BackupManager* manager,
                                const std::atomic<bool>* draining,
                                const LiveValue<Settings>* program) {
  return {
      {.method = "GET",
       .path = "/api/health",
       .summary = "state of store and backups; 503 when the store is not "
                  "usable",
       .scope = Scope::kRead,
       .answers = {200, 503},
       .handler = [=](const Call&) { return Health(manager); },
       .is_urgent = true},
      {.method = "GET",
       .path = "/metrics",
       .summary = "numbers for Prometheus ([metrics.md](metrics.md))",
       .scope = Scope::kRead,
       .answers = {200},
       .handler = [=](const Call&) { return MetricsAnswer(manager); },
       .is_urgent = true},
      {.method = "GET",
       .path = "/livez",
       .summary = "200 while the process works",
       .scope = Scope::kOpen,
       .answers = {200},
       .handler = [](const Call&) { return Live(); },
       .is_urgent = true},
      {.method = "GET",
       .path = "/readyz",
       .summary = "200 while the server accepts requests; 503 while it stops "
                  "or has no usable store",
       .scope = Scope::kOpen,
       .answers = {200, 503},
       .handler = [=](const Call&) { return Ready(manager, *draining); },
       .is_urgent = true},
      {.method = "GET",
       .path = "/api/backup/status",
       .summary = "configuration, the last 20 backups, disk usage",
       .scope = Scope::kRead,
       .answers = {200},
       .handler = [=](const Call&) { return StatusAnswer(manager, program); }},
  };
}

}  // namespace levelkeep::api
