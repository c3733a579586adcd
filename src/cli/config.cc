// levelkeep config

#include "base/folder_probe.h"
#include "base/status_macros.h"
#include "cli/application.h"
#include "cli/session.h"
#include "manager/backup_manager_access.h"

namespace levelkeep::cli {

namespace {

constexpr char kConfigHelp[] =
    "Shows each setting with its value and the origin of the value.\n"
    "\n"
    "Usage: levelkeep config [--check]\n"
    "\n"
    "Secrets are masked. All wrong settings are listed, with exit code 2. "
    "With\n--check, the command also makes the checks of levelkeep serve "
    "(folders,\nrights, database), gives the same exit code and warnings (a "
    "missing check\nprogram, process limits (ulimit) that are too small), and "
    "changes\nnothing. It may run beside a server, because it does not check "
    "whether\nthe port is free or the database is open, nor the files in "
    "RESTORE_DIR.\n";

constexpr VerbOption kConfigOptions[] = {
    {"--check", nullptr, "only check whether levelkeep serve could start",
     &VerbArguments::check},
};

// Creates the folder as ConfigureLogging does.
Status CheckLogFolder(FileSystem* fs, const std::string& folder) {
  if (folder.empty()) return Status::Ok();
  const auto info = fs->StatFollowing(folder);
  if (info.ok() && info->type == FileType::kDirectory) {
    return fs->CheckAccess(folder, Access::kChange).WithContext("LOG_DIR");
  }
  return RequireFolder(fs, "LOG_DIR", folder, {.keeps_time = true});
}

// Makes the checks of serve in the same order.
Status CheckServe(Session* session) {
  const Settings& settings = session->settings();
  LEVELKEEP_RETURN_IF_ERROR(
      CheckLogFolder(session->world.fs, settings.log.directory));
  LEVELKEEP_RETURN_IF_ERROR(CheckApi(settings));
  BackupManager manager =
      BackupManagerAccess::Make(settings.backup, session->platform());
  LEVELKEEP_ASSIGN_OR_RETURN(const auto warnings, manager.CheckStart());
  session->Warn(warnings);
  session->console->Print("the configuration is fine\n");
  session->console->Say(
      "not checked: whether port " + std::to_string(settings.api.port) +
      " is free, and whether a process has the database open");
  return Status::Ok();
}

Status RunConfig(Session* session) {
  if (session->arguments().check) return CheckServe(session);
  auto& json = session->result["settings"] = nlohmann::ordered_json::array();
  Table table({"SETTING", "VALUE", "FROM"},
              {Align::kLeft, Align::kLeft, Align::kLeft});
  for (const SettingOrigin& origin : session->config.origins) {
    json.push_back({{"name", origin.name},
                    {"value", origin.value_masked},
                    {"origin", origin.origin},
                    {"help", origin.help}});
    table.AddRow({{origin.name}, {origin.value_masked}, {origin.origin}});
  }
  session->console->Print(table.ToString());
  if (!session->config.system_file.empty()) {
    session->result["systemFile"] = session->config.system_file;
    session->console->Say(session->config.system_file);
  }
  return Status::Ok();
}

}  // namespace

const Verb kConfigVerb = {.name = "config",
                          .summary = "show or check the settings",
                          .help = kConfigHelp,
                          .run = RunConfig,
                          .options = kConfigOptions,
                          .names_place = false};

}  // namespace levelkeep::cli
