// The exchange of two databases: the only place where the live directory is
// renamed.

#ifndef LEVELKEEP_RESTORE_SWAP_H_
#define LEVELKEEP_RESTORE_SWAP_H_

#include <memory>
#include <string>
#include <vector>

#include "dbfiles/db_lock.h"
#include "levelkeep/status.h"
#include "restore/context.h"
#include "restore/journal.h"

namespace levelkeep {

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
