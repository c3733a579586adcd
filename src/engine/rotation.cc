// Which backups go: the rules of the settings, what the next 30 days would
// remove, and the removal itself.

#include <algorithm>
#include <utility>

#include "base/folder_probe.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "base/time_zone.h"
#include "catalog/retention.h"
#include "config/backup_times.h"
#include "engine/engine.h"
#include "restore/context.h"
#include "restore/swap.h"

namespace levelkeep {

namespace {

using std::chrono::milliseconds;

constexpr std::chrono::days kForecast{30};
// A forecast with more backups ends earlier.
constexpr size_t kMostComing = 50'000;
// Of how many backups the pace is taken where no schedule is known.
constexpr size_t kPaceOf = 10;
constexpr milliseconds kShortestPace{60'000};
constexpr milliseconds kUnknownPace{24 * 3'600'000};

std::vector<RotationDecision> ToReport(
    const std::vector<RetentionDecision>& decisions) {
  std::vector<RotationDecision> report;
  report.reserve(decisions.size());
  for (const RetentionDecision& one : decisions) {
    report.push_back({.name = one.name,
                      .reason = one.reason(),
                      .keep = one.keep,
                      .reasons = one.reasons});
  }
  return report;
}

bool IsOwnBackup(const RetentionItem& item) {
  return item.whose == RetentionItem::Whose::kOwn && item.local &&
         !item.foreign && !item.unreadable;
}

// When the own backups were made, the newest one first.
std::vector<Time> LastTimes(const std::vector<RetentionItem>& items) {
  std::vector<Time> times;
  for (const RetentionItem& item : items) {
    if (IsOwnBackup(item)) times.push_back(item.created);
    if (times.size() > kPaceOf) break;
  }
  return times;
}

// Without a schedule of ours a timer may run `levelkeep create`: backups come
// as often as the last ones did.
milliseconds PaceOf(const std::vector<Time>& times) {
  if (times.size() < 2) return kUnknownPace;
  const auto whole =
      std::chrono::duration_cast<milliseconds>(times.front() - times.back());
  return std::max(whole / static_cast<int64_t>(times.size() - 1),
                  kShortestPace);
}

}  // namespace

struct Engine::Judgement {
  std::vector<RetentionItem> items;
  RetentionPolicy policy;
  std::vector<RetentionDecision> decisions;  // of the items
};

Result<RetentionPolicy> Engine::Policy() const {
  const BackupOptions::Retention& rules = options().retention;
  RetentionPolicy policy;
  policy.max_backups = rules.max_backups;
  policy.retention_days = rules.retention_days;
  policy.daily = rules.daily;
  policy.weekly = rules.weekly;
  policy.monthly = rules.monthly;
  policy.yearly = rules.yearly;
  policy.minimum = rules.minimum;
  policy.max_bytes = rules.max_bytes;
  policy.verification_expected = options().verification.after_backup;
  policy.history = std::chrono::days(rules.history_days);
  if (!rules.counts_days()) return policy;
  LEVELKEEP_ASSIGN_OR_RETURN(const TimeZone zone,
                             TimeZone::Load(options().schedule.time_zone));
  policy.utc_offset = [zone](Time time) { return zone.OffsetAt(time); };
  return policy;
}

// The backup from which the present database was restored, while an undo leads
// back to the one before; or empty.
std::string Engine::RestoredBackup() {
  if (!platform_.has_storage) return "";
  const auto undo = LoadUndo({fs_, clock_, NewRestorerOptions()});
  return undo.ok() && !undo->undone ? undo->archive : "";
}

Result<Engine::Judgement> Engine::Decide(std::vector<std::string> protect,
                                         InUse::LeftOvers left_overs) {
  Judgement judgement;
  LEVELKEEP_ASSIGN_OR_RETURN(judgement.policy, Policy());
  LEVELKEEP_ASSIGN_OR_RETURN(const auto listing, catalog_.List());
  LEVELKEEP_ASSIGN_OR_RETURN(const auto read, in_use_.Names(left_overs));
  protect.insert(protect.end(), read.begin(), read.end());
  judgement.items = RetentionItems(*listing, protect, RestoredBackup());
  judgement.decisions =
      DecideRetention(judgement.items, judgement.policy, clock_->Now());
  return judgement;
}

// A cap that floors and pins exceed; empty: there is none.
std::string Engine::DescribeCap(const Judgement& judgement) const {
  const uint64_t beyond =
      BytesBeyondCap(judgement.items, judgement.decisions, judgement.policy);
  if (beyond == 0) return "";
  return "the backups that must stay take " + FormatBytes(beyond) +
         " more than BACKUP_MAX_BYTES=" +
         std::to_string(options().retention.max_bytes) +
         ": unpin or delete some, lower BACKUP_MINIMUM, or allow more";
}

// Counted from the newest backup, or, if it is too old or of the future, from
// now.
std::vector<Time> Engine::ComingBackups(
    const std::vector<RetentionItem>& items) const {
  const Time now = clock_->Now();
  const std::vector<Time> last = LastTimes(items);
  auto known = BackupTimes(options().schedule);
  std::unique_ptr<const Schedule> schedule;
  if (known.ok()) schedule = std::move(*known);
  if (schedule == nullptr) {
    schedule = std::make_unique<IntervalSchedule>(PaceOf(last));
  }
  Time next = schedule->NextAfter(last.empty() ? now : last.front());
  if (next <= now || next > schedule->NextAfter(now)) {
    next = schedule->NextAfter(now);
  }
  std::vector<Time> times;
  for (; next <= now + kForecast && times.size() < kMostComing;
       next = schedule->NextAfter(next)) {
    times.push_back(next);
  }
  return times;
}

void Engine::Forecast(const Judgement& judgement, RotationPlan* plan) const {
  const std::vector<Time> coming = ComingBackups(judgement.items);
  const RetentionForecast forecast = ForecastRetention(
      judgement.items, judgement.policy, clock_->Now(), coming, kForecast);
  plan->forecast_until = forecast.until;
  if (coming.size() == kMostComing) {
    plan->forecast_until = std::min(forecast.until, coming.back());
  }
  for (size_t i = 0; i < forecast.removals.size(); ++i) {
    const auto& removal = forecast.removals[i];
    if (!removal || !judgement.decisions[i].keep) continue;
    plan->forecast.push_back({.name = judgement.items[i].name,
                              .reason = removal->reasons.front(),
                              .at = removal->at});
  }
  std::reverse(plan->forecast.begin(), plan->forecast.end());
  std::ranges::stable_sort(plan->forecast, {}, &RotationForecast::at);
}

Result<RotationPlan> Engine::PlanRotation() {
  LEVELKEEP_ASSIGN_OR_RETURN(const Judgement judgement,
                             Decide({}, InUse::LeftOvers::kLeave));
  RotationPlan plan;
  plan.decisions = ToReport(judgement.decisions);
  const bool removes = std::ranges::any_of(
      plan.decisions, [](const RotationDecision& one) { return !one.keep; });
  if (removes && platform_.tries_folders) {
    LEVELKEEP_RETURN_IF_ERROR(RequireFolder(
        fs_, "BACKUP_DIR", options_.backup_dir, {.keeps_time = true}));
  }
  Forecast(judgement, &plan);
  if (std::string cap = DescribeCap(judgement); !cap.empty()) {
    plan.warnings.push_back(std::move(cap));
  }
  return plan;
}

Result<std::vector<RotationDecision>> Engine::Rotate() {
  LEVELKEEP_RETURN_IF_ERROR(catalog_.RequireDirectory());
  SweepParts();
  LEVELKEEP_ASSIGN_OR_RETURN(auto lock, LockForWriting());
  return RemoveOld({});
}

Status Engine::RemoveDecided(const std::vector<RotationDecision>& decisions) {
  for (auto it = decisions.rbegin(); it != decisions.rend(); ++it) {
    if (it->keep) continue;
    const std::string reasons = Join(it->reasons, "; ");
    LEVELKEEP_RETURN_IF_ERROR(chain_.Remove(it->name, "rotate", reasons)
                                  .WithContext("rotating " + it->name));
    LogInfo(kEngineLogTag, it->name + ": removed (" + reasons + ")");
  }
  return Status::Ok();
}

Result<std::vector<RotationDecision>> Engine::RemoveOld(
    const std::vector<std::string>& protect) {
  const auto judgement = Decide(protect, InUse::LeftOvers::kRemove);
  std::vector<RotationDecision> decisions;
  if (judgement.ok()) decisions = ToReport(judgement->decisions);
  const Status removed =
      judgement.ok() ? RemoveDecided(decisions) : judgement.status();
  const std::string cap = judgement.ok() ? DescribeCap(*judgement) : "";
  if (!cap.empty()) LogWarn(kEngineLogTag, cap);
  MutexLock lock(&rotation_mutex_);
  rotation_problem_ = removed.ok() ? "" : removed.ToString();
  cap_problem_ = cap;
  if (!removed.ok()) return removed;
  return decisions;
}

std::string Engine::RotationProblem() const {
  MutexLock lock(&rotation_mutex_);
  return rotation_problem_;
}

std::string Engine::CapProblem() const {
  MutexLock lock(&rotation_mutex_);
  return cap_problem_;
}

}  // namespace levelkeep
