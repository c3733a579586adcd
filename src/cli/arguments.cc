#include "cli/arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <set>
#include <utility>

#include "base/status_macros.h"
#include "base/text.h"
#include "config/settings.h"

namespace levelkeep::cli {

namespace {

constexpr size_t kMaxTypos = 2;

Status Usage(std::string message, const std::string& meant) {
  return Status(
      StatusCode::kInvalidArgument, std::move(message),
      meant.empty() ? "see levelkeep --help" : "did you mean " + meant + "?");
}

// The long names of options, or only of those that take no value.
std::vector<std::string> OptionNames(const CLI::App& app,
                                     bool only_flags = false) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    if (only_flags && option->get_items_expected_max() > 0) continue;
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  return names;
}

Status IsEmpty(const std::string& what) {
  return Status(
      StatusCode::kInvalidArgument, what + " is empty",
      "is a shell variable not set? leave the argument out, or give a value");
}

// kInvalidArgument for a setting that the verb does not use.
Status RefuseOthersSettings(const CommandLine& line) {
  for (const SettingInfo& info : AllSettings()) {
    if (!line.settings.contains(info.name) || info.IsFor(line.verb->name)) {
      continue;
    }
    return Status(StatusCode::kInvalidArgument,
                  "option " + info.flag + " is not for levelkeep " +
                      line.verb->name + ": it is for " + Join(info.verbs, ", "),
                  "leave it out; environment and files may set " + info.name +
                      " for every verb");
  }
  return Status::Ok();
}

// True if `flag` belongs to a setting that the verb does not use.
bool IsOthersFlag(const std::string& flag, const std::string& verb) {
  const auto& all = AllSettings();
  return std::any_of(all.begin(), all.end(), [&](const SettingInfo& info) {
    return info.flag == flag && !info.IsFor(verb);
  });
}

// Describes an argument that CLI11 could not assign.
Status DescribeExtra(const std::string& extra, const CLI::App& root,
                     const CLI::App* verb) {
  if (IsBlank(extra)) return IsEmpty("an argument");
  if (!extra.empty() && extra[0] == '-') {
    std::vector<std::string> names = OptionNames(root);
    if (verb != nullptr) {
      const auto own = OptionNames(*verb);
      names.insert(names.end(), own.begin(), own.end());
      std::erase_if(names, [&](const std::string& name) {
        return IsOthersFlag(name, verb->get_name());
      });
    }
    return Usage("unknown option " + Printable(extra),
                 Nearest(extra.substr(0, extra.find('=')), names, kMaxTypos));
  }
  if (verb != nullptr) {
    return Usage("unexpected argument " + Printable(extra), "");
  }
  std::vector<std::string> names;
  for (const Verb* known : AllVerbs()) names.push_back(known->name);
  return Usage("unknown verb " + Printable(extra),
               Nearest(extra, names, kMaxTypos));
}

// Replaces CLI11's text "--to: 1 required TEXT missing".
Status DescribeParseError(const CLI::ParseError& error) {
  const std::string text = error.what();
  const std::string option = text.substr(0, text.find(':'));
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    const bool missing = text.find("missing") != std::string::npos;
    return Usage(
        "option " + option + (missing ? " needs a value" : " is given twice"),
        "");
  }
  return Usage(text, "");
}

// The option's names for CLI11 or the help: "-y,--yes", "-y, --yes".
std::string NamesOf(const VerbOption& option, const char* separator) {
  if (option.short_name == nullptr) return option.name;
  return std::string(option.short_name) + separator + option.name;
}

// Splits "--to=", after which CLI11 would take the next argument for the value.
std::vector<std::string> SplitEmptyValues(
    const std::vector<std::string>& arguments) {
  std::vector<std::string> split;
  bool options = true;
  for (const std::string& argument : arguments) {
    options = options && argument != "--";
    const bool empty = options && argument.size() > 3 &&
                       argument.starts_with("--") &&
                       argument.find('=') == argument.size() - 1;
    split.push_back(empty ? argument.substr(0, argument.size() - 1) : argument);
    if (empty) split.emplace_back();
  }
  return split;
}

// CLI11 would read "--dry-run=no" as false, and combine repeated values.
Status RefuseFlagValues(const std::vector<std::string>& arguments,
                        const std::vector<const CLI::App*>& apps) {
  std::set<std::string> flags;
  for (const CLI::App* app : apps) {
    const auto names = OptionNames(*app, /*only_flags=*/true);
    flags.insert(names.begin(), names.end());
  }
  for (const std::string& argument : arguments) {
    if (argument == "--") break;
    const std::string name = argument.substr(0, argument.find('='));
    if (name == argument || !flags.contains(name)) continue;
    return Status(StatusCode::kInvalidArgument,
                  "option " + name + " takes no value: " + Printable(argument),
                  "give " + name + ", or leave it out");
  }
  return Status::Ok();
}

