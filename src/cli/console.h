// Output to the operator: data, messages, tables, progress, errors, questions,
// and the exit codes (stable, see docs/cli.md).

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
  bool quiet = false;  // print no messages except errors
};

// Thread safety: one thread at a time.
class Console {
 public:
  // `world` and its streams must outlive this object.
  Console(const World* world, const ConsoleOptions& options);

  bool json() const { return options_.json; }
  // True if a progress bar can be redrawn in place.
  bool can_redraw() const;
  bool talkative() const { return !options_.quiet && !options_.json; }
  const World& world() const { return *world_; }

  // Ok, or why a write to standard output failed since the last call: the disk
  // is full, the stream is closed, or its reader has gone.
  Status TakeOutputFailure();

  // Prints data for people; prints nothing with --json.
  void Print(std::string_view text);
  // Prints the one object of --json as a line.
  void PrintJson(std::string_view json_text);
  // Prints a message line on standard error.
  void Say(std::string_view line);
  void Warn(std::string_view line);
  // Prints "error: …" and "hint: …", even with --quiet.
  void PrintError(const Status& status);

  // Prints what will happen and asks for confirmation ("Continue? [y/N]"):
  // kRefused if the answer is not y or yes, `cannot_ask` if nobody can answer.
  Status Confirm(std::string_view what, const Status& cannot_ask);

  // The text in green for standard output; unchanged if colours are off.
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
  // The text with colours, which is printed instead; same width on screen.
  std::string painted = {};
};

// Pads each column to its widest cell; leaves no blanks at line ends.
class Table {
 public:
  Table(std::vector<std::string> headings, std::vector<Align> alignment);
  // REQUIRES: `cells` has as many cells as there are headings.
  void AddRow(std::vector<Cell> cells);
  std::string ToString() const;

 private:
  const std::vector<Align> alignment_;
  std::vector<std::vector<Cell>> rows_;
};

// How long `time` is before `now`: "3 h", "2 days"; else "in the future".
std::string FormatAge(Time time, Time now);
// "2024-12-27 12:00:00" (UTC).
std::string FormatTimeForPeople(Time time);

// On a terminal the bar is drawn at most ten times a second and erased at the
// end. Otherwise a line is printed every 10 %, but at most one per second, so
// that a short job prints nothing.
// Thread safety: Update from any thread.
class Progress {
 public:
  // `console` must outlive this object. `label` names the work: "verifying
  // NAME".
  Progress(Console* console, std::string label);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `fraction` from 0 to 1.
  void Update(double fraction) EXCLUDES_LOCK(mutex_);
  // Update as a function, which must not outlive this object.
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
  kExitUsage = 2,  // wrong arguments or wrong settings
  kExitDamaged = 3,
  kExitBusy = 4,
  kExitNotFound = 5,
  kExitNoSpace = 6,
  kExitNotChecked = 7,  // a check was impossible
  kExitDegraded = 7,    // `health`: usable, but a person must act
  kExitInterrupted = 130,
};

ExitCode ExitCodeFor(StatusCode code);

}  // namespace levelkeep::cli

#endif  // LEVELKEEP_CLI_CONSOLE_H_
