#include "config/settings.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>

#include "base/process.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "config/env_file.h"
#include "config/loader.h"

namespace levelkeep {
namespace {

using Entry = SettingsLoader::Entry;
using Unknown = SettingsLoader::Unknown;

constexpr uint64_t kFileLimit = 1 << 20;
// The folders of one installation, which belong together.
constexpr const char* kFolders[] = {"STORAGE_DIR", "BACKUP_DIR", "RESTORE_DIR"};

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

// A file may name programs and folders. Root accepts ./.env only from root and
// from the user who called sudo; a file named with --config is always accepted.
Status RefuseForeign(const SettingsSources& sources, const std::string& path,
                     const File& file) {
  if (EffectiveUser() != 0 || sources.config_file || path != kImplicitFile)
    return Status::Ok();
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, file.Stat());
  const auto person = sources.environment.find("SUDO_UID");
  const bool trusted =
      info.owner == 0 || (person != sources.environment.end() &&
                          person->second == std::to_string(info.owner));
  if (trusted) return Status::Ok();
  return Status(StatusCode::kRefused,
                "it belongs to user " + std::to_string(info.owner) +
                    ", but root uses only files of root and of the user who "
                    "called sudo: run this as that user, or name the file with "
                    "--config if you trust it");
}

Result<std::string> ReadSettings(const SettingsSources& sources,
                                 const std::string& path) {
  LEVELKEEP_ASSIGN_OR_RETURN(
      const auto file,
      sources.file_system->Open(path, OpenMode::kReadFollowing));
  LEVELKEEP_RETURN_IF_ERROR(RefuseForeign(sources, path, *file));
  return ReadAll(*file, path, kFileLimit);
}

// No value: the file does not exist, or a problem was added.
std::optional<std::vector<Entry>> ReadEntries(
    const SettingsSources& sources, const std::string& path,
    const std::string& name, bool must_exist, SettingsLoader* loader,
    EnvReaders readers = EnvReaders::kOursOnly) {
  const auto text = ReadSettings(sources, path);
  if (!text.ok()) {
    if (must_exist || text.status().code() != StatusCode::kNotFound) {
      const bool denied = text.status().code() == StatusCode::kPermissionDenied;
      loader->AddProblem("file " + name + ": " + text.status().message() +
                         (denied ? "; " + text.status().hint() : ""));
    }
    return std::nullopt;
  }
  EnvFile file = ParseEnvFile(*text, name, sources.environment, readers);
  for (std::string& line : file.problems) loader->AddProblem(std::move(line));
  std::vector<Entry> entries;
  for (EnvFile::Entry& entry : file.entries) {
    entries.push_back({std::move(entry.key), std::move(entry.value),
                       "file " + name + " line " + std::to_string(entry.line)});
  }
  return entries;
}

void AddFile(const SettingsSources& sources, SettingsLoader* loader) {
  const bool named = sources.config_file.has_value();
  if (!named && !sources.reads_env_file) return;
  const std::string path = named ? *sources.config_file : kImplicitFile;
  const auto entries =
      ReadEntries(sources, path, named ? path : ".env", named, loader);
  if (!entries) return;
  loader->AddLayer(*entries, named ? Unknown::kProblem : Unknown::kOursOnly);
}

// Returns a sentence about the file for the user.
std::string AddSystemFile(const SettingsSources& sources,
                          SettingsLoader* loader) {
  const std::string& path = sources.system_file;
  if (path.empty()) return "";
  if (sources.config_file) return path + " is not used: --config names a file";
  for (const char* folder : kFolders) {
    const std::string origin = loader->OriginOf(folder);
    if (origin.empty()) continue;
    return path + " is not used: " + folder + " comes from " + origin;
  }
  const auto entries =
      ReadEntries(sources, path, path, false, loader, EnvReaders::kSystemdToo);
  if (!entries) return path + " does not exist";
  std::set<std::string> folders;
  for (const Entry& entry : *entries) {
    const SettingRow* const row = FindSettingRow(entry.variable);
    const bool folder =
        row != nullptr && std::find(std::begin(kFolders), std::end(kFolders),
                                    row->info.name) != std::end(kFolders);
    if (!folder) continue;
    folders.insert(row->info.name);
    if (entry.value.starts_with('/')) continue;
    loader->AddProblem(entry.variable + " is \"" + Printable(entry.value, 60) +
                       "\" (" + entry.origin +
                       "): allowed is an absolute folder there");
  }
  // Missing folders would come from the present directory.
  if (!folders.empty() && folders.size() < std::size(kFolders)) {
    loader->AddProblem(path +
                       " sets some of STORAGE_DIR, BACKUP_DIR and RESTORE_DIR, "
                       "but not all: set all three there");
  }
  loader->AddLayer(*entries, Unknown::kOursOnly);
  return path + " is used";
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
  const std::string system_file = AddSystemFile(sources, &loader);
  LEVELKEEP_ASSIGN_OR_RETURN(LoadedSettings loaded, loader.Finish());
  loaded.system_file = system_file;
  return loaded;
}

std::map<std::string, std::string> ProcessEnvironment() {
  std::map<std::string, std::string> variables;
  for (const std::string& entry : OwnEnvironment()) {
    const std::string_view text = entry;
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    // If a name occurs twice, the first one counts, as with getenv.
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

}  // namespace levelkeep
