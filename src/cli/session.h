// The objects that a verb works with.

#ifndef LEVELKEEP_CLI_SESSION_H_
#define LEVELKEEP_CLI_SESSION_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/work.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/console.h"
#include "config/settings.h"
#include "engine/engine.h"

namespace levelkeep::cli {

// The log's options with those of the command line (--verbose, --quiet).
LogOptions LogOptionsFor(const Settings& settings, const CommandLine& line);

struct Session {
  const World& world;
  const CommandLine& line;
  const LoadedSettings& config;
  Console* console;
  // The verb's results for --json, also beside an error. "success" is added at
  // the end.
  nlohmann::ordered_json result = nlohmann::ordered_json::object();
  // The object was printed already (serve prints it when it is ready).
  bool result_printed = false;
  // From which `config` was loaded. Never null in a verb.
  const SettingsSources* sources = nullptr;

  // Prints the warnings of a dry run, one line each, and adds them to the
  // result.
  void Warn(const std::vector<std::string>& warnings) {
    for (const std::string& warning : warnings) console->Warn(warning);
    result["warnings"] = warnings;
  }

  // Calls `step` with a Work whose progress is shown beside `label`.
  template <typename Step>
  auto Show(const std::string& label, Step step) const {
    Progress progress(console, label);
    return step(Work{world.stop, progress.callback()});
  }
  // Ok if --yes is given or the user confirms; see Console::Confirm.
  Status Confirm(const std::string& what, const Status& cannot_ask) const {
    return arguments().yes ? Status() : console->Confirm(what, cannot_ask);
  }
  // Ok if the command line names a backup.
  Status RequireSource() const {
    if (!arguments().source.empty()) return Status::Ok();
    return Status(StatusCode::kInvalidArgument, "no backup is named",
                  "name a backup, or latest: see levelkeep list");
  }

  const Settings& settings() const { return config.settings; }
  const VerbArguments& arguments() const { return line.arguments; }
  Platform platform() const { return {.fs = world.fs, .clock = world.clock}; }
  Engine NewEngine() const { return Engine(settings().backup, platform()); }
};

}  // namespace levelkeep::cli

#endif  // LEVELKEEP_CLI_SESSION_H_
