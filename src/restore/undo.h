// The databases that restores replaced. Callers decide how long to keep them.

#ifndef LEVELKEEP_RESTORE_UNDO_H_
#define LEVELKEEP_RESTORE_UNDO_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "levelkeep/status.h"
#include "restore/context.h"
#include "restore/swap.h"

namespace levelkeep {

// Value type.
struct UndoRecord {
  std::string directory;  // rollback-<id> in the work directory
  uint64_t sequence = 0;  // of the database's last write
  // The last write of the database that took its place: a backup that ends
  // earlier was made before that.
  uint64_t live_sequence = 0;
  Time when;            // the time of the restore
  std::string archive;  // that replaced it; empty: an undo, or not known
  // The restored database was undone: an undo now takes that undo back.
  bool undone = false;
  // The databases that earlier restores replaced, the last one first. No backup
  // was verified since, so each may hold writes that exist nowhere else.
  std::vector<std::string> earlier;
  // The database that the last restore replaced, if somebody removed it;
  // `directory` is then an earlier one. Not stored.
  std::string missing;
};

// Of `earlier`, the latest and the very first are kept; others are removed.
inline constexpr size_t kMaxEarlier = 2;

// The record after a committed restore or undo, computed from the record before
// it. Idempotent.
Result<UndoRecord> UndoAfter(const RestoreContext& context,
                             const Journal& journal);
// Durable on return.
Status StoreUndo(const RestoreContext& context, const UndoRecord& undo);
// Leaves out directories that are gone; if the last one replaced is gone, the
// one before it takes its place. kNotFound if no directory is left.
Result<UndoRecord> LoadUndo(const RestoreContext& context);
// Forgets a database that was restored and undone, so that an undo leads to the
// one replaced before it. Does nothing if the last restore was not undone.
// REQUIRES: no journal is pending.
Status ForgetUndone(const RestoreContext& context);
// The total size of the kept databases; 0 if it is not known.
uint64_t KeptBytes(const RestoreContext& context);
// The part of a hint about space that concerns kept databases, "; …"; empty if
// none is kept, or if they are on another disk than `folder`.
std::string ForgetUndoHint(const RestoreContext& context,
                           const std::string& folder);
// Removes all kept databases and the record.
Status DropAllRollbacks(const RestoreContext& context);

// Removes every rollback directory that the record does not name.
Status DropOtherRollbacks(const RestoreContext& context,
                          const UndoRecord& keep);
// Makes record and directories agree. A lost record is written again; the
// directory that changed last then counts as the last one replaced.
Status RepairUndo(const RestoreContext& context);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_UNDO_H_
