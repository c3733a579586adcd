#include "cli/console.h"

#include <algorithm>
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

std::string Variable(const World& world, const std::string& name) {
  const auto found = world.environment.find(name);
  return found == world.environment.end() ? "" : found->second;
}

// True if the terminal understands colours and movements.
bool IsCapable(const World& world) {
  return world.environment.contains("TERM") &&
         Variable(world, "TERM") != "dumb";
}

// The columns of a UTF-8 text on screen, one for each code point.
size_t DisplayWidth(const std::string& text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

constexpr int kBarWidth = 30;
constexpr int kLineStep = 10;  // per cent
constexpr std::chrono::milliseconds kBarInterval{100};
constexpr std::chrono::milliseconds kLineInterval{1000};
constexpr char kWipeLine[] = "\r\x1b[K";

}  // namespace

Console::Console(const World* world, const ConsoleOptions& options)
    : world_(world),
      options_(options),
      // https://no-color.org: no colours if the variable is not empty.
      colours_wanted_(IsCapable(*world) &&
                      Variable(*world, "NO_COLOR").empty()) {}

bool Console::can_redraw() const {
  return world_->err_is_terminal && IsCapable(*world_);
}

// After a failed write nothing more is written: the first failure is reported.
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

Status Console::Confirm(std::string_view what, const Status& cannot_ask) {
  if (!world_->in_is_terminal || !world_->err_is_terminal || options_.json) {
    return cannot_ask;
  }
  // Printed even with --quiet, because the question needs its subject.
  *world_->err << what << "\nContinue? [y/N] " << std::flush;
  std::string answer;
  std::getline(*world_->in, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return Status::Ok();
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

Table::Table(std::vector<std::string> headings, std::vector<Align> alignment)
    : alignment_(std::move(alignment)) {
  auto& row = rows_.emplace_back();
  for (std::string& heading : headings) row.push_back({std::move(heading)});
}

void Table::AddRow(std::vector<Cell> cells) {
  rows_.push_back(std::move(cells));
}

std::string Table::ToString() const {
  std::vector<size_t> widths(alignment_.size(), 0);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(row[i].text));
    }
  }
  std::string result;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const Cell& cell = row[i];
      const std::string blanks(widths[i] - DisplayWidth(cell.text), ' ');
      const std::string& shown =
          cell.painted.empty() ? cell.text : cell.painted;
      if (i > 0) line += "  ";
      line += alignment_[i] == Align::kRight ? blanks + shown : shown + blanks;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    result += line + "\n";
  }
  return result;
}

std::string FormatAge(Time time, Time now) {
  using std::chrono::duration_cast;
  if (time > now) return "in the future";
  const auto seconds = duration_cast<std::chrono::seconds>(now - time).count();
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 120 * 60) return std::to_string(seconds / 60) + " min";
  if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / 86400) + " days";
}

std::string FormatTimeForPeople(Time time) {
  std::string text = FormatTime(time).substr(0, 19);  // without ".000Z"
  text[10] = ' ';
  return text;
}

Progress::Progress(Console* console, std::string label)
    : console_(console),
      label_(std::move(label)),
      bar_(console->can_redraw()),
      last_shown_(console->world().clock->SteadyNow()) {}

Progress::~Progress() {
  if (drawn_) *console_->world().err << kWipeLine << std::flush;
}

std::function<void(double)> Progress::callback() {
  return [this](double fraction) { Update(fraction); };
}

void Progress::Update(double fraction) {
  if (!console_->talkative()) return;
  const int percent = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * 100.0);
  MutexLock lock(&mutex_);
  const auto now = console_->world().clock->SteadyNow();
  const bool due = now - last_shown_ >= (bar_ ? kBarInterval : kLineInterval);
  if (bar_) {
    if (!due || percent == shown_percent_) return;
    DrawBar(percent);
    drawn_ = true;
    shown_percent_ = percent;
  } else {
    const int step = percent / kLineStep * kLineStep;
    // The line with the result replaces a line for 100 %.
    if (!due || step <= shown_percent_ || step == 0 || step == 100) return;
    console_->Say(label_ + ": " + std::to_string(step) + " %");
    shown_percent_ = step;
  }
  last_shown_ = now;
}

void Progress::DrawBar(int percent) {
  const int filled = percent * kBarWidth / 100;
  std::string bar(static_cast<size_t>(filled), '#');
  bar.append(static_cast<size_t>(kBarWidth - filled), '.');
  *console_->world().err << kWipeLine << label_ << " [" << bar << "] "
                         << percent << " %" << std::flush;
}

ExitCode ExitCodeFor(StatusCode code) {
  constexpr std::pair<StatusCode, ExitCode> kCodes[] = {
      {StatusCode::kOk, kExitOk},
      {StatusCode::kInvalidArgument, kExitUsage},
      {StatusCode::kCorruption, kExitDamaged},
      {StatusCode::kBusy, kExitBusy},
      {StatusCode::kNotFound, kExitNotFound},
      {StatusCode::kNoSpace, kExitNoSpace},
      {StatusCode::kCancelled, kExitInterrupted},
      {StatusCode::kNotChecked, kExitNotChecked},
      {StatusCode::kDegraded, kExitDegraded}};
  for (const auto& [known, exit_code] : kCodes) {
    if (known == code) return exit_code;
  }
  return kExitFailure;
}

}  // namespace levelkeep::cli
