#include "api/report_json.h"

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/file_system.h"
#include "base/json.h"
#include "base/text.h"

namespace levelkeep::api {

namespace {

template <typename T>
Json OptionalToJson(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

// Thread safety: as any value type.
class AbsolutePaths {
 public:
  // AbsolutePath(backup.path). Asks for the working directory only if the
  // folder differs from the last one. Valid until the next call.
  const std::string& Of(const BackupInfo& backup) {
    const std::string_view path = backup.path;
    if (path.empty()) return result_ = "";
    if (!path.ends_with(backup.name))
      return result_ = AbsolutePath(backup.path);
    const std::string_view folder =
        path.substr(0, path.size() - backup.name.size());
    if (!folder.ends_with('/')) return result_ = AbsolutePath(backup.path);
    if (folder != folder_) {
      folder_ = folder;
      absolute_ = AbsolutePath(folder_);
    }
    return result_.assign(absolute_).append(backup.name);
  }

 private:
  std::string folder_;  // ends with a slash
  std::string absolute_;
  std::string result_;
};

// Calls `add` for each member of one element of "backups"; both forms use it.
template <typename Add>
void Describe(const BackupInfo& backup, Time now, AbsolutePaths* paths,
              Add add) {
  const auto age =
      std::chrono::duration_cast<std::chrono::hours>(now - backup.created);
  add("name", backup.name);
  add("path", paths->Of(backup));
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
  if (backup.other_database) add("otherDatabase", true);
}

// Has no early end, so that compilers can test many bytes at once.
bool NeedsEscape(std::string_view text) {
  unsigned odd = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    odd |= static_cast<unsigned>(byte < 0x20) |
           static_cast<unsigned>(byte > 0x7e) |
           static_cast<unsigned>(byte == '"') |
           static_cast<unsigned>(byte == '\\');
  }
  return odd != 0;
}

// Writes into reserved memory. A list of 10,000 backups has a million pieces,
// and a check for space would take longer than writing each piece.
// Thread safety: as a pointer.
class Pen {
 public:
  explicit Pen(char* at) : at_(at) {}

  char* at() const { return at_; }
  template <size_t kSize>
  void Key(const char (&key)[kSize]) {
    *at_++ = separator_;
    separator_ = ',';
    *at_++ = '"';
    Put(std::string_view(key, kSize - 1));
    *at_++ = '"';
    *at_++ = ':';
  }
  void Value(std::string_view value) {
    if (NeedsEscape(value)) {
      Put(DumpJson(Json(value)));
      return;
    }
    *at_++ = '"';
    Put(value);
    *at_++ = '"';
  }
  void Value(bool value) {
    Put(value ? std::string_view("true") : std::string_view("false"));
  }
  template <std::integral Number>
  void Value(Number value) {
    at_ = std::to_chars(at_, at_ + kMostDigits, value).ptr;
  }
  void Close() { *at_++ = '}'; }

 private:
  static constexpr int kMostDigits = 20;

  void Put(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }

  char* at_;
  char separator_ = '{';
};

// The upper limit of one backup's text: a byte of a string becomes at most six
// (\u001f); keys, numbers and times together need less than 512.
size_t MostBytes(const BackupInfo& backup, const std::string& path) {
  const size_t bytes = backup.name.size() + path.size() + backup.label.size() +
                       backup.sha256.size() + backup.trigger.size() +
                       backup.problem.size();
  return 512 + 6 * bytes;
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
  // Only the scan of the opened database gives these values.
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
  backup["running"] =
      health.running ? Json(JobTypeName(*health.running)) : Json();
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

Json BackupToJson(const BackupInfo& backup, Time now) {
  auto json = Json::object();
  AbsolutePaths paths;
  Describe(backup, now, &paths,
           [&json](const char* key, const auto& value) { json[key] = value; });
  return json;
}

struct BackupArrayText::Scratch {
  AbsolutePaths paths;
  std::string element;  // never shrinks
};

BackupArrayText::BackupArrayText(Time now, std::string* text)
    : now_(now), text_(text), scratch_(std::make_unique<Scratch>()) {}

BackupArrayText::~BackupArrayText() = default;

void BackupArrayText::Add(const BackupInfo& backup) {
  std::string& element = scratch_->element;
  const size_t most = MostBytes(backup, scratch_->paths.Of(backup));
  if (element.size() < most) element.resize(most);
  Pen pen(element.data());
  Describe(backup, now_, &scratch_->paths,
           [&pen](const auto& key, const auto& value) {
             pen.Key(key);
             pen.Value(value);
           });
  pen.Close();
  *text_ += size_ == 0 ? '[' : ',';
  text_->append(element.data(), pen.at());
  size_++;
}

void BackupArrayText::Finish() { *text_ += size_ == 0 ? "[]" : "]"; }

Json BackupToDetailedJson(const BackupInfo& backup, Time now) {
  Json json = BackupToJson(backup, now);
  json["verifiedAt"] = TimeToJson(backup.verified_at);
  auto manifest = Json::object();
  manifest["created"] = FormatTime(backup.created);
  manifest["label"] = backup.label;
  manifest["trigger"] = backup.trigger;
  manifest["snapshotMethod"] = NameOf(backup.snapshot_method);
  manifest["lastSequence"] = backup.last_sequence;
  manifest["eventCount"] = backup.event_count;
  manifest["sourceBytes"] = backup.source_bytes;
  manifest["durationMs"] = backup.duration_ms;
  // An archive that LevelKeep did not write has no manifest.
  json["manifest"] =
      backup.snapshot_method == SnapshotMethod::kNone ? Json() : manifest;
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
