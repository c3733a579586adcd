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

// 1. which schedules are there?   2. what has the last process done?   3. plan
// the first run of each
void BackupManager::Impl::StartSchedule(const std::string& database_id) {
  const auto jobs = PlannedJobs(options_.schedule, database_id);
  if (!jobs.ok()) {  // Validate has refused wrong ones; a zone can vanish
    LogError(kEngineLogTag, "no scheduled jobs: " + jobs.status().ToString());
    return;
  }
  const auto memory = std::make_shared<ScheduleMemory>(
      fs_, JoinPath(ParentPath(engine_.JobsFolder(database_id)), "schedules"));
  for (const PlannedJob& job : *jobs) {
    const Time now = clock_->Now();
    const auto known = memory->Resume(job.name, job.plan, now);
    if (job.request.type == JobType::kCreate) {
      MutexLock lock(&mutex_);
      backup_schedule_ = job.schedule;
    }
    if (job.schedule == nullptr) continue;
    const Time first =
        job.is_interval && known.past != ScheduleMemory::Past::kOff
            ? now + job.schedule->DelayAtStart(NewestBackup(), LastSequence() > 0,
                                               now)
            : job.schedule->NextAfter(known.from);
    jobs_.SetSchedule(
        job.request, job.schedule, first,
        [memory, name = job.name](Time due) { memory->Note(name, due); });
  }
}

std::optional<Time> BackupManager::Impl::NewestBackup() {
  const auto listing = engine_.ListRecentEntries();
  if (!listing.ok() || (*listing)->newest_good() == nullptr) {
    return std::nullopt;
  }
  return (*listing)->newest_good()->created();
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
