// When the schedule of the settings makes backups.

#ifndef LEVELKEEP_CONFIG_BACKUP_TIMES_H_
#define LEVELKEEP_CONFIG_BACKUP_TIMES_H_

#include <memory>

#include "jobs/schedule.h"
#include "levelkeep/options.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Without jitter. Null: there is no schedule. kInvalidArgument: the expression
// or the time zone is wrong.
Result<std::unique_ptr<const Schedule>> BackupTimes(
    const BackupOptions::Schedule& options);

}  // namespace levelkeep

#endif  // LEVELKEEP_CONFIG_BACKUP_TIMES_H_
