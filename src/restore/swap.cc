#include "restore/swap.h"

#include <algorithm>
#include <array>

#include "base/status_macros.h"

namespace levelkeep {

namespace {

using Holds = SwapPosition::Holds;

// More steps than any path needs.
constexpr int kMaxSteps = 6;

constexpr char kJournal[] = "journal";  // the record in the work directory
constexpr std::string_view kJournalTitle = "levelkeep journal 1";

// In the order of JournalState.
constexpr std::array<std::string_view, 4> kStateNames = {
    "ready", "swapped", "committed", "rolled-back"};

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

Status Swap::Repeat(Step step) {
  for (int count = 0; count < kMaxSteps; ++count) {
    LEVELKEEP_ASSIGN_OR_RETURN(const SwapPosition position, Look());
    bool done = false;
    LEVELKEEP_RETURN_IF_ERROR((this->*step)(position, &done));
    if (done) return Status::Ok();
  }
  return Stuck();
}

Status Swap::StepForward(const SwapPosition& position, bool* done) {
  if (position.live == Holds::kNew) {
    if (position.incoming != Holds::kOld) {
      *done = true;
      return Status::Ok();
    }
    // If we die here: live is new; the old database has either name, and is
    // found by its epoch (recovery row R8).
    return Move(Incoming(), Outgoing());
  }
  if (position.incoming != Holds::kNew) return Stuck();
  if (position.live == Holds::kOld) {
    return ExchangeWithLive(Incoming(), Outgoing());
  }
  if (position.live == Holds::kNothing) {
    // If we die here: live is new or missing; if it is missing, the next start
    // repeats this step (recovery row "two-rename fallback").
    return Move(Incoming(), Live());
  }
  return Stuck();
}

Status Swap::StepBackward(const SwapPosition& position, bool* done) {
  const bool had_old = journal_.had_old();
  if (position.live == Holds::kOld ||
      (!had_old && position.live == Holds::kNothing)) {
    if (position.outgoing != Holds::kNew) {
      *done = true;
      return Status::Ok();
    }
    // If an undo is taken back, its database keeps its name for another undo.
    return Move(Outgoing(), Incoming());
  }
  if (position.live == Holds::kNew) {
    if (!had_old) return Move(Live(), Incoming());
    if (position.incoming == Holds::kOld) return Move(Incoming(), Outgoing());
    if (position.outgoing != Holds::kOld) return Stuck();
    return ExchangeWithLive(Outgoing(), Incoming());
  }
  if (position.live != Holds::kNothing) return Stuck();
  if (position.outgoing == Holds::kOld) return Move(Outgoing(), Live());
  if (position.incoming == Holds::kOld) return Move(Incoming(), Live());
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

Status Swap::Move(const std::string& from, const std::string& to) {
  LEVELKEEP_RETURN_IF_ERROR(context_.fs->Rename(from, to));
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

Status StoreJournal(const RestoreContext& context, const Journal& journal) {
  Record record;
  record.Set("id", journal.id);
  record.Set("kind",
             journal.kind == JournalKind::kRestore ? "restore" : "undo");
  record.Set("state", kStateNames.at(static_cast<size_t>(journal.state)));
  record.Set("incoming", journal.incoming);
  record.Set("outgoing", journal.outgoing);
  record.Set("old_epoch", journal.old_epoch);
  record.Set("new_epoch", journal.new_epoch);
  if (journal.new_epoch.empty()) {
    record.SetNumber("old_inode", journal.old_inode);
    record.SetNumber("new_inode", journal.new_inode);
  }
  record.SetNumber("old_sequence", journal.old_sequence);
  record.SetNumber("crashes", journal.crashes);
  record.Set("reason", journal.reason);
  record.SetNumber("reject", journal.reject ? 1 : 0);
  PutDrop(journal.drop, &record);
  record.Set("archive", journal.outcome.archive_name);
  record.Set("sha256", journal.outcome.archive_sha256);
  record.SetNumber("own", journal.outcome.own ? 1 : 0);
  record.Set("epoch", journal.outcome.epoch);
  record.SetNumber("new_sequence", journal.outcome.last_sequence);
  record.SetNumber("content_bytes", journal.outcome.content_bytes);
  return StoreRecord(context.fs, context.InWork(kJournal), kJournalTitle,
                     record);
}

Result<Journal> LoadJournal(const RestoreContext& context) {
  LEVELKEEP_ASSIGN_OR_RETURN(
      const Record record,
      LoadRecord(context.fs, context.InWork(kJournal), kJournalTitle));
  Journal journal;
  journal.id = record.Get("id");
  journal.kind =
      record.Get("kind") == "undo" ? JournalKind::kUndo : JournalKind::kRestore;
  const auto state = std::ranges::find(kStateNames, record.Get("state"));
  const bool known_state = state != kStateNames.end();
  journal.state = static_cast<JournalState>(state - kStateNames.begin());
  journal.incoming = record.Get("incoming");
  journal.outgoing = record.Get("outgoing");
  journal.drop = GetDrop(record);
  if (!known_state || !IsPlainName(journal.incoming) ||
      !IsPlainName(journal.outgoing) ||
      !(journal.drop.name.empty() || IsPlainName(journal.drop.name))) {
    return Status(StatusCode::kCorruption,
                  context.InWork(kJournal) + " has invalid fields");
  }
  journal.old_epoch = record.Get("old_epoch");
  journal.new_epoch = record.Get("new_epoch");
  journal.old_inode = record.GetNumber("old_inode");
  journal.new_inode = record.GetNumber("new_inode");
  journal.old_sequence = record.GetNumber("old_sequence");
  journal.crashes = record.GetNumber("crashes");
  journal.reason = record.Get("reason");
  journal.reject = record.GetNumber("reject") != 0;
  journal.outcome.archive_name = record.Get("archive");
  journal.outcome.archive_sha256 = record.Get("sha256");
  journal.outcome.own = record.GetNumber("own") != 0;
  journal.outcome.epoch = record.Get("epoch");
  journal.outcome.last_sequence = record.GetNumber("new_sequence");
  journal.outcome.content_bytes = record.GetNumber("content_bytes");
  return journal;
}

Status RemoveJournal(const RestoreContext& context) {
  return RemoveRecord(context.fs, context.InWork(kJournal));
}

}  // namespace levelkeep
