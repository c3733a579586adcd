// Checks of a configuration, and the texts of their problems.

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "base/text.h"
#include "base/time_zone.h"
#include "config/setting_rows.h"
#include "jobs/cron.h"

namespace levelkeep {
namespace {

constexpr std::string_view kOurPrefixes[] = {
    "BACKUP_",    "AUTO_BACKUP_", "AUTO_RESTORE", "API_",      "LEVELKEEP_",
    "MAX_BACKUP", "RESTORE_",     "STORAGE_",     "SCHEDULE_T"};

std::string Normal(const std::string& path) {
  std::string normal =
      std::filesystem::path(path + "/").lexically_normal().string();
  while (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  return normal;
}

bool IsInside(const std::string& path, const std::string& folder) {
  return path.size() > folder.size() && path.starts_with(folder) &&
         path[folder.size()] == '/';
}

// Only cron expressions, and rules that count days, need the machine's zone.
std::string DescribeMissingZone(const BackupOptions& options) {
  const BackupOptions::Schedule& schedule = options.schedule;
  const bool needed = options.retention.counts_days() ||
                      !schedule.backup.empty() || !schedule.rotate.empty() ||
                      !schedule.verify.empty() || !schedule.drill.empty();
  if (!needed || !schedule.time_zone.empty()) return "";
  const auto zone = TimeZone::Load();
  if (zone.ok()) return "";
  return "SCHEDULE_TZ is not set, and " + zone.status().message() + ": " +
         zone.status().hint();
}

void FindNotifyConflicts(const NotifyOptions& notify,
                         std::vector<std::string>* problems) {
  const NotifyOptions::Mail& mail = notify.mail;
  if (mail.enabled && mail.to.empty()) {
    problems->emplace_back(
        "BACKUP_EMAIL_NOTIFY is true, but BACKUP_EMAIL_TO is empty: needed is "
        "at least one address");
  }
  if (mail.user.empty() && !mail.password.empty()) {
    problems->emplace_back(
        "SMTP_PASSWORD is set, but SMTP_USER is empty: needed is the user");
  }
  if (notify.hooks.pre_required && notify.hooks.pre.empty()) {
    problems->emplace_back(
        "HOOK_PRE_REQUIRED is true, but BACKUP_HOOK_PRE is empty: needed is a "
        "command");
  }
}

}  // namespace

const LaterFeature* FindLaterFeature(std::string_view variable) {
  const auto* const found =
      std::ranges::find(kLaterFeatures, variable, &LaterFeature::name);
  return found == std::end(kLaterFeatures) ? nullptr : found;
}

bool IsLeftToAShell(std::string_view path) {
  const size_t dollar = path.find('$');
  const bool variable =
      dollar != std::string_view::npos && dollar + 1 < path.size() &&
      (path[dollar + 1] == '_' || path[dollar + 1] == '{' ||
       std::isalpha(static_cast<unsigned char>(path[dollar + 1])) != 0);
  return path.starts_with('"') || path.starts_with('\'') || path == "~" ||
         path.starts_with("~/") || variable;
}

bool LooksLikeOurs(std::string_view variable) {
  return std::any_of(
      std::begin(kOurPrefixes), std::end(kOurPrefixes),
      [&](std::string_view prefix) { return variable.starts_with(prefix); });
}

std::string NearestVariable(std::string_view variable, size_t distance) {
  std::vector<std::string> known;
  for (const SettingRow& row : SettingRows()) {
    known.push_back(row.info.name);
    for (const std::string& alias : row.info.aliases) known.push_back(alias);
    if (row.info.secret) known.push_back(row.info.name + "_FILE");
  }
  for (const LaterFeature& feature : kLaterFeatures) {
    known.emplace_back(feature.name);
  }
  return Nearest(variable, known, distance);
}

std::string DescribeBadValue(const SettingRow& row, std::string_view value,
                             std::string_view origin) {
  std::string line = row.info.name;
  if (value.empty()) {
    line += " is empty";
  } else if (row.info.secret) {
    line += " is not usable";
  } else {
    line += " is \"" + Printable(value, 60) + "\"";
  }
  if (!origin.empty()) line.append(" (").append(origin).append(")");
  if (row.info.kind == SettingKind::kPath && IsLeftToAShell(value)) {
    line += ", where quotes, ~ and $NAME would be part of the name";
  }
  return line + ": allowed is " + row.info.allowed;
}

namespace {

std::vector<std::string> FindBadSchedules(
    const BackupOptions::Schedule& schedule) {
  std::vector<std::string> problems;
  const std::pair<const char*, const std::string&> expressions[] = {
      {"BACKUP_SCHEDULE", schedule.backup},
      {"ROTATE_SCHEDULE", schedule.rotate},
      {"VERIFY_SCHEDULE", schedule.verify},
      {"DRILL_SCHEDULE", schedule.drill}};
  for (const auto& [name, expression] : expressions) {
    if (expression.empty()) continue;
    const Status valid = CronFields::Parse(expression).status();
    if (!valid.ok()) {
      problems.push_back(std::string(name) + ": " + valid.message());
    }
  }
  return problems;
}

}  // namespace

std::vector<std::string> FindConflicts(const BackupOptions& options) {
  struct Folder {
    const char* name;
    std::string path;
  };
  const Folder storage = {"STORAGE_DIR", Normal(options.storage_dir)};
  const Folder backup = {"BACKUP_DIR", Normal(options.backup_dir)};
  const Folder restore = {"RESTORE_DIR", Normal(options.restore_dir)};
  const std::string database = Normal(options.storage_path());
  std::vector<std::string> problems = FindBadSchedules(options.schedule);
  const auto differ = [&](const Folder& a, const Folder& b) {
    if (a.path != b.path || a.path == "/") return;
    problems.push_back(std::string(a.name) + " and " + b.name + " are both \"" +
                       Printable(a.path, 60) +
                       "\": allowed are different folders");
  };
  differ(storage, backup);
  differ(storage, restore);
  // If they were equal, every start would restore the newest backup.
  differ(backup, restore);
  for (const Folder& folder : {backup, restore}) {
    if (folder.path != database && !IsInside(folder.path, database)) continue;
    problems.push_back(std::string(folder.name) + " is \"" +
                       Printable(folder.path, 60) +
                       "\": allowed is a folder outside the database's own (" +
                       Printable(database, 60) + ")");
  }
  if (std::string zone = DescribeMissingZone(options); !zone.empty()) {
    problems.push_back(std::move(zone));
  }
  FindNotifyConflicts(options.notify, &problems);
  return problems;
}

}  // namespace levelkeep
