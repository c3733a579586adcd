// The objects that a verb works with.

#ifndef LEVELKEEP_CLI_SESSION_H_
#define LEVELKEEP_CLI_SESSION_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/console.h"
#include "config/settings.h"
#include "engine/engine.h"

namespace levelkeep::cli {

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

  // Prints the warnings of a dry run, one line each, and adds them to the
  // result.
  void Warn(const std::vector<std::string>& warnings) {
    for (const std::string& warning : warnings) console->Warn(warning);
    result["warnings"] = warnings;
  }

  const Settings& settings() const { return config.settings; }
  const VerbArguments& arguments() const { return line.arguments; }
  Platform platform() const { return {.fs = world.fs, .clock = world.clock}; }
  Engine NewEngine() const { return Engine(settings().backup, platform()); }
};

}  // namespace levelkeep::cli

#endif  // LEVELKEEP_CLI_SESSION_H_
