// The databases that restores replaced. How long they are kept is not decided
// here.

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
  uint64_t sequence = 0;  // of its last write
  // Of the last write of what took its place: a backup that ends earlier was
  // made before that.
  uint64_t live_sequence = 0;
  Time when;            // of the restore
  std::string archive;  // that replaced it; empty: an undo, or not known
  // It was restored and undone: an undo now takes that undo back.
  bool undone = false;
  // What restores before that one replaced, the last one first. Nobody has
  // verified a backup since, so each may hold writes that are nowhere else.
  std::vector<std::string> earlier;
  // What the last restore replaced, if somebody removed it; `directory` is of
  // an earlier one then. Not stored.
  std::string missing;
};

// Of `earlier`: the last ones and the very first; what is between them goes.
inline constexpr size_t kMaxEarlier = 2;

// The record after a restore or undo that was committed, made of the one
// before it. Doing it again gives the same.
Result<UndoRecord> UndoAfter(const RestoreContext& context,
                             const Journal& journal);
// Durable on return.
Status StoreUndo(const RestoreContext& context, const UndoRecord& undo);
// Without the directories that are gone; if that is the last one replaced,
// the one before it stands in. kNotFound if there is none.
Result<UndoRecord> LoadUndo(const RestoreContext& context);
// Forgets a database that was restored and undone, so that an undo leads to
// what was replaced before it. Nothing, if the last one was not undone.
// REQUIRES: no journal is pending.
Status ForgetUndone(const RestoreContext& context);
// What they take, together; 0 if that can't be told.
uint64_t KeptBytes(const RestoreContext& context);
// What a hint about space says of them, "; …"; empty: nothing is kept, or it is
// on another disk than `folder`.
std::string ForgetUndoHint(const RestoreContext& context,
                           const std::string& folder);
// Removes all of them and the record.
Status DropAllRollbacks(const RestoreContext& context);

// Removes every rollback directory that the record does not name.
Status DropOtherRollbacks(const RestoreContext& context,
                          const UndoRecord& keep);
// Makes record and directories agree: a lost record is written anew, the
// directory that changed last counts as the last one replaced.
Status RepairUndo(const RestoreContext& context);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_UNDO_H_