// True for "--json" and "-y". "-1" counts only if `may_be_number` is false:
// CLI11 reads it as a number, and the table of settings has a better message
// for it.
bool LooksLikeOption(const std::string& value, bool may_be_number) {
  const bool digit = value.size() > 1 && value[1] >= '0' && value[1] <= '9';
  return value.size() > 1 && value[0] == '-' && !(digit && may_be_number);
}

// Refuses empty values and options as values, because CLI11 takes any next
// argument for a value. For settings, the table knows which of them may be
// empty.
Status CheckValues(const std::vector<const CLI::Option*>& options,
                   bool of_settings) {
  for (const CLI::Option* option : options) {
    if (option->get_items_expected_max() == 0) continue;  // a flag
    const bool stands_alone = option->get_positional();
    const std::string name = stands_alone
                                 ? "the argument"
                                 : "option --" + option->get_lnames().front();
    for (const std::string& value : option->results()) {
      if (!of_settings && IsBlank(value)) return IsEmpty(name);
      if (!stands_alone && LooksLikeOption(value, of_settings)) {
        return Usage(name + " needs a value, not " + Printable(value), "");
      }
    }
  }
  return Status::Ok();
}

// The options of all verbs that are numbers. CLI11 has several kinds of
// numbers, so they are read as text.
using NumberOptions = std::map<const VerbOption*, const CLI::Option*>;

void AddOptions(const Verb& verb, VerbArguments* arguments,
                NumberOptions* numbers, CLI::App* app) {
  for (const VerbOption& option : verb.options) {
    std::visit(
        [&](auto target) {
          const std::string names = NamesOf(option, ",");
          if constexpr (std::is_same_v<decltype(target), NumberTarget>) {
            (*numbers)[&option] = app->add_option(names);
          } else if (option.value != nullptr) {
            app->add_option(names, arguments->*target);
          } else {
            app->add_flag(names, arguments->*target);
          }
        },
        option.target);
  }
}

Status ReadNumbers(const NumberOptions& numbers, VerbArguments* arguments) {
  for (const auto& [option, given] : numbers) {
    if (given->count() == 0) continue;
    const auto& target = std::get<NumberTarget>(option->target);
    const std::string& text = given->results().front();
    const auto number = ParseUint64(text);
    if (!number || *number < target.min || *number > target.max) {
      return Usage("option " + std::string(option->name) + " is \"" +
                       Printable(text) + "\": allowed is a number from " +
                       std::to_string(target.min) + " to " +
                       std::to_string(target.max),
                   "");
    }
    arguments->*target.member = *number;
  }
  return Status::Ok();
}

std::vector<const CLI::Option*> AddSettings(
    CLI::App* app, std::map<std::string, std::string>* values) {
  std::vector<const CLI::Option*> options;
  for (const SettingInfo& info : AllSettings()) {
    if (info.flag.empty()) continue;
    options.push_back(app->add_option_function<std::string>(
        info.flag,
        [values, name = info.name](const std::string& value) {
          (*values)[name] = value;
        },
        info.help));
  }
  return options;
}

std::string OptionsHelp(const Verb& verb) {
  std::vector<std::pair<std::string, std::string>> rows;
  size_t column = 0;
  for (const VerbOption& option : verb.options) {
    if (option.help == nullptr) continue;
    std::string left = "  " + NamesOf(option, ", ");
    if (option.value != nullptr) left += std::string(" ") + option.value;
    column = std::max(column, left.size() + 2);
    rows.emplace_back(std::move(left), option.help);
  }
  std::string text = rows.empty() ? "" : "\nOptions:\n";
  for (auto& [left, help] : rows) {
    left.resize(column, ' ');
    text += left;
    for (const char c : help) {
      text += c;
      if (c == '\n') text.append(column, ' ');
    }
    text += '\n';
  }
  return text;
}

// The settings of one verb, or of all verbs if `verb` is null.
std::string SettingsHelp(const Verb* verb) {
  std::vector<const SettingInfo*> shown;
  size_t width = 0;
  for (const SettingInfo& info : AllSettings()) {
    if (info.flag.empty() || (verb && !info.IsFor(verb->name))) continue;
    shown.push_back(&info);
    width = std::max(width, info.flag.size());
  }
  std::string text;
  std::string section;
  for (const SettingInfo* info : shown) {
    if (info->section != section) text += "\n" + info->section + ":\n";
    section = info->section;
    text += "  " + info->flag +
            std::string(width - info->flag.size() + 2, ' ') + info->help + "\n";
  }
  return text;
}

}  // namespace

const std::vector<const Verb*>& AllVerbs() {
  static const std::vector<const Verb*> verbs = {
      &kServeVerb,      &kWorkerVerb, &kCreateVerb, &kListVerb,
      &kInspectVerb,    &kVerifyVerb, &kDrillVerb,  &kRestoreVerb,
      &kAcceptLossVerb, &kRotateVerb, &kPinVerb,    &kUnpinVerb,
      &kDeleteVerb,     &kOwnVerb,    &kJobsVerb,   &kJobVerb,
      &kScheduleVerb,   &kConfigVerb, &kHealthVerb};
  return verbs;
}

