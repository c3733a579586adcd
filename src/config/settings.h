// All settings of the program, and the origin of each value: flags >
// environment > file > the system's file > default.

#ifndef LEVELKEEP_CONFIG_SETTINGS_H_
#define LEVELKEEP_CONFIG_SETTINGS_H_

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/log.h"
#include "levelkeep/options.h"
#include "levelkeep/status.h"

namespace levelkeep {

struct Settings {
  // The defaults of `levelkeep`; an application is restarted in its own way.
  Settings() {
    backup.restore.restart_command = "docker-compose restart app worker";
  }

  BackupOptions backup;
  http::ApiOptions api;
  // Why this user can't read API_TOKEN_FILE, which may be readable by the
  // service only: serve refuses to start then; other verbs need no token.
  std::string api_token_problem;
  // The same for the secrets of notifications: a verb that can't read one of
  // them tells nobody anything, rather than send without a signature.
  std::string notify_secret_problem;
  LogOptions log;  // LOG_LEVEL, LOG_FORMAT, LOG_DIR, LOG_RETENTION_DAYS
  bool storage_sync = true;    // STORAGE_SYNC: acknowledged means synced
  bool worker_enabled = true;  // BACKUP_WORKER_ENABLED
};

enum class SettingKind {
  kText,
  kPath,
  kBool,
  kInteger,
  kMilliseconds,
  kBytes,
  kChoice,
  kList
};

// One row defines flag, help, docs and validation.
struct SettingInfo {
  std::string section;               // its topic for readers: "Folders"
  std::string name;                  // the variable, e.g. "API_PORT"
  std::string key;                   // in JSON, e.g. "apiPort"
  std::vector<std::string> aliases;  // e.g. "PORT"
  std::string flag;  // "--port"; empty for secrets: `ps` shows flags
  SettingKind kind = SettingKind::kText;
  std::string default_value;  // as text; may be empty
  std::string allowed;        // for readers: "1 to 100000"
  bool secret = false;        // masked; also as NAME_FILE
  // SIGHUP puts a new value in force; otherwise it needs a restart.
  bool reloadable = false;
  std::string help;  // one sentence
  // The verbs that use the setting and take its flag; empty: all verbs.
  // Environment and files may set it for any verb.
  std::vector<std::string> verbs;

  bool IsFor(const std::string& verb) const;
};

// In display order. Lives as long as the process.
const std::vector<SettingInfo>& AllSettings();

struct SettingValue {
  std::string key;
  SettingKind kind = SettingKind::kText;
  std::string text;          // as in a variable; masked for a secret
  std::optional<bool> flag;  // for values true and false
};

// One value for each of AllSettings(), or only for the settings of
// BackupOptions, which are all settings of an application.
std::vector<SettingValue> SettingValues(const Settings& settings,
                                        bool embedded_only);

struct SettingsSources {
  std::map<std::string, std::string> flags;  // by variable, e.g. "API_PORT"
  std::map<std::string, std::string> environment;
  // --config: the file must exist, and every key in it must be known. Without
  // it, ./.env is read if it exists, and may have keys of other programs.
  std::optional<std::string> config_file;
  bool reads_env_file = true;  // ./.env
  // The service's own file (kSystemFile), so that an installed program finds
  // the service's database from any directory. It is read only without
  // --config, and completely only if no other source sets a folder: folders of
  // two installations must not be mixed. Its folders are absolute. Empty: there
  // is no such file.
  std::string system_file;
  // The file from which a supervisor has filled the environment, for
  // ReloadSources; LoadSettings does not read it. Empty: there is none.
  std::string environment_file;
  FileSystem* file_system = FileSystem::Posix();
};

struct SettingOrigin {
  std::string name;
  std::string value_masked;  // the effective value; "********" for a secret
  // "flag --port", "environment PORT", "file .env line 3" or "default"
  std::string origin;
  std::string help;
};

struct LoadedSettings {
  Settings settings;
  // A sentence about SettingsSources::system_file; empty if there is none.
  std::string system_file;
  std::vector<SettingOrigin> origins;  // one for each of AllSettings()
  // For the log: variables that later versions know and this version ignores.
  std::vector<std::string> notes;
};

// The file that is read without --config.
inline constexpr char kImplicitFile[] = "./.env";
// The file in which the installation has the service's settings.
inline constexpr char kSystemFile[] = "/etc/levelkeep/levelkeep.env";

// Reports all problems at once: kInvalidArgument with one line per problem,
// which has the variable, the value (secrets masked) and the allowed values.
Result<LoadedSettings> LoadSettings(const SettingsSources& sources);

// The environment of this process.
// Thread safety: as getenv.
std::map<std::string, std::string> ProcessEnvironment();

}  // namespace levelkeep

#endif  // LEVELKEEP_CONFIG_SETTINGS_H_
