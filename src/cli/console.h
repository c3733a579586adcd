// What the operator sees: data, talk, errors, questions.

#ifndef LEVELKEEP_CLI_CONSOLE_H_
#define LEVELKEEP_CLI_CONSOLE_H_

#include <string>
#include <string_view>

#include "cli/cli.h"
#include "levelkeep/status.h"

namespace levelkeep::cli {

struct ConsoleOptions {
  bool json = false;
  bool quiet = false;  // no talk but errors
};

// Thread safety: one thread at a time.
class Console {
 public:
  // `world` and its streams outlive this object.
  Console(const World* world, const ConsoleOptions& options);

  bool json() const { return options_.json; }
  // A bar that is drawn over and over makes sense.
  bool can_redraw() const;
  bool talkative() const { return !options_.quiet && !options_.json; }
  const World& world() const { return *world_; }

  // Ok, or why something could not be written to standard output since the
  // last call: it is full, closed, or nobody reads it any more.
  Status TakeOutputFailure();

  // Data for people; nothing with --json.
  void Print(std::string_view text);
  // The one object of --json (a line).
  void PrintJson(std::string_view json_text);
  // Talk, on standard error; a line.
  void Say(std::string_view line);
  void Warn(std::string_view line);
  // "error: …" and "hint: …"; not silenced by --quiet.
  void PrintError(const Status& status);

  // Can a person be asked?
  bool CanAsk() const;
  // "question [y/N] ": true for y and yes. REQUIRES: CanAsk().
  bool Ask(std::string_view question);
  // Says what is about to happen and asks whether it may: kRefused if not,
  // `cannot_ask` where nobody can be asked.
  Status Confirm(std::string_view what, const Status& cannot_ask);

  // For text on standard output; unchanged where colours are not wanted.
  std::string Green(std::string_view text) const;
  std::string Red(std::string_view text) const;
  std::string Yellow(std::string_view text) const;

 private:
  void Write(std::string_view text);
  std::string Paint(std::string_view text, const char* code,
                    bool is_terminal) const;

  const World* const world_;
  const ConsoleOptions options_;
  const bool colours_wanted_;
  Status output_failure_;
};

}  // namespace levelkeep::cli

#endif  // LEVELKEEP_CLI_CONSOLE_H_
