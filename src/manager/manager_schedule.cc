// The schedules of an attached database.

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/log.h"
#include "jobs/schedule_memory.h"
#include "manager/backup_manager_impl.h"
#include "manager/schedules.h"

namespace levelkeep {

namespace {

// The longest time between two of the next runs: a year of daily ones.
std::chrono::milliseconds LongestGap(const Schedule& schedule, Time now) {
  constexpr int kRuns = 366;
  std::chrono::milliseconds longest{0};
  Time run = schedule.NextAfter(now);
  for (int i = 0; i < kRuns && run < kLatestTime; ++i) {
    const Time next = schedule.NextAfter(run);
    if (next >= kLatestTime) break;
    longest = std::max(
        longest,
        std::chrono::duration_cast<std::chrono::milliseconds>(next - run));
    run = next;
  }
  return longest;
}

}  // namespace

// 1. which schedules are there?   2. plan the first run of each
void BackupManager::Impl::StartSchedule() {
  MutexLock lock(&schedule_mutex_);
  PlanJobs([](const PlannedJob&) { return true; });
}

// A schedule that did not change keeps the time that it has planned.
void BackupManager::Impl::Reload(BackupOptions options) {
  const BackupOptions::Schedule before = engine_.options().schedule;
  engine_.Reload(std::move(options));
  MutexLock lock(&schedule_mutex_);
  if (!IsOpen()) return;
  const auto old = PlannedJobs(before, DatabaseId());
  PlanJobs([&](const PlannedJob& job) {
    return !old.ok() ||
           std::none_of(old->begin(), old->end(), [&](const auto& other) {
             return other.name == job.name && other.plan == job.plan;
           });
  });
}

void BackupManager::Impl::PlanJobs(
    const std::function<bool(const PlannedJob&)>& wanted) {
  const std::string id = DatabaseId();
  const auto jobs = PlannedJobs(engine_.options().schedule, id);
  if (!jobs.ok()) {  // Validate has refused wrong ones; a zone can vanish
    LogError(kEngineLogTag, "no scheduled jobs: " + jobs.status().ToString());
    return;
  }
  const auto memory = std::make_shared<ScheduleMemory>(
      fs_, JoinPath(ParentPath(engine_.JobsFolder(id)), "schedules"));
  for (const PlannedJob& job : *jobs) {
    if (wanted(job)) PlanJob(job, memory);
  }
}

// 1. what has the last process, or the last plan, done?   2. the first run
void BackupManager::Impl::PlanJob(
    const PlannedJob& job, const std::shared_ptr<ScheduleMemory>& memory) {
  {
    MutexLock lock(&mutex_);
    if (job.request.type == JobType::kCreate) backup_schedule_ = job.schedule;
  }
  jobs_.RemoveSchedules(job.request.type);
  const Time now = clock_->Now();
  const auto known = memory->Resume(job.name, job.plan, now);
  if (job.request.type == JobType::kDrill) {
    MutexLock lock(&mutex_);
    drill_schedule_ = job.schedule;
    drill_schedule_since_ = known.since;
  }
  if (job.schedule == nullptr) return;
  const Time first = job.is_interval && known.past != ScheduleMemory::Past::kOff
                         ? now + job.schedule->DelayAtStart(
                                     NewestBackup(), LastSequence() > 0, now)
                         : job.schedule->NextAfter(known.from);
  jobs_.SetSchedule(
      job.request, job.schedule, first,
      [memory, name = job.name](Time due) { memory->Note(name, due); });
}

std::string BackupManager::Impl::DatabaseId() const {
  MutexLock lock(&mutex_);
  return database_id_;
}

std::optional<Time> BackupManager::Impl::NewestBackup() {
  const auto listing = engine_.ListRecentEntries();
  return listing.ok() ? LastSuccess(**listing) : std::nullopt;
}

// Without a schedule, nobody knows when to expect a backup. One that comes an
// hour after two runs is missing.
void BackupManager::Impl::WatchForAbsence() {
  const std::chrono::hours set(options_.notify.absence_hours);
  std::shared_ptr<const Schedule> schedule;
  {
    MutexLock lock(&mutex_);
    schedule = backup_schedule_;
  }
  if (set.count() == 0 && schedule == nullptr) return;
  const std::chrono::milliseconds gap =
      set.count() > 0
          ? std::chrono::milliseconds(set)
          : 2 * LongestGap(*schedule, clock_->Now()) + std::chrono::hours(1);
  notifier_.Watch(gap, NewestBackup());
}

// A rotation depends on a backup: without a new one, nothing is superfluous
// that was not so before, and the last good backups are worth more than usual.
bool BackupManager::Impl::NeedsRotate() {
  const auto jobs = jobs_.List({.limit = 1, .type = JobType::kCreate});
  const bool failed = jobs.ok() && !jobs->empty() &&
                      (jobs->front().status == JobStatus::kFailed ||
                       jobs->front().code != StatusCode::kOk);
  if (failed) {
    LogWarn(kEngineLogTag,
            "scheduled rotation: skipped, because the last backup failed: " +
                jobs->front().message);
  }
  return !failed;
}

}  // namespace levelkeep
