// Combines layers of variables into Settings; private to src/config.

#ifndef LEVELKEEP_CONFIG_LOADER_H_
#define LEVELKEEP_CONFIG_LOADER_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/setting_rows.h"
#include "config/settings.h"

namespace levelkeep {

// Thread safety: one thread at a time.
class SettingsLoader {
 public:
  enum class Scope {
    kProgram,   // all settings
    kEmbedded,  // BackupOptions only: the rest is up to the application
  };
  // How to treat a variable that is not in the table.
  enum class Unknown {
    kProblem,    // a file that was named for LevelKeep
    kOursOnly,   // a shared file: a problem if the name looks like ours
    kTyposOnly,  // the environment: a problem if the name is nearly one of ours
  };
  struct Entry {
    std::string variable;
    std::string value;
    std::string origin;
  };

  SettingsLoader(FileSystem* fs, Scope scope) : fs_(fs), scope_(scope) {}

  // Adds the highest layer first: a later layer can't change its values.
  void AddLayer(const std::vector<Entry>& entries, Unknown unknown);
  void AddProblem(std::string line) { problems_.push_back(std::move(line)); }
  // The origin of a setting's value in the layers so far; empty: no layer has
  // it.
  std::string OriginOf(std::string_view name) const;
  // The settings of all layers together, or all problems.
  Result<LoadedSettings> Finish();

 private:
  struct Chosen {
    std::string value;
    std::string origin;
  };

  void AddRow(const SettingRow& row, const std::vector<Entry>& entries);
  std::optional<Chosen> ReadSecret(const SettingRow& row, const Entry& entry);
  void AddUnknown(const Entry& entry, Unknown unknown);
  void AddLaterFeature(const LaterFeature& feature, const Entry& entry);

  FileSystem* const fs_;
  const Scope scope_;
  std::map<const SettingRow*, Chosen> chosen_;
  std::set<const LaterFeature*> features_;  // already decided by a layer
  std::vector<std::string> problems_;
  std::vector<std::string> notes_;
  // Secrets that this user can't read; see Settings::api_token_problem.
  std::map<const SettingRow*, std::string> unread_;
};

// The error for all configuration problems, with the common hint.
Status ConfigurationError(const std::vector<std::string>& problems);

}  // namespace levelkeep

#endif  // LEVELKEEP_CONFIG_LOADER_H_
