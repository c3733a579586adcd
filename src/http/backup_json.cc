#include "http/backup_json.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "base/text.h"

namespace levelkeep::http {

namespace {

// Thread safety: as any value type.
class AbsolutePaths {
 public:
  // AbsolutePath(backup.path); asks for the working directory only when the
  // folder is another one than the last time.
  std::string Of(const BackupInfo& backup) {
    const std::string_view path = backup.path;
    if (!path.ends_with(backup.name)) return AbsolutePath(backup.path);
    const std::string_view folder =
        path.substr(0, path.size() - backup.name.size());
    if (!folder.ends_with('/')) return AbsolutePath(backup.path);
    if (folder != folder_) {
      folder_ = folder;
      absolute_ = AbsolutePath(folder_);
    }
    return absolute_ + backup.name;
  }

 private:
  std::string folder_;  // with the slash at its end
  std::string absolute_;
};

// One element of "backups", member by member; both forms come from here.
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
  add("status", backup.status);
  add("verified", backup.verified);
  add("trigger", backup.trigger);
  add("ageDays", std::max<int64_t>(age.count() / 24, 0));
  add("pinned", backup.pinned);
  if (!backup.problem.empty()) add("problem", backup.problem);
}

// Without an early end: compilers then look at many bytes at once.
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

void AppendValue(const std::string& value, std::string* text) {
  if (NeedsEscape(value)) {
    *text += DumpOrdered(Json(value));
    return;
  }
  *text += '"';
  *text += value;
  *text += '"';
}
void AppendValue(bool value, std::string* text) {
  *text += value ? "true" : "false";
}
void AppendValue(uint64_t value, std::string* text) {
  *text += std::to_string(value);
}
void AppendValue(int64_t value, std::string* text) {
  *text += std::to_string(value);
}

}  // namespace

Json BackupToJson(const BackupInfo& backup, Time now) {
  Json json;
  AbsolutePaths paths;
  Describe(backup, now, &paths,
           [&json](const char* key, const auto& value) { json[key] = value; });
  return json;
}

void AppendBackups(const std::vector<BackupInfo>& backups, Time now,
                   std::string* text) {
  constexpr size_t kUsualBytes = 512;
  text->reserve(text->size() + backups.size() * kUsualBytes);
  AbsolutePaths paths;
  char separator = '[';
  for (const BackupInfo& backup : backups) {
    *text += separator;
    std::string_view before_key = "{\"";
    Describe(backup, now, &paths, [&](std::string_view key, const auto& value) {
      *text += before_key;
      *text += key;
      *text += "\":";
      AppendValue(value, text);
      before_key = ",\"";
    });
    *text += '}';
    separator = ',';
  }
  if (backups.empty()) *text += '[';
  *text += ']';
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
