// When the schedule of the settings makes backups.

#ifndef LEVELKEEP_CONFIG_BACKUP_TIMES_H_
#define LEVELKEEP_CONFIG_BACKUP_TIMES_H_

#include <memory>
#include <string>

#include "jobs/schedule.h"
#include "levelkeep/options.h"
#include "levelkeep/status.h"

namespace levelkeep {

// The times of a cron expression in the zone of the settings, without jitter.
// kInvalidArgument: as below.
Result<std::unique_ptr<const Schedule>> CronTimes(
    const BackupOptions::Schedule& options, const std::string& expression);

// Without jitter. Null: there is no schedule. kInvalidArgument: the expression
// or the time zone is wrong.
Result<std::unique_ptr<const Schedule>> BackupTimes(
    const BackupOptions::Schedule& options);

}  // namespace levelkeep

#endif  // LEVELKEEP_CONFIG_BACKUP_TIMES_H_
