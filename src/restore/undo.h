// The database that the last restore replaced, kept for a while.

#ifndef LEVELKEEP_RESTORE_UNDO_H_
#define LEVELKEEP_RESTORE_UNDO_H_

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "levelkeep/status.h"
#include "restore/context.h"

namespace levelkeep {

// Value type.
struct UndoRecord {
  std::string directory;  // rollback-<id> in the work directory
  uint64_t sequence = 0;  // of its last write
  Time when;              // of the restore
  std::string archive;    // that replaced it; empty: an undo did
};

Status StoreUndo(const RestoreContext& context, const UndoRecord& undo);
// kNotFound if there is none that counts, or its directory is gone.
Result<UndoRecord> LoadUndo(const RestoreContext& context);
Status RemoveUndo(const RestoreContext& context);

// Removes every rollback directory but `keep` (a name).
Status DropOtherRollbacks(const RestoreContext& context,
                          const std::string& keep);
// Makes record and directories agree: a lost record is written anew for the
// newest rollback directory, the others go.
Status RepairUndo(const RestoreContext& context);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_UNDO_H_
