#include "restore/swap.h"

#include "base/status_macros.h"
#include "dbfiles/identity.h"

namespace levelkeep {
namespace {

using Holds = SwapPosition::Holds;

// More steps than any path needs.
constexpr int kMaxSteps = 6;

}  // namespace

Result<Holds> Swap::WhatIsAt(const std::string& path) const {
  LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t inode,
                             DirectoryInode(context_.fs, path));
  if (inode == 0) return Holds::kNothing;
  if (journal_.new_epoch.empty()) {  // a journal of 0.1.0
    if (inode == journal_.new_inode) return Holds::kNew;
    return inode == journal_.old_inode ? Holds::kOld : Holds::kOther;
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string epoch,
                             ReadEpoch(context_.fs, path));
  if (epoch.empty()) return Holds::kOther;
  if (epoch == journal_.new_epoch) return Holds::kNew;
  return epoch == journal_.old_epoch ? Holds::kOld : Holds::kOther;
}

Result<SwapPosition> Swap::Look() const {
  SwapPosition position;
  LEVELKEEP_ASSIGN_OR_RETURN(position.live, WhatIsAt(Live()));
  LEVELKEEP_ASSIGN_OR_RETURN(position.incoming, WhatIsAt(Incoming()));
  LEVELKEEP_ASSIGN_OR_RETURN(position.outgoing, WhatIsAt(Outgoing()));
  return position;
}

Status Swap::Lock() {
  locks_.clear();
  for (const std::string& path : {Live(), Incoming(), Outgoing()}) {
    LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t inode,
                               DirectoryInode(context_.fs, path));
    if (inode == 0) continue;
    auto lock = DbLock::Acquire(context_.fs, path);
    if (!lock.ok()) {
      locks_.clear();
      return lock.status();
    }
    locks_.push_back(std::move(*lock));
  }
  return Status::Ok();
}

Status Swap::Forward() {
  for (int step = 0; step < kMaxSteps; ++step) {
    LEVELKEEP_ASSIGN_OR_RETURN(const SwapPosition position, Look());
    bool done = false;
    LEVELKEEP_RETURN_IF_ERROR(StepForward(position, &done));
    if (done) return Status::Ok();
  }
  return Stuck();
}

Status Swap::Backward() {
  for (int step = 0; step < kMaxSteps; ++step) {
    LEVELKEEP_ASSIGN_OR_RETURN(const SwapPosition position, Look());
    bool done = false;
    LEVELKEEP_RETURN_IF_ERROR(StepBackward(position, &done));
    if (done) return Status::Ok();
  }
  return Stuck();
}

Status Swap::StepForward(const SwapPosition& position, bool* done) {
  FileSystem* const fs = context_.fs;
  if (position.live == Holds::kNew) {
    if (position.incoming != Holds::kOld) {
      *done = true;
      return Status::Ok();
    }
    LEVELKEEP_RETURN_IF_ERROR(fs->Rename(Incoming(), Outgoing()));
    // If we die here: live is new; the old database has either name, and is
    // found by its epoch (recovery row R8).
    return MakeDurable();
  }
  if (position.incoming != Holds::kNew) return Stuck();
  if (position.live == Holds::kOld) {
    return ExchangeWithLive(Incoming(), Outgoing());
  }
  if (position.live == Holds::kNothing) {
    LEVELKEEP_RETURN_IF_ERROR(fs->Rename(Incoming(), Live()));
    // If we die here: live is new or missing; if it is missing, the next start
    // repeats this step (recovery row "two-rename fallback").
    return MakeDurable();
  }
  return Stuck();
}

Status Swap::StepBackward(const SwapPosition& position, bool* done) {
  FileSystem* const fs = context_.fs;
  const bool had_old = journal_.had_old();
  if (position.live == Holds::kOld ||
      (!had_old && position.live == Holds::kNothing)) {
    if (position.outgoing != Holds::kNew) {
      *done = true;
      return Status::Ok();
    }
    // If an undo is taken back, its database keeps its name for another undo.
    LEVELKEEP_RETURN_IF_ERROR(fs->Rename(Outgoing(), Incoming()));
    return MakeDurable();
  }
  if (position.live == Holds::kNew) {
    if (!had_old) {
      LEVELKEEP_RETURN_IF_ERROR(fs->Rename(Live(), Incoming()));
      return MakeDurable();
    }
    if (position.incoming == Holds::kOld) {
      LEVELKEEP_RETURN_IF_ERROR(fs->Rename(Incoming(), Outgoing()));
      return MakeDurable();
    }
    if (position.outgoing != Holds::kOld) return Stuck();
    return ExchangeWithLive(Outgoing(), Incoming());
  }
  if (position.live != Holds::kNothing) return Stuck();
  for (const auto& [holds, path] : {std::pair(position.outgoing, Outgoing()),
                                    std::pair(position.incoming, Incoming())}) {
    if (holds != Holds::kOld) continue;
    LEVELKEEP_RETURN_IF_ERROR(fs->Rename(path, Live()));
    return MakeDurable();
  }
  return Stuck();
}

Status Swap::ExchangeWithLive(const std::string& other,
                              const std::string& aside) {
  const Status exchanged = context_.fs->Exchange(other, Live());
  if (exchanged.code() == StatusCode::kUnsupported) {
    LEVELKEEP_RETURN_IF_ERROR(context_.fs->Rename(Live(), aside));
  } else {
    LEVELKEEP_RETURN_IF_ERROR(exchanged);
  }
  // If we die here: live is either database or, without an exchange, missing;
  // epochs tell which (recovery row R8).
  return MakeDurable();
}

Status Swap::MakeDurable() {
  LEVELKEEP_RETURN_IF_ERROR(
      context_.fs->SyncDirectory(context_.options.storage_dir));
  return context_.fs->SyncDirectory(context_.work_dir());
}

Status Swap::Stuck() const {
  return Status(StatusCode::kRefused,
                "the databases that an interrupted restore names are not in " +
                    Live() + ", " + Incoming() + " or " + Outgoing(),
                "somebody moved them by hand: look at the three folders, and "
                "move the database that you want to the first one");
}

}  // namespace levelkeep
