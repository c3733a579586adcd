// All settings of the program: what there is, and where each value comes
// from. Flags > environment > file > the system's file > default.

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
  // Those of `levelkeep`; an application has its own way to be restarted.
  Settings() {
    backup.restore.restart_command = "docker-compose restart app worker";
  }

  BackupOptions backup;
  http::ApiOptions api;
  // Why this user can't read API_TOKEN_FILE, which may be the service's alone:
  // serve refuses it, who only looks at the folders needs no token.
  std::string api_token_problem;
  LogOptions log;              // LOG_LEVEL, LOG_FORMAT, LOG_DIR
  bool storage_sync = true;    // STORAGE_SYNC: acknowledged means synced
  bool worker_enabled = true;  // BACKUP_WORKER_ENABLED
  std::chrono::milliseconds worker_poll{5000};  // BACKUP_WORKER_POLL_MS
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

// One row for flags, help, docs and validation alike.
struct SettingInfo {
  std::string section;               // its topic, for people: "Folders"
  std::string name;                  // the variable, e.g. "API_PORT"
  std::string key;                   // in JSON, e.g. "apiPort"
  std::vector<std::string> aliases;  // e.g. "PORT"
  std::string flag;  // "--port"; empty for secrets: `ps` shows flags
  SettingKind kind = SettingKind::kText;
  std::string default_value;  // as text; may be empty
  std::string allowed;        // for people: "1 to 100000"
  bool secret = false;        // masked; also as NAME_FILE
  std::string help;           // one sentence
  // Which verbs use the setting and take its flag; none: all do. Environment
  // and files may hold it for any.
  std::vector<std::string> verbs;

  bool IsFor(const std::string& verb) const;
};

// In the order in which they are to be shown. Lives for ever.
const std::vector<SettingInfo>& AllSettings();

struct SettingValue {
  std::string key;
  SettingKind kind = SettingKind::kText;
  std::string text;          // as a variable has it; masked for a secret
  std::optional<bool> flag;  // of what is true or false
};

// One for each of AllSettings(), or for those of BackupOptions only, which are
// all that an application has.
std::vector<SettingValue> SettingValues(const Settings& settings,
                                        bool embedded_only);

struct SettingsSources {
  std::map<std::string, std::string> flags;  // by variable, e.g. "API_PORT"
  std::map<std::string, std::string> environment;
  // --config: must exist, and every key in it must be known. Without it
  // ./.env is read if there is one; keys of other programs may be in it.
  std::optional<std::string> config_file;
  bool reads_env_file = true;  // ./.env
  // The service's own (kSystemFile), so that an installed program finds the
  // service's database from any directory. Read without --config only, and as a
  // whole only where no folder is set elsewhere: folders of two installations
  // must not be mixed. Its folders are absolute. Empty: there is none.
  std::string system_file;
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
  // About SettingsSources::system_file: a sentence; empty if there is none.
  std::string system_file;
  std::vector<SettingOrigin> origins;  // one for each of AllSettings()
  // For the log: variables that later versions know and this one ignores.
  std::vector<std::string> notes;
};

// Where the installation puts the service's settings.
inline constexpr char kSystemFile[] = "/etc/levelkeep/levelkeep.env";

// All problems at once: kInvalidArgument whose message has one line for each,
// with the variable, the value (secrets masked) and what is allowed.
Result<LoadedSettings> LoadSettings(const SettingsSources& sources);

// The environment of this process.
// Thread safety: as getenv.
std::map<std::string, std::string> ProcessEnvironment();

}  // namespace levelkeep

#endif  // LEVELKEEP_CONFIG_SETTINGS_H_
