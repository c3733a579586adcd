// One run of the program: parse, load the settings, run the verb, report
// errors.

#include <algorithm>
#include <exception>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/json.h"
#include "base/log.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "cli/cli.h"
#include "cli/console.h"
#include "cli/session.h"

namespace levelkeep::cli {

namespace {

using nlohmann::ordered_json;

// `result` has the values to print beside the outcome.
void PrintJsonOutcome(Console* console, const Status& status,
                      const ordered_json& result) {
  ordered_json json = {{"success", status.ok()}};
  if (!status.ok()) {
    json.update({{"code", StatusCodeName(status.code())},
                 {"message", status.message()},
                 {"hint", status.hint()},
                 {"exitCode", static_cast<int>(ExitCodeFor(status.code()))}});
  }
  for (const auto& [name, value] : result.items()) {
    if (!json.contains(name)) json[name] = value;
  }
  console->PrintJson(DumpJson(json));
}

int Finish(Console* console, const Status& status,
           const ordered_json& result = ordered_json::object(),
           bool result_printed = false) {
  if (console->json() && !result_printed) {
    PrintJsonOutcome(console, status, result);
  }
  if (!status.ok()) console->PrintError(status);
  const Status reported = console->TakeOutputFailure();
  if (reported.ok()) return ExitCodeFor(status.code());
  console->PrintError(reported.WithHint(
      status.ok() ? "the operation succeeded, only its report is lost"
                  : "the report is lost"));
  return status.ok() ? ExitCodeFor(reported.code())
                     : ExitCodeFor(status.code());
}

// Shows the paths first, so that a wrong directory or a missing setting is
// noticed.
Status RunNamingPlace(Session* session) {
  const BackupOptions& backup = session->settings().backup;
  const std::string database = AbsolutePath(backup.storage_path());
  const std::string backups = AbsolutePath(backup.backup_dir);
  session->console->Say("database " + database + ", backups in " + backups);
  Status status = session->line.verb->run(session);
  session->result["database"] = database;
  session->result["backupDir"] = backups;
  return status;
}

Status RunVerb(Session* session) {
  LogOptions log = LogOptionsFor(session->settings(), session->line);
  // Only a service creates the folder: other verbs leave no folder behind.
  if (!session->line.verb->is_service &&
      !PathExists(session->world.fs, log.directory)) {
    log.directory.clear();
  }
  LEVELKEEP_RETURN_IF_ERROR(ConfigureLogging(log));
  if (session->world.is_service != nullptr) {
    *session->world.is_service = session->line.verb->is_service;
  }
  for (const std::string& note : session->config.notes) {
    session->console->Warn(note);
  }
  const Verb& verb = *session->line.verb;
  Status status =
      verb.names_place ? RunNamingPlace(session) : verb.run(session);
  FlushLogs();
  // A stop counts as the reason, whatever error it caused.
  if (!status.ok() && session->world.stop.stop_requested()) {
    return Status(StatusCode::kCancelled, "interrupted: " + status.message());
  }
  return status;
}

}  // namespace

// A service logs its work. The other verbs print their result, which the
// library's log lines would only repeat.
LogOptions LogOptionsFor(const Settings& settings, const CommandLine& line) {
  LogOptions options = settings.log;
  if (!line.verb->is_service) {
    options.level = std::max(options.level, LogLevel::kError);
  }
  if (line.quiet) options.level = std::max(options.level, LogLevel::kWarn);
  if (line.verbosity > 0) {
    options.level = line.verb->is_service || line.verbosity > 1
                        ? LogLevel::kDebug
                        : LogLevel::kInfo;
  }
  return options;
}

Status CaughtStatus() {
  try {
    throw;
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::resource_unavailable_try_again) {
      return Status(StatusCode::kIoError, error.what());
    }
    // std::thread gives no more details.
    return Status(
        StatusCode::kIoError,
        std::string("the system gives this process no more threads: ") +
            error.what(),
        "raise its limit of processes and threads (ulimit -u, TasksMax=) or "
        "of memory (ulimit -v, MemoryMax=)");
  } catch (const std::exception& error) {
    return Status(StatusCode::kInternal, error.what());
  } catch (...) {
    return Status(StatusCode::kInternal, "an exception of unknown type");
  }
}

int Fail(const std::vector<std::string>& arguments, const World& world,
         const Status& status) {
  Console console(&world, {.json = AsksForJson(arguments), .quiet = false});
  return Finish(&console, status);
}

int Run(const std::vector<std::string>& arguments, const World& world) {
  auto line = ParseCommandLine(arguments);
  if (!line.ok()) return Fail(arguments, world, line.status());
  Console console(&world, {.json = line->json, .quiet = line->quiet});
  if (line->version) {
    console.Print(std::string("levelkeep ") + LevelKeepVersion() + "\n");
    return Finish(&console, Status::Ok(), {{"version", LevelKeepVersion()}});
  }
  if (line->help) {
    console.Print(HelpText(line->verb));
    return Finish(&console, Status::Ok(), {{"help", HelpText(line->verb)}});
  }
  if (line->verb == nullptr) {
    return Finish(&console, Status(StatusCode::kInvalidArgument,
                                   "no verb is given", "see levelkeep --help"));
  }
  SettingsSources sources;
  sources.flags = line->settings;
  sources.environment = world.environment;
  sources.config_file = line->config_file;
  sources.reads_env_file = line->verb->reads_env_file;
  sources.system_file = world.system_file;
  sources.environment_file = world.environment_file;
  sources.file_system = world.fs;
  auto config = LoadSettings(sources);
  if (!config.ok()) return Finish(&console, config.status());
  Session session{world, *line, *config, &console};
  session.sources = &sources;
  Status status;
  try {
    status = RunVerb(&session);
  } catch (...) {
    status = CaughtStatus();
    // The result may be incomplete after an exception.
    session.result = ordered_json::object();
  }
  return Finish(&console, status, session.result, session.result_printed);
}

}  // namespace levelkeep::cli
