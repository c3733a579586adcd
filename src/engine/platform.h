// What the engine stands on besides its options: the disk, the time,
// LevelDB's way to the disk, and the check of databases that nobody trusts.
// Tests put a disk of their own under all of it at once.

#ifndef LEVELKEEP_ENGINE_PLATFORM_H_
#define LEVELKEEP_ENGINE_PLATFORM_H_

#include "base/clock.h"
#include "base/file_system.h"
#include "leveldb/env.h"
#include "restore/restorer.h"

namespace levelkeep {

// As what the engine and the manager stand in the log.
inline constexpr char kEngineLogTag[] = "BackupManager";

// Value type; what it points to is not owned and outlives its users. `fs`
// and `env` lead to the same files.
struct Platform {
  FileSystem* fs = FileSystem::Posix();
  Clock* clock = Clock::System();
  leveldb::Env* env = leveldb::Env::Default();
  // See RestorerOptions; empty: the program levelkeep-check.
  StoreChecker store_checker = nullptr;
  StoreChecker archive_checker = nullptr;
  // False: what the file systems of the folders can do is known, and is not
  // tried (base/folder_probe.h). For tests on a disk of their own.
  bool tries_folders = true;
  // False: STORAGE_DIR is none of this process' business.
  bool has_storage = true;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ENGINE_PLATFORM_H_
