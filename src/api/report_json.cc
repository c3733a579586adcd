#include "api/report_json.h"

#include <algorithm>
#include <concepts>
#include <string_view>

#include "api/health_docs.h"
#include "base/file_system.h"
#include "base/json.h"
#include "base/text.h"

namespace levelkeep::api {

namespace {

template <typename T>
Json OptionalToJson(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json TextOrNull(std::string_view text) {
  return text.empty() ? Json() : Json(text);
}

std::string PathOf(const BackupInfo& backup) {
  return backup.path.empty() ? "" : AbsolutePath(backup.path);
}

// Calls `add` for each member of one element of "backups"; both forms use it.
template <typename Add>
void Describe(const BackupInfo& backup, const std::string& path, Time now,
              Add add) {
  const auto age =
      std::chrono::duration_cast<std::chrono::hours>(now - backup.created);
  add("name", backup.name);
  add("path", path);
  add("size", backup.size_bytes);
  add("sizeMB", FormatMegabytes(backup.size_bytes));
  add("created", FormatTime(backup.created));
  add("label", backup.label);
  add("sha256", backup.sha256);
  add("status", NameOf(backup.status));
  add("verified", backup.status == BackupStatus::kVerified);
  add("trigger", backup.trigger);
  add("ageDays", std::max<int64_t>(age.count() / 24, 0));
  add("pinned", backup.pinned);
  if (!backup.problem.empty()) add("problem", backup.problem);
  if (!backup.warning.empty()) add("warning", backup.warning);
  if (backup.other_database) add("otherDatabase", true);
}

void AppendValue(std::string_view value, std::string* text) {
  AppendQuoted(value, text);
}
void AppendValue(bool value, std::string* text) {
  *text += value ? "true" : "false";
}
template <std::integral Number>
void AppendValue(Number value, std::string* text) {
  *text += std::to_string(value);
}

void AddDecisions(const std::vector<RotationDecision>& decisions, Json* json) {
  Json kept = Json::array();
  Json removed = Json::array();
  for (const RotationDecision& one : decisions) {
    (one.keep ? kept : removed)
        .push_back({{"name", one.name},
                    {"reason", one.reason},
                    {"reasons", one.reasons}});
  }
  (*json)["kept"] = std::move(kept);
  (*json)["removed"] = std::move(removed);
}

Json TextsOf(const std::vector<HealthReason>& reasons) {
  Json texts = Json::array();
  for (const HealthReason& reason : reasons) texts.push_back(reason.text);
  return texts;
}

Json ReasonsToJson(const std::vector<HealthReason>& reasons) {
  Json list = Json::array();
  for (const HealthReason& reason : reasons) {
    list.push_back({{"code", NameOf(reason.code)},
                    {"text", reason.text},
                    {"doc", DocOf(reason.code)}});
  }
  return list;
}

}  // namespace

Json CreatedToJson(const BackupInfo& backup) {
  Json json = {{"backupPath", PathOf(backup)},
               {"size", backup.size_bytes},
               {"name", backup.name},
               {"sha256", backup.sha256},
               {"durationMs", backup.duration_ms},
               {"lastSequence", backup.last_sequence}};
  if (!backup.warning.empty()) json["warning"] = backup.warning;
  return json;
}

Json ToJson(const VerifyReport& report) {
  // Only the scan of the opened database gives these values.
  const bool scanned = report.depth == VerifyDepth::kFull;
  return {{"name", report.name},
          {"depth", NameOf(report.depth)},
          {"own", report.own},
          {"files", report.files},
          {"bytes", report.bytes},
          {"entries", scanned ? Json(report.entries) : Json()},
          {"lastSequence", scanned ? Json(report.last_sequence) : Json()},
          {"orderChecked", scanned ? Json(report.order_checked) : Json()},
          {"durationMs", report.duration_ms}};
}

Json ToJson(const DrillReport& report) {
  return {{"backup", report.name},
          {"at", FormatTime(report.at)},
          {"ok", report.ok},
          {"damaged", report.damaged},
          {"problem", TextOrNull(report.problem)},
          {"seconds", report.seconds},
          {"rateLimited", report.limited},
          {"bytes", report.bytes},
          {"entries", report.entries},
          {"lastSequence", report.last_sequence},
          {"events", report.events},
          {"notCompared", report.not_compared}};
}

Json ToJson(const RestoreReport& report) {
  return {{"applied", report.applied},
          {"name", report.name},
          {"lastSequence", report.last_sequence},
          {"bytes", report.bytes},
          {"epoch", TextOrNull(report.epoch)}};
}

Json ToJson(const RestorePreview& preview) {
  const uint64_t before = preview.current_events;
  const uint64_t after = preview.backup_events;
  Json json = {{"dryRun", true},
               {"name", preview.name},
               {"created", FormatTime(preview.backup_created)},
               {"lastSequence", preview.backup_sequence},
               {"currentSequence", preview.current_sequence},
               {"lostWrites", preview.lost_writes},
               {"lostWritesExact", preview.same_history},
               {"events", after},
               {"currentEvents", before},
               {"lostEvents", before > after ? before - after : 0},
               {"gainedEvents", after > before ? after - before : 0},
               {"neededBytes", preview.needed_bytes},
               {"freeBytes", preview.free_bytes}};
  if (preview.other_database) json["otherDatabase"] = true;
  json["warnings"] = preview.warnings;
  return json;
}

Json ToJson(const KeptDatabase& database) {
  return {{"directory", AbsolutePath(database.path)},
          {"replaced", TimeToJson(database.replaced)},
          {"archive", TextOrNull(database.archive)},
          {"lastSequence", database.last_sequence},
          {"bytes", database.bytes}};
}

Json UndoPreviewToJson(const KeptDatabase& database) {
  Json json = {{"dryRun", true}};
  json.update(ToJson(database));
  return json;
}

Json UndoToJson(const RestoreReport& report) {
  return {{"message", "Undo complete."},
          {"lastSequence", report.last_sequence},
          {"epoch", report.epoch}};
}

Json RotationToJson(const std::vector<RotationDecision>& decisions) {
  Json json = {{"dryRun", false}};
  AddDecisions(decisions, &json);
  return json;
}

Json RotationPlanToJson(const RotationPlan& plan) {
  Json json = {{"dryRun", true}};
  AddDecisions(plan.decisions, &json);
  Json& forecast = json["forecast"] = Json::array();
  for (const RotationForecast& one : plan.forecast) {
    forecast.push_back({{"name", one.name},
                        {"date", FormatTime(one.at)},
                        {"reason", one.reason}});
  }
  json["forecastUntil"] = FormatTime(plan.forecast_until);
  json["warnings"] = plan.warnings;
  return json;
}

Json ToJson(const HealthReport& health, Time now) {
  Json drops = Json::array();
  for (const UnrestoredDrop& drop : health.unrestored) {
    drops.push_back({{"name", Printable(drop.name, 300)},
                     {"reason", drop.reason},
                     {"hint", drop.hint}});
  }
  return {
      {"status", health.store_usable ? "ok" : "unavailable"},
      {"backup",
       {{"available", health.available},
        {"count", health.count},
        {"latest", health.latest ? BackupToJson(*health.latest, now) : Json()},
        {"totalSizeMB", FormatMegabytes(health.total_bytes)},
        {"lastSuccess", TimeToJson(health.last_success)},
        {"lastVerified", TimeToJson(health.last_verified)},
        {"lastError", TextOrNull(health.last_error)},
        {"snapshotMethod", TextOrNull(NameOf(health.snapshot_method))},
        {"unsavedWrites", health.unsaved_writes},
        {"unsavedEvents", OptionalToJson(health.unsaved_events)},
        {"unsavedSeconds", OptionalToJson(health.unsaved_seconds)},
        {"predictedRestoreSeconds",
         OptionalToJson(health.predicted_restore_seconds)},
        {"lastDrill", health.last_drill ? ToJson(*health.last_drill) : Json()},
        {"freeBytes", health.free_bytes},
        {"diskBytes", health.disk_bytes > 0 ? Json(health.disk_bytes) : Json()},
        {"daysUntilFull", OptionalToJson(health.days_until_full)},
        {"nextRun", TimeToJson(health.next_run)},
        {"running",
         health.running ? Json(JobTypeName(*health.running)) : Json()},
        {"undoAvailable", health.undo_available},
        {"unrestoredDrops", drops},
        {"degraded", TextsOf(health.reasons)},
        {"reasons", ReasonsToJson(health.reasons)}}}};
}

// Rate and rest are known while the job runs and has reported bytes.
Json ToJson(const Job& job, Time now) {
  const bool runs = job.status == JobStatus::kInProgress && job.started;
  const double seconds =
      runs ? std::chrono::duration<double>(now - *job.started).count() : 0;
  std::optional<uint64_t> rate;
  std::optional<double> rest;
  if (seconds > 0 && job.bytes > 0) {
    rate = static_cast<uint64_t>(static_cast<double>(job.bytes) / seconds);
  }
  if (seconds > 0 && job.progress > 0) {
    rest = seconds * (1 - job.progress) / job.progress;
  }
  return {
      {"id", job.id},
      {"type", JobTypeName(job.request.type)},
      {"status", JobStatusName(job.status)},
      {"progress", job.progress},
      {"bytes", runs ? Json(job.bytes) : Json()},
      {"totalBytes", runs ? Json(job.total_bytes) : Json()},
      {"bytesPerSecond", rate ? Json(*rate) : Json()},
      {"remainingSeconds", OptionalToJson(rest)},
      {"attempts", job.attempts},
      {"backup", TextOrNull(job.request.backup)},
      {"label", job.request.label},
      {"trigger", job.request.trigger},
      {"createdBy", TextOrNull(job.request.created_by)},
      {"createdAt", FormatTime(job.created)},
      {"startedAt", TimeToJson(job.started)},
      {"completedAt", TimeToJson(job.ended)},
      {"notBefore", TimeToJson(job.not_before)},
      {"code",
       job.code == StatusCode::kOk ? Json() : Json(StatusCodeName(job.code))},
      {"message", job.message},
      {"hint", TextOrNull(job.hint)},
      {"result", job.result}};
}

RestoreReport RestoreReportOf(
    const std::map<std::string, std::string>& result) {
  const auto text = [&](const char* name) {
    const auto found = result.find(name);
    return found == result.end() ? std::string() : found->second;
  };
  RestoreReport report;
  report.name = text("backup");
  report.epoch = text("epoch");
  report.applied = text("applied") == "true";
  report.last_sequence = ParseUint64(text("sequence")).value_or(0);
  report.bytes = ParseUint64(text("bytes")).value_or(0);
  return report;
}

Json BackupToJson(const BackupInfo& backup, Time now) {
  auto json = Json::object();
  Describe(backup, PathOf(backup), now,
           [&json](const char* key, const auto& value) { json[key] = value; });
  return json;
}

BackupArrayText::BackupArrayText(Time now, std::string* text)
    : now_(now), text_(text) {}

// Asks for the working directory only if the folder differs from the last one.
const std::string& BackupArrayText::AbsolutePathOf(const BackupInfo& backup) {
  const std::string_view path = backup.path;
  const size_t end = path.rfind('/') + 1;
  if (end == 0 || path.substr(end) != backup.name) {
    return path_ = PathOf(backup);
  }
  const std::string_view folder = path.substr(0, end);
  if (folder != folder_) {
    folder_ = folder;
    absolute_ = AbsolutePath(folder_);
  }
  return path_.assign(absolute_).append(backup.name);
}

void BackupArrayText::Add(const BackupInfo& backup) {
  *text_ += size_++ == 0 ? "[" : ",";
  char separator = '{';
  Describe(backup, AbsolutePathOf(backup), now_,
           [&](std::string_view key, const auto& value) {
             *text_ += separator;
             *text_ += '"';
             text_->append(key).append("\":", 2);
             separator = ',';
             AppendValue(value, text_);
           });
  *text_ += '}';
}

void BackupArrayText::Finish() { *text_ += size_ == 0 ? "[]" : "]"; }

Json BackupToDetailedJson(const BackupInfo& backup, Time now) {
  Json json = BackupToJson(backup, now);
  json["verifiedAt"] = TimeToJson(backup.verified_at);
  // An archive that LevelKeep did not write has no manifest.
  if (backup.snapshot_method == SnapshotMethod::kNone) {
    json["manifest"] = nullptr;
    return json;
  }
  json["manifest"] = {{"created", FormatTime(backup.created)},
                      {"label", backup.label},
                      {"trigger", backup.trigger},
                      {"snapshotMethod", NameOf(backup.snapshot_method)},
                      {"lastSequence", backup.last_sequence},
                      {"eventCount", backup.event_count},
                      {"sourceBytes", backup.source_bytes},
                      {"durationMs", backup.duration_ms}};
  return json;
}

Json BackupsToJson(const std::vector<BackupInfo>& backups, Time now) {
  Json json = Json::array();
  for (const BackupInfo& backup : backups) {
    json.push_back(BackupToJson(backup, now));
  }
  return json;
}

Json TimeToJson(const std::optional<Time>& time) {
  return time ? Json(FormatTime(*time)) : Json();
}

}  // namespace levelkeep::api
