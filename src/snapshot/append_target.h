// A log or MANIFEST that LevelDB wants to go on with; private to src/snapshot.

#ifndef LEVELKEEP_SNAPSHOT_APPEND_TARGET_H_
#define LEVELKEEP_SNAPSHOT_APPEND_TARGET_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/file_system.h"
#include "snapshot/hot_database.h"

namespace levelkeep {

// What is in it, one of the two.
struct AppendTarget {
  uint64_t size_bytes = 0;
  std::shared_ptr<HotLog> log;
  std::shared_ptr<HotManifest> manifest;
};

// LevelDB would append behind a torn record, and then find neither it nor
// what follows (google/leveldb#1287). Told kUnsupported, it starts a new file.
// kNotFound: it is not there.
Result<AppendTarget> InspectForAppend(FileSystem* fs, const std::string& name);

}  // namespace levelkeep

#endif  // LEVELKEEP_SNAPSHOT_APPEND_TARGET_H_
