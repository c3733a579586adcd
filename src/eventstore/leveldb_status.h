// Converts LevelDB's Status to ours.

#ifndef LEVELKEEP_EVENTSTORE_LEVELDB_STATUS_H_
#define LEVELKEEP_EVENTSTORE_LEVELDB_STATUS_H_

#include <string_view>

#include "leveldb/status.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Message: "context: LevelDB's text". Ok stays ok.
Status FromLevelDb(const leveldb::Status& status, std::string_view context);

}  // namespace levelkeep

#endif  // LEVELKEEP_EVENTSTORE_LEVELDB_STATUS_H_
