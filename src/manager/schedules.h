// The schedules that the options describe.

#ifndef LEVELKEEP_MANAGER_SCHEDULES_H_
#define LEVELKEEP_MANAGER_SCHEDULES_H_

#include <memory>
#include <string>
#include <vector>

#include "base/time_zone.h"
#include "jobs/schedule.h"
#include "levelkeep/options.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"

namespace levelkeep {

struct PlannedJob {
  std::string name;  // "backup": a stable word, also in records
  JobRequest request;
  // "0 2 * * * Europe/Berlin", "every 3600 s"; empty: the schedule is off.
  std::string plan;
  std::shared_ptr<const Schedule> schedule;  // null: off
  bool is_interval = false;
};

// All schedules, also those that are off. `database_id` decides about the
// jitter. kInvalidArgument: an expression or the time zone is wrong.
Result<std::vector<PlannedJob>> PlannedJobs(
    const BackupOptions::Schedule& options, const std::string& database_id);

// The zone in which cron expressions are meant.
Result<TimeZone> ZoneOf(const BackupOptions::Schedule& options);

}  // namespace levelkeep

#endif  // LEVELKEEP_MANAGER_SCHEDULES_H_
