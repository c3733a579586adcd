#include "levelkeep/options.h"

#include "base/host_name.h"
#include "base/text.h"
#include "config/loader.h"
#include "config/settings.h"

namespace levelkeep {

namespace {

// Checks each value against its row; one line per problem.
std::vector<std::string> FindBadValues(Settings settings, bool embedded) {
  Settings scratch;
  std::vector<std::string> problems;
  for (const SettingRow& row : SettingRows()) {
    if (row.embedded != embedded) continue;
    const SettingField field = row.field(&settings);
    const std::string text = FormatSetting(field, row.limits);
    // A secret or an optional number that is not set.
    const bool optional = std::holds_alternative<std::optional<int>*>(field);
    if (text.empty() && (row.info.secret || optional)) continue;
    if (!ParseSetting(text, row.limits, row.field(&scratch))) {
      problems.push_back(DescribeBadValue(row, text, ""));
    }
  }
  return problems;
}

}  // namespace

Status BackupOptions::Validate() const {
  Settings settings;
  settings.backup = *this;
  std::vector<std::string> problems =
      FindBadValues(settings, /*embedded=*/true);
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

Status http::ApiOptions::Validate() const {
  Settings settings;
  settings.api = *this;
  settings.api.allowed_hosts.clear();  // judged below, one by one
  auto problems = FindBadValues(settings, /*embedded=*/false);
  for (const std::string& name : allowed_hosts) {
    if (HostOfAuthority(name)) continue;
    problems.push_back("API_ALLOWED_HOSTS has \"" + Printable(name) +
                       "\": allowed are host names and addresses, IPv6 ones in "
                       "brackets");
  }
  if (!problems.empty()) return ConfigurationError(problems);
  if (!token.empty() || allow_anonymous || IsLoopbackHost(host)) {
    return Status::Ok();
  }
  return Status(
      StatusCode::kRefused,
      "API_HOST=" + Printable(host) +
          " is reachable from other hosts, but API_TOKEN is not set",
      "set API_TOKEN or API_TOKEN_FILE, or listen on 127.0.0.1, "
      "or set API_ALLOW_ANONYMOUS=true if something else protects the server");
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
