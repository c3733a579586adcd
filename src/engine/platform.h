// The engine's environment besides its options: the disk, the time, LevelDB's
// access to the disk, and the check of databases from untrusted sources. Tests
// replace the disk under all of these at once.

#ifndef LEVELKEEP_ENGINE_PLATFORM_H_
#define LEVELKEEP_ENGINE_PLATFORM_H_

#include "base/clock.h"
#include "base/file_system.h"
#include "leveldb/env.h"
#include "restore/restorer.h"

namespace levelkeep {

// The name of the engine and the manager in the log.
inline constexpr char kEngineLogTag[] = "BackupManager";

// A value type. The objects that it points to are not owned and must outlive
// its users. `fs` and `env` lead to the same files.
struct Platform {
  FileSystem* fs = FileSystem::Posix();
  Clock* clock = Clock::System();
  leveldb::Env* env = leveldb::Env::Default();
  // See RestorerOptions; empty: the program levelkeep-check.
  StoreChecker store_checker = nullptr;
  StoreChecker archive_checker = nullptr;
  // False: the abilities of the folders' file systems are known and not tried
  // (base/folder_probe.h). For tests with a simulated disk.
  bool tries_folders = true;
  // False: this process does not work with STORAGE_DIR.
  bool has_storage = true;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ENGINE_PLATFORM_H_
