#include "api/report_json.h"

#include <utility>

#include "base/file_system.h"
#include "base/text.h"

namespace levelkeep::api {

namespace {

template <typename T>
Json OptionalToJson(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

}  // namespace

Json CreatedToJson(const BackupInfo& backup) {
  auto json = Json::object();
  json["backupPath"] = backup.path.empty() ? "" : AbsolutePath(backup.path);
  json["size"] = backup.size_bytes;
  json["name"] = backup.name;
  json["sha256"] = backup.sha256;
  json["durationMs"] = backup.duration_ms;
  json["lastSequence"] = backup.last_sequence;
  return json;
}

Json ToJson(const VerifyReport& report) {
  // Only a scan of the opened database knows some of it.
  const bool scanned = report.depth == VerifyDepth::kFull;
  auto json = Json::object();
  json["name"] = report.name;
  json["depth"] = NameOf(report.depth);
  json["own"] = report.own;
  json["files"] = report.files;
  json["bytes"] = report.bytes;
  json["entries"] = scanned ? Json(report.entries) : Json();
  json["lastSequence"] = scanned ? Json(report.last_sequence) : Json();
  json["orderChecked"] = scanned ? Json(report.order_checked) : Json();
  json["durationMs"] = report.duration_ms;
  return json;
}

Json ToJson(const RestoreReport& report) {
  auto json = Json::object();
  json["applied"] = report.applied;
  json["name"] = report.name;
  json["lastSequence"] = report.last_sequence;
  json["bytes"] = report.bytes;
  json["epoch"] = report.epoch.empty() ? Json() : Json(report.epoch);
  return json;
}

Json ToJson(const RestorePreview& preview) {
  const uint64_t before = preview.current_events;
  const uint64_t after = preview.backup_events;
  auto json = Json::object();
  json["dryRun"] = true;
  json["name"] = preview.name;
  json["created"] = FormatTime(preview.backup_created);
  json["lastSequence"] = preview.backup_sequence;
  json["currentSequence"] = preview.current_sequence;
  json["lostWrites"] = preview.lost_writes;
  json["lostWritesExact"] = preview.same_history;
  json["events"] = after;
  json["currentEvents"] = before;
  json["lostEvents"] = before > after ? before - after : 0;
  json["gainedEvents"] = after > before ? after - before : 0;
  json["neededBytes"] = preview.needed_bytes;
  json["freeBytes"] = preview.free_bytes;
  if (preview.other_database) json["otherDatabase"] = true;
  json["warnings"] = preview.warnings;
  return json;
}

Json ToJson(const KeptDatabase& database) {
  auto json = Json::object();
  json["directory"] = AbsolutePath(database.path);
  json["replaced"] = TimeToJson(database.replaced);
  json["archive"] = database.archive.empty() ? Json() : Json(database.archive);
  json["lastSequence"] = database.last_sequence;
  json["bytes"] = database.bytes;
  return json;
}

Json UndoPreviewToJson(const KeptDatabase& database) {
  auto json = Json::object();
  json["dryRun"] = true;
  json.update(ToJson(database));
  return json;
}

Json UndoToJson(const RestoreReport& report) {
  auto json = Json::object();
  json["message"] = "Undo complete.";
  json["lastSequence"] = report.last_sequence;
  json["epoch"] = report.epoch;
  return json;
}

Json RotationToJson(const std::vector<RotationDecision>& decisions,
                    bool dry_run) {
  Json kept = Json::array();
  Json removed = Json::array();
  for (const RotationDecision& decision : decisions) {
    auto json = Json::object();
    json["name"] = decision.name;
    json["reason"] = decision.reason;
    (decision.keep ? kept : removed).push_back(std::move(json));
  }
  auto json = Json::object();
  json["dryRun"] = dry_run;
  json["kept"] = std::move(kept);
  json["removed"] = std::move(removed);
  return json;
}

Json ToJson(const HealthReport& health, Time now) {
  auto backup = Json::object();
  backup["available"] = health.available;
  backup["count"] = health.count;
  backup["latest"] = health.latest ? BackupToJson(*health.latest, now) : Json();
  backup["totalSizeMB"] = FormatMegabytes(health.total_bytes);
  backup["lastSuccess"] = TimeToJson(health.last_success);
  backup["lastVerified"] = TimeToJson(health.last_verified);
  backup["lastError"] =
      health.last_error.empty() ? Json() : Json(health.last_error);
  backup["snapshotMethod"] = health.snapshot_method == SnapshotMethod::kNone
                                 ? Json()
                                 : Json(NameOf(health.snapshot_method));
  backup["unsavedWrites"] = health.unsaved_writes;
  backup["unsavedSeconds"] = OptionalToJson(health.unsaved_seconds);
  backup["predictedRestoreSeconds"] =
      OptionalToJson(health.predicted_restore_seconds);
  backup["freeBytes"] = health.free_bytes;
  backup["nextRun"] = TimeToJson(health.next_run);
  backup["running"] = health.running.empty() ? Json() : Json(health.running);
  backup["undoAvailable"] = health.undo_available;
  Json drops = Json::array();
  for (const UnrestoredDrop& drop : health.unrestored) {
    auto json = Json::object();
    json["name"] = Printable(drop.name, 300);
    json["reason"] = drop.reason;
    json["hint"] = drop.hint;
    drops.push_back(std::move(json));
  }
  backup["unrestoredDrops"] = std::move(drops);
  backup["degraded"] = health.degraded;
  auto json = Json::object();
  json["status"] = health.store_usable ? "ok" : "unavailable";
  json["backup"] = std::move(backup);
  return json;
}

}  // namespace levelkeep::api
