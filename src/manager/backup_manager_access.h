// A BackupManager in a world of the caller's: the program's, a test's.

#ifndef LEVELKEEP_MANAGER_BACKUP_MANAGER_ACCESS_H_
#define LEVELKEEP_MANAGER_BACKUP_MANAGER_ACCESS_H_

#include "engine/platform.h"
#include "levelkeep/backup_manager.h"

namespace levelkeep {

struct BackupManagerAccess {
  // As the constructor of BackupManager.
  static BackupManager Make(BackupOptions options, const Platform& platform);
};

}  // namespace levelkeep

#endif  // LEVELKEEP_MANAGER_BACKUP_MANAGER_ACCESS_H_
