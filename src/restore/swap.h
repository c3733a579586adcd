// The exchange of two databases: the only place where the live directory is
// renamed; the journal of its progress; and the databases that it replaced.

#ifndef LEVELKEEP_RESTORE_SWAP_H_
#define LEVELKEEP_RESTORE_SWAP_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "dbfiles/db_lock.h"
#include "levelkeep/status.h"
#include "restore/context.h"
#include "restore/drop_scan.h"
#include "restore/restorer.h"

namespace levelkeep {

// In the order of a restore that succeeds.
enum class JournalState {
  kReady,       // both databases are complete; next: the new one goes in
  kSwapped,     // the new database is live, but was not opened yet
  kCommitted,   // the new database opened; only clean-up is left
  kRolledBack,  // next: the old database goes back
};

enum class JournalKind { kRestore, kUndo };

// Value type.
struct Journal {
  std::string id;
  JournalKind kind = JournalKind::kRestore;
  JournalState state = JournalState::kReady;

  // Directories in the work directory: the source of the new database, and the
  // destination of the old one.
  std::string incoming;
  std::string outgoing;
  // The BACKUP_IDs inside the two databases. They identify the databases
  // wherever these are, even if a rename changes inodes. `old_epoch` is empty
  // if there was no database.
  std::string old_epoch;
  std::string new_epoch;
  // The inodes instead, in a journal of 0.1.0, which has no epochs.
  uint64_t old_inode = 0;
  uint64_t new_inode = 0;
  uint64_t old_sequence = 0;

  uint64_t crashes = 0;  // starts that died while opening the database
  std::string reason;    // kRolledBack: why
  bool reject = false;   // kRolledBack: the archive caused it

  DropIdentity drop;       // the file in restore/; empty name: no file
  RestoreOutcome outcome;  // without manifest

  bool had_old() const { return !old_epoch.empty() || old_inode != 0; }
};

Status StoreJournal(const RestoreContext& context, const Journal& journal);
// kNotFound or kCorruption if there is no valid journal.
Result<Journal> LoadJournal(const RestoreContext& context);
Status RemoveJournal(const RestoreContext& context);

// The present places of a journal's two databases, found by their BACKUP_IDs.
struct SwapPosition {
  enum class Holds { kNothing, kOld, kNew, kOther };
  Holds live = Holds::kNothing;
  Holds incoming = Holds::kNothing;
  Holds outgoing = Holds::kNothing;
};

// Moves the databases of one journal. Each step finds out where they are and
// does one durable rename, so that the same code continues after any crash.
// Thread safety: one thread at a time.
class Swap {
 public:
  Swap(const RestoreContext& context, const Journal& journal)
      : context_(context), journal_(journal) {}

  Result<SwapPosition> Look() const;

  // Holds LevelDB's LOCK in all directories concerned, even after they move:
  // nobody can open either database before Unlock. kBusy names the holder.
  Status Lock();
  void Unlock() { locks_.clear(); }

  // Afterwards live is the new database, outgoing the old one. REQUIRES:
  // Lock().
  Status Forward() { return Repeat(&Swap::StepForward); }
  // Afterwards live is the old database, incoming the new one. REQUIRES:
  // Lock().
  Status Backward() { return Repeat(&Swap::StepBackward); }

 private:
  Result<SwapPosition::Holds> WhatIsAt(const std::string& path) const;
  // Does one rename; sets *done if none is needed.
  using Step = Status (Swap::*)(const SwapPosition& position, bool* done);
  Status StepForward(const SwapPosition& position, bool* done);
  Status StepBackward(const SwapPosition& position, bool* done);
  Status Repeat(Step step);
  Status Move(const std::string& from, const std::string& to);
  // Atomic if the file system supports that; else moves live to `aside`, and
  // the next step moves `other` in.
  Status ExchangeWithLive(const std::string& other, const std::string& aside);
  Status MakeDurable();
  Status Stuck() const;

  std::string Live() const { return context_.db_dir(); }
  std::string Incoming() const { return context_.InWork(journal_.incoming); }
  std::string Outgoing() const { return context_.InWork(journal_.outgoing); }

  const RestoreContext& context_;
  const Journal& journal_;
  std::vector<std::unique_ptr<DbLock>> locks_;
};

// --- the databases that restores replaced; callers decide how long to keep
// them

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

#endif  // LEVELKEEP_RESTORE_SWAP_H_
