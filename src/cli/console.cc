#include "cli/console.h"

#include <cerrno>
#include <istream>
#include <ostream>
#include <system_error>
#include <utility>

namespace levelkeep::cli {
namespace {

constexpr char kRed[] = "31";
constexpr char kGreen[] = "32";
constexpr char kYellow[] = "33";

// https://no-color.org: set and not empty, whatever the value.
bool ColoursWanted(const std::map<std::string, std::string>& environment) {
  const auto no_color = environment.find("NO_COLOR");
  if (no_color != environment.end() && !no_color->second.empty()) return false;
  const auto term = environment.find("TERM");
  return term != environment.end() && term->second != "dumb";
}

}  // namespace

Console::Console(const World* world, const ConsoleOptions& options)
    : world_(world),
      options_(options),
      colours_wanted_(ColoursWanted(world->environment)) {}

bool Console::can_redraw() const {
  const auto term = world_->environment.find("TERM");
  return world_->err_is_terminal && term != world_->environment.end() &&
         term->second != "dumb";
}

// A stream that has failed takes nothing more: the first failure counts.
void Console::Write(std::string_view text) {
  errno = 0;
  *world_->out << text << std::flush;
  if (!world_->out->fail() || !output_failure_.ok()) return;
  const std::string why =
      errno == 0 ? "it is closed" : std::generic_category().message(errno);
  output_failure_ =
      Status(StatusCode::kIoError, "standard output can't be written: " + why);
}

Status Console::TakeOutputFailure() {
  return std::exchange(output_failure_, Status::Ok());
}

void Console::Print(std::string_view text) {
  if (!options_.json) Write(text);
}

void Console::PrintJson(std::string_view json_text) {
  Write(std::string(json_text) + '\n');
}

void Console::Say(std::string_view line) {
  if (talkative()) *world_->err << line << '\n' << std::flush;
}

void Console::Warn(std::string_view line) {
  if (options_.quiet) return;
  *world_->err << Paint("warning:", kYellow, world_->err_is_terminal) << ' '
               << line << '\n'
               << std::flush;
}

void Console::PrintError(const Status& status) {
  *world_->err << Paint("error:", kRed, world_->err_is_terminal) << ' '
               << status.message() << '\n';
  if (!status.hint().empty()) {
    *world_->err << "hint: " << status.hint() << '\n';
  }
  *world_->err << std::flush;
}

bool Console::CanAsk() const {
  return world_->in_is_terminal && world_->err_is_terminal && !options_.json;
}

bool Console::Ask(std::string_view question) {
  *world_->err << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(*world_->in, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

Status Console::Confirm(std::string_view what, const Status& cannot_ask) {
  if (!CanAsk()) return cannot_ask;
  // Also with --quiet: a question without what it is about is none.
  *world_->err << what << '\n';
  if (Ask("Go on?")) return Status::Ok();
  return Status(StatusCode::kRefused, "not confirmed, nothing was changed");
}

std::string Console::Green(std::string_view text) const {
  return Paint(text, kGreen, world_->out_is_terminal);
}

std::string Console::Red(std::string_view text) const {
  return Paint(text, kRed, world_->out_is_terminal);
}

std::string Console::Yellow(std::string_view text) const {
  return Paint(text, kYellow, world_->out_is_terminal);
}

std::string Console::Paint(std::string_view text, const char* code,
                           bool is_terminal) const {
  if (!is_terminal || !colours_wanted_) return std::string(text);
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

}  // namespace levelkeep::cli
