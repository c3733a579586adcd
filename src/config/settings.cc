#include "config/settings.h"

#include <unistd.h>

#include <string_view>

#include "config/env_file.h"
#include "config/loader.h"

extern char** environ;

namespace levelkeep {
namespace {

using Entry = SettingsLoader::Entry;
using Unknown = SettingsLoader::Unknown;

constexpr char kImplicitFile[] = "./.env";
constexpr uint64_t kFileLimit = 1 << 20;

std::vector<Entry> FlagEntries(
    const std::map<std::string, std::string>& flags) {
  std::vector<Entry> entries;
  for (const auto& [variable, value] : flags) {
    const SettingRow* row = FindSettingRow(variable);
    const bool known = row != nullptr && !row->info.flag.empty();
    entries.push_back(
        {variable, value, "flag " + (known ? row->info.flag : variable)});
  }
  return entries;
}

void AddFile(const SettingsSources& sources, SettingsLoader* loader) {
  const bool named = sources.config_file.has_value();
  const std::string path = named ? *sources.config_file : kImplicitFile;
  const std::string name = named ? path : ".env";
  const auto text =
      ReadFile(sources.file_system, path, kFileLimit, OpenMode::kReadFollowing);
  if (!text.ok()) {
    if (named || text.status().code() != StatusCode::kNotFound) {
      loader->AddProblem("file " + name + ": " + text.status().message());
    }
    return;
  }
  EnvFile file = ParseEnvFile(*text, name, sources.environment);
  for (std::string& line : file.problems) loader->AddProblem(std::move(line));
  std::vector<Entry> entries;
  for (EnvFile::Entry& entry : file.entries) {
    entries.push_back({std::move(entry.key), std::move(entry.value),
                       "file " + name + " line " + std::to_string(entry.line)});
  }
  loader->AddLayer(entries, named ? Unknown::kProblem : Unknown::kOursOnly);
}

}  // namespace

Result<LoadedSettings> LoadSettings(const SettingsSources& sources) {
  SettingsLoader loader(sources.file_system, SettingsLoader::Scope::kProgram);
  loader.AddLayer(FlagEntries(sources.flags), Unknown::kProblem);
  std::vector<Entry> entries;
  for (const auto& [variable, value] : sources.environment) {
    entries.push_back({variable, value, "environment " + variable});
  }
  loader.AddLayer(entries, Unknown::kTyposOnly);
  AddFile(sources, &loader);
  return loader.Finish();
}

std::map<std::string, std::string> ProcessEnvironment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    // As getenv has it, the first of two equal names counts.
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

}  // namespace levelkeep
