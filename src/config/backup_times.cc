#include "config/backup_times.h"

#include "base/status_macros.h"
#include "base/time_zone.h"
#include "jobs/cron.h"

namespace levelkeep {

Result<std::unique_ptr<const Schedule>> CronTimes(
    const BackupOptions::Schedule& options, const std::string& expression) {
  LEVELKEEP_ASSIGN_OR_RETURN(const CronFields fields,
                             CronFields::Parse(expression));
  LEVELKEEP_ASSIGN_OR_RETURN(const TimeZone zone,
                             TimeZone::Load(options.time_zone));
  return std::unique_ptr<const Schedule>(
      std::make_unique<CronSchedule>(fields, zone));
}

Result<std::unique_ptr<const Schedule>> BackupTimes(
    const BackupOptions::Schedule& options) {
  std::unique_ptr<const Schedule> schedule;
  if (!options.enabled) return schedule;
  if (options.backup.empty()) {
    schedule = std::make_unique<IntervalSchedule>(options.interval);
    return schedule;
  }
  return CronTimes(options, options.backup);
}

}  // namespace levelkeep
