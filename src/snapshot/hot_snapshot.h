// Takes hot snapshots of a HotDatabase. Private to snapshot.

#ifndef LEVELKEEP_SNAPSHOT_HOT_SNAPSHOT_H_
#define LEVELKEEP_SNAPSHOT_HOT_SNAPSHOT_H_

#include <memory>

#include "levelkeep/status.h"
#include "snapshot/hot_database.h"
#include "snapshot/snapshot.h"

namespace levelkeep {

// Same errors as HotSnapshotSource::Take. The snapshot shares `database`.
Result<std::unique_ptr<Snapshot>> TakeHotSnapshot(
    const std::shared_ptr<HotDatabase>& database);

}  // namespace levelkeep

#endif  // LEVELKEEP_SNAPSHOT_HOT_SNAPSHOT_H_
