// Drills: on request, and by their schedule.

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/drill_fields.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "base/work.h"
#include "jobs/job.h"
#include "manager/backup_manager_impl.h"

namespace levelkeep {

namespace {

// The pause after another process verified or drilled backups of the same
// database.
constexpr std::chrono::milliseconds kDrillBusyDelay{1'000};
// A drill that a stop of the process ended begins again in the next process.
constexpr std::chrono::milliseconds kDrillStopDelay{60'000};
// A run may take so much longer than the last one.
constexpr std::chrono::minutes kDrillGrace{10};

// It was there when the job was submitted.
Status DeletedMeanwhile(const std::string& backup) {
  return Status(StatusCode::kCancelled, backup + " was deleted meanwhile");
}

// Whether two runs came due since a drill, and a third one would have ended.
// Drills that other processes or jobs hold up are postponed in silence.
bool MissesRuns(const Schedule& schedule, const DrillReport& last, Time now) {
  const auto length = std::chrono::ceil<std::chrono::milliseconds>(
      std::chrono::duration<double>(last.seconds));
  const Time second = schedule.NextAfter(schedule.NextAfter(last.at + length));
  return second < kLatestTime && now > second + length + kDrillGrace;
}

}  // namespace

Result<DrillReport> BackupManager::Impl::DrillBackup(const std::string& name,
                                                     std::stop_token stop,
                                                     const Progress& progress) {
  LEVELKEEP_ASSIGN_OR_RETURN(
      const JobRequest job,
      Complete({.type = JobType::kDrill, .backup = name}));
  return jobs_.RunFor<DrillReport>(
      job, {.stop = std::move(stop), .progress = HostProgress(progress)});
}

JobOutcome BackupManager::Impl::Drill(const JobRun& run) {
  const auto backup = engine_.Find(run.request.backup);
  if (backup.status().code() == StatusCode::kNotFound) {
    return {DeletedMeanwhile(run.request.backup)};
  }
  if (!backup.ok()) return {backup.status()};
  const auto report = engine_.Drill(*backup, run.work);
  JobOutcome outcome{report.status()};
  if (report.ok()) {
    outcome.message = backup->name + " was restored on trial and is sound";
    outcome.result = DrillFields(*report);
    outcome.value = *report;
    return outcome;
  }
  outcome.result = {{"backup", backup->name}};
  const bool scheduled = run.request.if_needed;  // nobody waits for the report
  switch (report.status().code()) {
    case StatusCode::kBusy:
      outcome.again = kDrillBusyDelay;
      outcome.postponed = true;
      break;
    case StatusCode::kCancelled:
      if (run.is_timed_out()) {
        NoteUnfinishedDrill(*backup, "made no progress and was stopped");
      } else if (scheduled && !run.is_displaced()) {
        outcome.again = kDrillStopDelay;
        outcome.postponed = true;
      }
      break;
    case StatusCode::kNotFound:
      outcome.status = DeletedMeanwhile(backup->name);
      break;
    default:
      LogError(kEngineLogTag, "drill failed: " + report.status().ToString());
  }
  return outcome;
}

// Without a backup there is nothing to restore, and health says that there is
// none.
bool BackupManager::Impl::NeedsDrill(const JobRequest& request) {
  const bool found =
      engine_.Find(request.backup).status().code() != StatusCode::kNotFound;
  if (!found) LogInfo(kEngineLogTag, "scheduled drill: skipped, no backup");
  return found;
}

void BackupManager::Impl::NoteUnfinishedDrill(const FoundBackup& backup,
                                              const std::string& why) {
  DrillReport report;
  report.name = backup.name;
  report.at = clock_->Now();
  report.ok = false;
  report.problem = "not checked: the drill " + why;
  engine_.RecordDrill(backup, report);
}

// Without a backup there is nothing to drill, and that is told already.
void BackupManager::Impl::DescribeNoDrill(const Schedule* schedule, Time since,
                                          HealthReport* health) const {
  DrillReport begin;
  begin.at = since;
  if (schedule == nullptr || !health->latest ||
      !MissesRuns(*schedule, begin, clock_->Now())) {
    return;
  }
  health->reasons.push_back(
      {HealthCode::kDrillMissing,
       "no drill has ended since DRILL_SCHEDULE was set, " + FormatTime(since) +
           ": two runs are missing"});
}

// A restore, which obeys no rate limit, takes as long for each byte as in the
// last drill that succeeded.
void BackupManager::Impl::DescribeDrills(HealthReport* health) const {
  std::shared_ptr<DrillRecords> records;
  std::shared_ptr<const Schedule> schedule;
  Time since;
  {
    MutexLock lock(&mutex_);
    records = drills_;
    schedule = drill_schedule_;
    since = drill_schedule_since_;
  }
  if (records == nullptr) return;
  const auto drills = records->Load();
  if (!drills.ok()) {
    health->reasons.push_back(
        {HealthCode::kDrillFailed,
         "the record of drills can't be read: " + drills.status().message()});
    return;
  }
  if (drills->empty()) {
    DescribeNoDrill(schedule.get(), since, health);
    return;
  }
  const DrillReport& last = drills->front();
  health->last_drill = last;
  if (!last.ok) {
    health->reasons.push_back({HealthCode::kDrillFailed,
                               "the last drill, of " + Printable(last.name) +
                                   ", did not succeed: " + last.problem});
  } else if (schedule != nullptr &&
             MissesRuns(*schedule, last, clock_->Now())) {
    health->reasons.push_back({HealthCode::kDrillMissing,
                               "no drill has succeeded since " +
                                   FormatTime(last.at) +
                                   ": two runs of DRILL_SCHEDULE are missing"});
  }
  const auto good = std::ranges::find_if(*drills, [](const DrillReport& drill) {
    return drill.ok && !drill.limited && drill.bytes > 0 && drill.seconds > 0;
  });
  if (good == drills->end() || !health->latest) return;
  health->predicted_restore_seconds =
      static_cast<double>(health->latest->source_bytes) * good->seconds /
      static_cast<double>(good->bytes);
}

}  // namespace levelkeep
