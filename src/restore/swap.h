// The exchange of two databases. No other code renames the live directory.

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
  Status Forward();
  // Afterwards live is the old database, incoming the new one. REQUIRES:
  // Lock().
  Status Backward();

 private:
  Result<SwapPosition::Holds> WhatIsAt(const std::string& path) const;
  // Does one rename; sets *done if none is needed.
  Status StepForward(const SwapPosition& position, bool* done);
  Status StepBackward(const SwapPosition& position, bool* done);
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

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_SWAP_H_
