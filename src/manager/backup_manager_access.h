// A BackupManager with a Platform of the caller: the program's or a test's.

#ifndef LEVELKEEP_MANAGER_BACKUP_MANAGER_ACCESS_H_
#define LEVELKEEP_MANAGER_BACKUP_MANAGER_ACCESS_H_

#include <chrono>
#include <stop_token>

#include "engine/database.h"
#include "levelkeep/backup_manager.h"

namespace levelkeep {

struct BackupManagerAccess {
  // Makes a BackupManager, as its constructor does.
  static BackupManager Make(BackupOptions options, const Platform& platform);
  // Beside the database: its lock file lies there.
  static std::string WorkFolder(const BackupManager& manager);
  // Replaces the content of the lock file that Initialize has locked.
  static Status WriteLockFile(BackupManager* manager,
                              const std::string& content);
  // Puts new options in force, as far as that is possible while the manager
  // runs (Engine::Reload); the schedule keeps its planned time unless it has
  // changed. REQUIRES: the options are valid. Thread safety: any thread, one
  // call at a time.
  static void Reload(BackupManager* manager, BackupOptions options);
  // JobRunner::Turns. For a watchdog.
  static bool JobsTurn(BackupManager* manager,
                       std::chrono::milliseconds patience,
                       const std::stop_token& stop);
};

}  // namespace levelkeep

#endif  // LEVELKEEP_MANAGER_BACKUP_MANAGER_ACCESS_H_
