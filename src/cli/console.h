// What the operator sees: data, talk, tables, progress, errors, questions, and
// what the program returns (stable, see docs/cli.md).

#ifndef LEVELKEEP_CLI_CONSOLE_H_
#define LEVELKEEP_CLI_CONSOLE_H_

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
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

enum class Align { kLeft, kRight };

struct Cell {
  std::string text;
  // What is written instead (the text with colours); same width on screen.
  std::string painted;
};

// Pads to the widest cell of each column; no blanks at line ends.
class Table {
 public:
  Table(std::vector<std::string> headings, std::vector<Align> alignment);
  // REQUIRES: as many cells as headings.
  void AddRow(std::vector<Cell> cells);
  std::string ToString() const;

 private:
  const std::vector<Align> alignment_;
  std::vector<std::vector<Cell>> rows_;
};

// Columns that UTF-8 text takes, one for each code point.
size_t DisplayWidth(const std::string& text);
// "3 h", "2 days": how long before `now`; "in the future" otherwise.
std::string FormatAge(Time time, Time now);
// "2024-12-27 12:00:00" (UTC).
std::string FormatTimeForPeople(Time time);

// On a terminal the bar is drawn at most ten times a second and wiped at the
// end. Elsewhere there is a line each 10 %, but not more than one a second,
// so that a short job is silent.
// Thread safety: Update from any thread.
class Progress {
 public:
  // `console` outlives it. `label` is what is done: "verifying NAME".
  Progress(Console* console, std::string label);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `fraction` from 0 to 1.
  void Update(double fraction) EXCLUDES_LOCK(mutex_);
  // Update as a function; lives no longer than this object.
  std::function<void(double)> callback();

 private:
  void DrawBar(int percent);

  Console* const console_;
  const std::string label_;
  const bool bar_;
  Mutex mutex_;
  std::chrono::steady_clock::time_point last_shown_ GUARDED_BY(mutex_);
  int shown_percent_ GUARDED_BY(mutex_) = -1;
  bool drawn_ GUARDED_BY(mutex_) = false;
};

enum ExitCode : int {
  kExitOk = 0,
  kExitFailure = 1,
  kExitUsage = 2,  // wrong arguments or configuration
  kExitDamaged = 3,
  kExitBusy = 4,
  kExitNotFound = 5,
  kExitNoSpace = 6,
  kExitNotChecked = 7,  // a check could not be done
  kExitDegraded = 7,    // `health`: it works, and something needs a person
  kExitInterrupted = 130,
};

ExitCode ExitCodeFor(StatusCode code);

}  // namespace levelkeep::cli

#endif  // LEVELKEEP_CLI_CONSOLE_H_
