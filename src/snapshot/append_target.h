// A log or MANIFEST that LevelDB wants to append to; private to src/snapshot.

#ifndef LEVELKEEP_SNAPSHOT_APPEND_TARGET_H_
#define LEVELKEEP_SNAPSHOT_APPEND_TARGET_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/file_system.h"
#include "snapshot/hot_database.h"

namespace levelkeep {

// What is known about the file: exactly one of the two pointers is set.
struct AppendTarget {
  uint64_t size_bytes = 0;
  std::shared_ptr<HotLog> log;
  std::shared_ptr<HotManifest> manifest;
};

// kUnsupported if the file ends with a torn record: LevelDB would append behind
// that record and never read what follows (google/leveldb#1287). On this error
// LevelDB starts a new file. kNotFound if the file does not exist.
Result<AppendTarget> InspectForAppend(FileSystem* fs, const std::string& name);

}  // namespace levelkeep

#endif  // LEVELKEEP_SNAPSHOT_APPEND_TARGET_H_