Result<CommandLine> ParseCommandLine(
    const std::vector<std::string>& arguments) {
  CommandLine line;
  CLI::App app;
  app.set_help_flag("");
  app.require_subcommand(0, 1);
  app.allow_extras(true);  // described below, better than by CLI11
  app.add_flag("-h,--help", line.help);
  app.add_flag("--version", line.version);
  app.add_flag("--json", line.json);
  app.add_flag("-q,--quiet", line.quiet);
  app.add_flag("-v,--verbose", line.verbosity);
  std::string config_file;
  CLI::Option* config = app.add_option("--config", config_file);
  const auto settings = AddSettings(&app, &line.settings);
  NumberOptions numbers;
  std::map<const CLI::App*, const Verb*> verbs;
  for (const Verb* verb : AllVerbs()) {
    CLI::App* sub = app.add_subcommand(verb->name);
    sub->set_help_flag("");
    sub->fallthrough();  // global options may follow the verb
    AddOptions(*verb, &line.arguments, &numbers, sub);
    verbs[sub] = verb;
  }
  std::vector<const CLI::App*> apps = {&app};
  for (const auto& [sub, verb] : verbs) apps.push_back(sub);
  auto split = SplitEmptyValues(arguments);
  LEVELKEEP_RETURN_IF_ERROR(RefuseFlagValues(split, apps));
  try {
    // CLI11 takes the last argument first.
    std::reverse(split.begin(), split.end());
    app.parse(std::move(split));
  } catch (const CLI::ParseError& error) {
    return DescribeParseError(error);
  } catch (const std::exception& error) {
    return Status(StatusCode::kInvalidArgument, error.what());
  }
  const auto named = app.get_subcommands();
  if (!named.empty()) line.verb = verbs[named.front()];
  for (const std::string& extra : app.remaining(true)) {
    if (extra == "--") continue;
    return DescribeExtra(extra, app, named.empty() ? nullptr : named.front());
  }
  if (config->count() > 0) line.config_file = config_file;
  if (!named.empty()) LEVELKEEP_RETURN_IF_ERROR(RefuseOthersSettings(line));
  LEVELKEEP_RETURN_IF_ERROR(CheckValues(settings, /*of_settings=*/true));
  LEVELKEEP_RETURN_IF_ERROR(CheckValues({config}, /*of_settings=*/false));
  if (!named.empty()) {
    const CLI::App& verb = *named.front();
    LEVELKEEP_RETURN_IF_ERROR(CheckValues(verb.get_options(), false));
  }
  LEVELKEEP_RETURN_IF_ERROR(ReadNumbers(numbers, &line.arguments));
  return line;
}

bool AsksForJson(const std::vector<std::string>& arguments) {
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  return std::any_of(arguments.begin(), end, [](const std::string& argument) {
    return argument == "--json" || argument.starts_with("--json=");
  });
}

std::string HelpText(const Verb* verb) {
  if (verb != nullptr) {
    return std::string(verb->help) + OptionsHelp(*verb) +
           "\nOptions of every verb: see levelkeep --help. Settings that this "
           "verb uses,\nas flags:\n" +
           SettingsHelp(verb);
  }
  std::string text =
      "Backups of LevelDB databases: hot, portable, proven restorable.\n"
      "\n"
      "Usage: levelkeep VERB [options]\n"
      "\n"
      "Verbs (levelkeep VERB --help shows the options):\n";
  for (const Verb* known : AllVerbs()) {
    const std::string name = known->name;
    constexpr size_t kWidth = 13;  // of the longest name, and two blanks
    text += "  " + name + std::string(kWidth - name.size(), ' ') +
            known->summary + "\n";
  }
  text +=
      "\n"
      "Options:\n"
      "  --json         one JSON object on standard output, errors too\n"
      "  -q, --quiet    no progress, no warnings\n"
      "  -v, --verbose  log more; -vv: much more\n"
      "  --config FILE  settings as KEY=VALUE lines (default: ./.env)\n"
      "  --version      print the version\n"
      "  -h, --help     print this\n"
      "\n"
      "Settings (flag, else environment, else file, else default; "
      "levelkeep\nconfig shows the values). Each verb takes the flags of the "
      "settings that\nit uses: levelkeep VERB --help shows them.\n" +
      SettingsHelp(nullptr) +
      "\n"
      "Exit codes: 0 ok, 1 failure, 2 usage or configuration, 3 damaged\n"
      "backup or database, 4 busy or locked, 5 not found, 6 no space, 7 not\n"
      "checked, or degraded (health), 130 interrupted.\n";
  return text;
}

}  // namespace levelkeep::cli
