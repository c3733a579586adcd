// The exchange of two databases: the only place where the live directory is
// renamed; and the journal that says how far it is.

#ifndef LEVELKEEP_RESTORE_SWAP_H_
#define LEVELKEEP_RESTORE_SWAP_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dbfiles/db_lock.h"
#include "levelkeep/status.h"
#include "restore/context.h"
#include "restore/drop_scan.h"
#include "restore/restorer.h"

namespace levelkeep {

// In the order in which a restore that works passes through them.
enum class JournalState {
  kReady,       // both databases are whole; direction: the new one goes in
  kSwapped,     // the new one is in place, not yet opened
  kCommitted,   // it opened; what is left is tidying
  kRolledBack,  // direction: the old one goes back
};

enum class JournalKind { kRestore, kUndo };

// Value type.
struct Journal {
  std::string id;
  JournalKind kind = JournalKind::kRestore;
  JournalState state = JournalState::kReady;

  // Directories under the work directory: where the new database comes from
  // and where the old one goes to.
  std::string incoming;
  std::string outgoing;
  // What tells them apart, wherever they are and whatever a file system does
  // with inodes at a rename: the BACKUP_ID inside. Old is empty if there was no
  // database.
  std::string old_epoch;
  std::string new_epoch;
  // The same in a journal that 0.1.0 left, which has no epochs.
  uint64_t old_inode = 0;
  uint64_t new_inode = 0;
  uint64_t old_sequence = 0;

  uint64_t crashes = 0;  // starts that did not survive opening it
  std::string reason;    // kRolledBack: why
  bool reject = false;   // kRolledBack: the archive is to blame

  DropIdentity drop;       // of the file in restore/; no name: none
  RestoreOutcome outcome;  // without manifest

  bool had_old() const { return !old_epoch.empty() || old_inode != 0; }
};

Status StoreJournal(const RestoreContext& context, const Journal& journal);
// kNotFound, kCorruption: none that counts.
Result<Journal> LoadJournal(const RestoreContext& context);
Status RemoveJournal(const RestoreContext& context);

// Where the two databases of a journal are now, told by the BACKUP_ID inside.
struct SwapPosition {
  enum class Holds { kNothing, kOld, kNew, kOther };
  Holds live = Holds::kNothing;
  Holds incoming = Holds::kNothing;
  Holds outgoing = Holds::kNothing;
};

// Moves the databases of one journal. Each step looks where they are and
// does one rename, durably, so that any crash is followed by the same code.
// Thread safety: one thread at a time.
class Swap {
 public:
  Swap(const RestoreContext& context, const Journal& journal)
      : context_(context), journal_(journal) {}

  Result<SwapPosition> Look() const;

  // Holds LevelDB's LOCK in every directory concerned, wherever it moves to:
  // nobody can open either database before Unlock. kBusy names the holder.
  Status Lock();
  void Unlock() { locks_.clear(); }

  // Live: the new database; outgoing: the old one. REQUIRES: Lock().
  Status Forward();
  // Live: the old database; incoming: the new one. REQUIRES: Lock().
  Status Backward();

 private:
  Result<SwapPosition::Holds> WhatIsAt(const std::string& path) const;
  // One rename, if one is needed; sets *done if not.
  Status StepForward(const SwapPosition& position, bool* done);
  Status StepBackward(const SwapPosition& position, bool* done);
  // Atomically where the file system can; else moves live to `aside` and
  // lets the next step move the other one in.
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

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_SWAP_H_
