#include "http/backup_json.h"

#include <algorithm>
#include <filesystem>

#include "base/text.h"

namespace levelkeep::http {

Json BackupToJson(const BackupInfo& backup, Time now) {
  const auto age =
      std::chrono::duration_cast<std::chrono::hours>(now - backup.created);
  Json json;
  json["name"] = backup.name;
  json["path"] = AbsolutePath(backup.path);
  json["size"] = backup.size_bytes;
  json["sizeMB"] = FormatMegabytes(backup.size_bytes);
  json["created"] = FormatTime(backup.created);
  json["label"] = backup.label;
  json["sha256"] = backup.sha256;
  json["status"] = backup.status;
  json["verified"] = backup.verified;
  json["trigger"] = backup.trigger;
  json["ageDays"] = std::max<int64_t>(age.count() / 24, 0);
  json["pinned"] = backup.pinned;
  if (!backup.problem.empty()) json["problem"] = backup.problem;
  return json;
}

Json BackupToDetailedJson(const BackupInfo& backup, Time now) {
  Json json = BackupToJson(backup, now);
  json["verifiedAt"] = TimeToJson(backup.verified_at);
  Json manifest;
  manifest["created"] = FormatTime(backup.created);
  manifest["label"] = backup.label;
  manifest["trigger"] = backup.trigger;
  manifest["snapshotMethod"] = backup.snapshot_method;
  manifest["lastSequence"] = backup.last_sequence;
  manifest["eventCount"] = backup.event_count;
  manifest["sourceBytes"] = backup.source_bytes;
  manifest["durationMs"] = backup.duration_ms;
  // What LevelKeep did not write has none.
  json["manifest"] = backup.snapshot_method.empty() ? Json() : manifest;
  return json;
}

Json BackupsToJson(const std::vector<BackupInfo>& backups, Time now) {
  Json json = Json::array();
  for (const BackupInfo& backup : backups) {
    json.push_back(BackupToJson(backup, now));
  }
  return json;
}

std::string AbsolutePath(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

Json TimeToJson(const std::optional<Time>& time) {
  return time ? Json(FormatTime(*time)) : Json();
}

std::string DumpOrdered(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace levelkeep::http
