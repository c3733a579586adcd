// levelkeep config

#include "cli/session.h"
#include "cli/table.h"

namespace levelkeep::cli {

namespace {

constexpr char kConfigHelp[] =
    "Shows each setting with its value and where that comes from.\n"
    "\n"
    "Usage: levelkeep config [--check]\n"
    "\n"
    "Secrets are masked. Wrong settings are listed all at once, with exit\n"
    "code 2.\n";

constexpr VerbOption kConfigOptions[] = {
    {"--check", nullptr, "only say whether the configuration is fine",
     &VerbArguments::check},
};

Status RunConfig(Session* session) {
  if (session->arguments().check) {
    session->console->Print("the configuration is fine\n");
    return Status::Ok();
  }
  auto& json = session->result["settings"] = nlohmann::ordered_json::array();
  Table table({"SETTING", "VALUE", "FROM"},
              {Align::kLeft, Align::kLeft, Align::kLeft});
  for (const SettingOrigin& origin : session->config.origins) {
    auto one = nlohmann::ordered_json::object();
    one["name"] = origin.name;
    one["value"] = origin.value_masked;
    one["origin"] = origin.origin;
    one["help"] = origin.help;
    json.push_back(std::move(one));
    table.AddRow(
        {{origin.name, ""}, {origin.value_masked, ""}, {origin.origin, ""}});
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
