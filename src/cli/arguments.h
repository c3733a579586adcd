// The parsed command line, and the list of verbs.

#ifndef LEVELKEEP_CLI_ARGUMENTS_H_
#define LEVELKEEP_CLI_ARGUMENTS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "levelkeep/status.h"

namespace levelkeep::cli {

struct Session;

// The values that the options of all verbs can set.
struct VerbArguments {
  std::string source;  // a backup's name, the beginning of a name, or a path
  std::string action;  // of job
  std::string label;
  std::string target_dir;
  std::string depth;  // of verify; empty: not given
  std::string url;
  std::string user;
  uint64_t timeout_ms = 5000;
  uint64_t limit = 0;  // 0: all
  bool all = false;
  bool cancel = false;
  bool chain = false;
  bool check = false;
  bool dry_run = false;
  bool force = false;
  bool forget_undo = false;
  bool list = false;
  bool no_wait = false;
  bool live = false;
  bool once = false;
  bool other_database = false;
  bool undo = false;
  bool undo_all = false;
  bool yes = false;
};

// A number on the command line: decimal digits, within limits.
struct NumberTarget {
  uint64_t VerbArguments::*member;
  uint64_t min;
  uint64_t max;
};

// One option of a verb. `levelkeep VERB --help` lists the options that have a
// help text.
struct VerbOption {
  const char* name;   // "--label"; without dashes: a positional argument
  const char* value;  // the value's name in the help; null for a flag
  const char* help;   // one or several lines; may be null
  std::variant<std::string VerbArguments::*, NumberTarget,
               bool VerbArguments::*>
      target;
  const char* short_name = nullptr;  // "-y"
};

// One verb; each is defined in the file of its name (unpin beside pin).
struct Verb {
  const char* name;
  const char* summary;  // a line for the list of verbs
  const char* help;     // `levelkeep VERB --help` prints it above the options
  Status (*run)(Session* session);
  std::span<const VerbOption> options = {};
  // Logs like a service (LOG_LEVEL), not only warnings.
  bool is_service = false;
  // First prints the paths of the database and the backups.
  bool names_place = true;
  // Reads ./.env. False for a verb that works with root's rights in a service's
  // folder.
  bool reads_env_file = true;
};

extern const Verb kServeVerb;
extern const Verb kWorkerVerb;
extern const Verb kCreateVerb;
extern const Verb kListVerb;
extern const Verb kInspectVerb;
extern const Verb kVerifyVerb;
extern const Verb kDrillVerb;
extern const Verb kRestoreVerb;
extern const Verb kAcceptLossVerb;
extern const Verb kRotateVerb;
extern const Verb kPinVerb;
extern const Verb kUnpinVerb;
extern const Verb kDeleteVerb;
extern const Verb kOwnVerb;
extern const Verb kJobsVerb;
extern const Verb kJobVerb;
extern const Verb kScheduleVerb;
extern const Verb kConfigVerb;
extern const Verb kHealthVerb;

// All verbs, in the order of --help.
const std::vector<const Verb*>& AllVerbs();

struct CommandLine {
  const Verb* verb = nullptr;  // null: no verb was given
  VerbArguments arguments;
  bool help = false;
  bool version = false;
  bool json = false;
  bool quiet = false;
  int verbosity = 0;
  std::optional<std::string> config_file;
  std::map<std::string, std::string> settings;  // keyed by variable
};

// kInvalidArgument says what is wrong, with "did you mean" if a similar name
// exists. An empty value, as an unset shell variable gives it, is an error
// everywhere, except for settings that allow it.
Result<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments);

// True if --json is among the arguments, valid or not. For errors of the parser
// itself.
bool AsksForJson(const std::vector<std::string>& arguments);

// The text of `levelkeep --help` or `levelkeep VERB --help`.
std::string HelpText(const Verb* verb);

}  // namespace levelkeep::cli

#endif  // LEVELKEEP_CLI_ARGUMENTS_H_
