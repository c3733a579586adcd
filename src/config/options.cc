#include "levelkeep/options.h"

#include "config/loader.h"
#include "config/settings.h"

namespace levelkeep {

Status BackupOptions::Validate() const {
  Settings settings;
  settings.backup = *this;
  Settings scratch;
  std::vector<std::string> problems;
  for (const SettingRow& row : SettingRows()) {
    if (!row.embedded) continue;
    const std::string text = FormatSetting(row.field(&settings), row.limits);
    if (!ParseSetting(text, row.limits, row.field(&scratch))) {
      problems.push_back(DescribeBadValue(row, text, ""));
    }
  }
  if (comparator_name.empty()) {
    problems.emplace_back(
        "comparator_name is empty: allowed is the name of the database's "
        "comparator");
  }
  for (std::string& line : FindConflicts(*this)) {
    problems.push_back(std::move(line));
  }
  if (!problems.empty()) return ConfigurationError(problems);
  return Status::Ok();
}

Result<BackupOptions> BackupOptions::FromEnvironment() {
  SettingsLoader loader(FileSystem::Posix(), SettingsLoader::Scope::kEmbedded);
  std::vector<SettingsLoader::Entry> entries;
  for (const auto& [variable, value] : ProcessEnvironment()) {
    entries.push_back({variable, value, "environment " + variable});
  }
  loader.AddLayer(entries, SettingsLoader::Unknown::kTyposOnly);
  auto loaded = loader.Finish();
  if (!loaded.ok()) return loaded.status();
  return std::move(loaded->settings.backup);
}

}  // namespace levelkeep
