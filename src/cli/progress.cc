#include "cli/progress.h"

#include <algorithm>
#include <ostream>
#include <utility>

namespace levelkeep::cli {
namespace {

constexpr int kBarWidth = 30;
constexpr int kLineStep = 10;  // per cent
constexpr std::chrono::milliseconds kBarInterval{100};
constexpr std::chrono::milliseconds kLineInterval{1000};
constexpr char kWipeLine[] = "\r\x1b[K";

}  // namespace

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
    // 100 % is said by the line that tells the result.
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

}  // namespace levelkeep::cli
