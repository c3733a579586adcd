// Settings that a running service takes over.

#ifndef LEVELKEEP_CONFIG_RELOAD_H_
#define LEVELKEEP_CONFIG_RELOAD_H_

#include <set>
#include <string>
#include <vector>

#include "config/settings.h"
#include "levelkeep/status.h"

namespace levelkeep {

struct SettingChange {
  std::string name;
  std::string before, after;  // as in a variable; empty for a secret
  bool secret = false;
  bool reloadable = false;  // else it needs a restart

  // "MAX_BACKUPS: 10 -> 5, in force now", "API_PORT: 5050 -> 80, needs a
  // restart", "API_TOKEN: changed, in force now".
  std::string ToString() const;
};

struct ReloadPlan {
  // The present settings with the new values of those that can be reloaded.
  Settings settings;
  std::vector<SettingChange> changes;  // in the order of AllSettings()
};

// Compares the settings that `verb` uses.
ReloadPlan PlanReload(const Settings& present, const Settings& loaded,
                      const std::string& verb);

// The sources of the settings of a running service, which are read again at
// each reload. Flags and the environment stay as they were at the start.
//
// systemd fills the environment from a file (EnvironmentFile=) before the start
// and never again. The sources name that file as `environment_file`: variables
// that had its value at the start are read from the file at a reload.
// Thread safety: one thread at a time.
class ReloadSources {
 public:
  // Reads `environment_file`, if there is one.
  explicit ReloadSources(SettingsSources sources);

  // As LoadSettings. Also fails if a file that was there at the start is
  // missing or not readable now: its settings would silently become defaults.
  Result<LoadedSettings> Load() const;
  // Why `environment_file` could not be read at the start, so that its changes
  // are not seen. Ok: it was read, or there is none.
  const Status& environment_file_status() const { return file_status_; }

 private:
  SettingsSources sources_;
  std::set<std::string> required_;  // files
  Status file_status_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_CONFIG_RELOAD_H_
