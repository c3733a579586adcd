#include "cli/supervision.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "cli/progress_meter.h"

namespace levelkeep::cli {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr char kSupervisionTag[] = "Supervisor";
// A longer answer is none, however long the watchdog's interval is.
constexpr milliseconds kLongestPatience{10'000};
constexpr milliseconds kShortestInterval{100};

std::string StatusLine(const std::string& what) {
  return "STATUS=" + Printable(what, 300);
}

std::string Percent(double fraction) {
  return std::to_string(static_cast<int>(fraction * 100)) + " %";
}

}  // namespace

Supervision::Supervision(const Supervisor* supervisor, milliseconds step)
    : supervisor_(supervisor == nullptr ? Supervisor() : *supervisor),
      step_(step) {}

Supervision::~Supervision() = default;

// A message that does not arrive is no reason to stop.
void Supervision::Tell(const std::string& message) {
  const Status told = supervisor_.Tell(message);
  MutexLock lock(&mutex_);
  if (!told.ok() && !warned_) {
    LogWarn(kSupervisionTag,
            "the supervisor does not hear of this service: " + told.ToString());
  }
  warned_ = !told.ok();
}

bool Supervision::Sleep(milliseconds duration, const std::stop_token& stop) {
  MutexLock lock(&mutex_);
  never_.wait_until(mutex_, stop, std::chrono::steady_clock::now() + duration,
                    [] { return false; });
  return !stop.stop_requested();
}

void Supervision::Starting() {
  if (!supervisor_.listens()) return;
  Describe("starting");
  start_ =
      std::jthread([this](const std::stop_token& stop) { ExtendStart(stop); });
}

void Supervision::ExtendStart(const std::stop_token& stop) {
  ProgressMeter meter;
  const std::string extend =
      "EXTEND_TIMEOUT_USEC=" +
      std::to_string(microseconds(kStartPatience).count());
  while (Sleep(step_, stop)) {
    if (meter.Advanced()) Tell(extend);
  }
}

void Supervision::Describe(const std::string& what) {
  if (!supervisor_.listens()) return;
  {
    MutexLock lock(&mutex_);
    if (std::exchange(told_, what) == what) return;
  }
  Tell(StatusLine(what));
}

void Supervision::DescribeProgress(const std::string& what, double fraction) {
  Describe(what + " " + Percent(fraction));
}

void Supervision::DescribeJob(const Job& job) {
  if (!supervisor_.listens()) return;
  std::string what;
  if (job.status == JobStatus::kInProgress) {
    what = "running: " + std::string(JobTypeName(job.request.type));
    if (!job.request.backup.empty()) what += " " + job.request.backup;
    DescribeProgress(what, job.progress);
    return;
  }
  {
    MutexLock lock(&mutex_);
    what = idle_;
  }
  if (!what.empty()) Describe(what);
}

void Supervision::Ready(const std::string& what, SelfCheck check) {
  if (!supervisor_.listens()) return;
  start_ = std::jthread();
  {
    MutexLock lock(&mutex_);
    idle_ = what;
    told_ = what;
  }
  Tell("READY=1\n" + StatusLine(what));
  if (!supervisor_.watchdog()) return;
  watchdog_ =
      std::jthread([this, check = std::move(check)](
                       const std::stop_token& stop) { Watch(stop, check); });
}

void Supervision::Watch(const std::stop_token& stop, const SelfCheck& check) {
  const milliseconds third =
      std::max(
          std::chrono::duration_cast<milliseconds>(*supervisor_.watchdog()),
          kShortestInterval) /
      3;
  bool warned = false;
  do {
    const Status works = check(std::min(third / 2, kLongestPatience), stop);
    if (stop.stop_requested()) return;
    if (works.ok()) {
      Tell("WATCHDOG=1");
    } else if (!warned) {
      LogError(kSupervisionTag,
               "the watchdog's check failed; the supervisor restarts this "
               "service unless it recovers: " +
                   works.ToString());
    }
    warned = !works.ok();
  } while (Sleep(third, stop));
}

void Supervision::Reloading() {
  if (!supervisor_.listens()) return;
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  Tell("RELOADING=1\nMONOTONIC_USEC=" +
       std::to_string(std::chrono::duration_cast<microseconds>(now).count()));
}

void Supervision::Reloaded() {
  if (supervisor_.listens()) Tell("READY=1");
}

void Supervision::Stopping() {
  if (!supervisor_.listens()) return;
  start_ = std::jthread();
  watchdog_ = std::jthread();
  Tell("STOPPING=1\n" + StatusLine("stopping"));
}

}  // namespace levelkeep::cli
