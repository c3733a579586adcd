#include "cli/report_json.h"

#include "api/backup_json.h"
#include "base/clock.h"

namespace levelkeep::cli {

using nlohmann::ordered_json;

ordered_json ToJson(const BackupInfo& backup, Time now) {
  ordered_json json = api::BackupToJson(backup, now);
  if (backup.verified_at) json["verifiedAt"] = FormatTime(*backup.verified_at);
  json["lastSequence"] = backup.last_sequence;
  json["eventCount"] = backup.event_count;
  json["sourceBytes"] = backup.source_bytes;
  json["durationMs"] = backup.duration_ms;
  json["snapshotMethod"] = backup.snapshot_method;
  return json;
}

ordered_json ToJson(const VerifyReport& report) {
  auto json = ordered_json::object();
  json["name"] = report.name;
  json["depth"] = report.depth;
  json["own"] = report.own;
  json["files"] = report.files;
  json["bytes"] = report.bytes;
  if (report.depth == "full") {
    json["entries"] = report.entries;
    json["lastSequence"] = report.last_sequence;
  }
  json["durationMs"] = report.duration_ms;
  return json;
}

ordered_json ToJson(const RestoreReport& report) {
  auto json = ordered_json::object();
  json["name"] = report.name;
  json["applied"] = report.applied;
  json["lastSequence"] = report.last_sequence;
  json["bytes"] = report.bytes;
  json["epoch"] = report.epoch;
  return json;
}

ordered_json ToJson(const RestorePreview& preview) {
  auto json = ordered_json::object();
  json["name"] = preview.name;
  json["backupCreated"] = FormatTime(preview.backup_created);
  json["backupSequence"] = preview.backup_sequence;
  json["currentSequence"] = preview.current_sequence;
  json["lostWrites"] = preview.lost_writes;
  json["sameHistory"] = preview.same_history;
  json["neededBytes"] = preview.needed_bytes;
  json["freeBytes"] = preview.free_bytes;
  return json;
}

ordered_json ToJson(const std::vector<RotationDecision>& decisions) {
  ordered_json json = ordered_json::array();
  for (const RotationDecision& decision : decisions) {
    auto one = ordered_json::object();
    one["name"] = decision.name;
    one["keep"] = decision.keep;
    one["reason"] = decision.reason;
    json.push_back(std::move(one));
  }
  return json;
}

ordered_json ToJson(const std::vector<ManifestFile>& files) {
  ordered_json json = ordered_json::array();
  for (const ManifestFile& file : files) {
    auto one = ordered_json::object();
    one["name"] = file.name;
    one["size"] = file.size_bytes;
    one["sha256"] = file.sha256.Hex();
    json.push_back(std::move(one));
  }
  return json;
}

}  // namespace levelkeep::cli
