#include "config/reload.h"

#include <variant>

#include "base/file_system.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "config/env_file.h"
#include "config/setting_rows.h"

namespace levelkeep {

namespace {

constexpr uint64_t kEnvironmentFileLimit = 1 << 20;
constexpr size_t kShownValue = 200;  // characters

// Both fields belong to one row, so that they have the same type.
void CopyField(SettingField from, SettingField to) {
  std::visit([&](auto* target) { *target = *std::get<decltype(target)>(from); },
             to);
}

std::string Shown(const std::string& value) {
  return value.empty() ? "(nothing)" : Printable(value, kShownValue);
}

}  // namespace

std::string SettingChange::ToString() const {
  const std::string what =
      secret ? "changed" : Shown(before) + " -> " + Shown(after);
  return name + ": " + what +
         (reloadable ? ", in force now" : ", needs a restart");
}

ReloadPlan PlanReload(const Settings& present, const Settings& loaded,
                      const std::string& verb) {
  ReloadPlan plan{present, {}};
  Settings after = loaded;
  for (const SettingRow& row : SettingRows()) {
    if (!row.info.IsFor(verb)) continue;
    SettingChange change{row.info.name,
                         FormatSetting(row.field(&plan.settings), row.limits),
                         FormatSetting(row.field(&after), row.limits),
                         row.info.secret, row.info.reloadable};
    if (change.before == change.after) continue;
    if (change.reloadable)
      CopyField(row.field(&after), row.field(&plan.settings));
    if (change.secret) change.before = change.after = "";
    plan.changes.push_back(std::move(change));
  }
  return plan;
}

ReloadSources::ReloadSources(SettingsSources sources)
    : sources_(std::move(sources)) {
  FileSystem* const fs = sources_.file_system;
  const bool env_file = !sources_.config_file && sources_.reads_env_file;
  if (env_file && PathExists(fs, kImplicitFile)) {
    required_.insert(kImplicitFile);
  }
  const std::string& file = sources_.environment_file;
  if (!file.empty()) {
    const auto text =
        ReadFile(fs, file, kEnvironmentFileLimit, OpenMode::kReadFollowing);
    file_status_ = text.status();
    if (text.ok()) {
      for (const EnvFile::Entry& entry :
           ParseEnvFile(*text, file, sources_.environment,
                        EnvReaders::kSystemdToo)
               .entries) {
        const auto variable = sources_.environment.find(entry.key);
        if (variable != sources_.environment.end() &&
            variable->second == entry.value) {
          sources_.environment.erase(variable);
        }
      }
      sources_.system_file = file;
    }
  }
  if (!sources_.config_file && !sources_.system_file.empty() &&
      PathExists(fs, sources_.system_file)) {
    required_.insert(sources_.system_file);
  }
}

Result<LoadedSettings> ReloadSources::Load() const {
  for (const std::string& file : required_) {
    LEVELKEEP_RETURN_IF_ERROR(
        sources_.file_system->Open(file, OpenMode::kReadFollowing)
            .status()
            .WithContext("a file with settings"));
  }
  return LoadSettings(sources_);
}

}  // namespace levelkeep
