// restore/ to storage/: check, stage, swap, undo, recover.
//
// The promise: after any crash the database directory is exactly the old one
// or exactly the new one, and an archive that fails any check never touches
// it. docs/architecture.md holds the steps R0..R15 and the recovery table.

#ifndef LEVELKEEP_RESTORE_RESTORER_H_
#define LEVELKEEP_RESTORE_RESTORER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "archive/archive_reader.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/walk.h"
#include "base/work.h"
#include "format/manifest.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"
#include "restore/context.h"
#include "restore/drop_scan.h"
#include "restore/drop_watch.h"

namespace levelkeep {

// What to restore from.
struct RestoreSource {
  RestoreSource() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): a path is one.
  RestoreSource(std::string archive_path, std::string full_check = "")
      : path(std::move(archive_path)), scanned_sha256(std::move(full_check)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  RestoreSource(const char* archive_path) : path(archive_path) {}

  std::string path;
  // Of an archive that is open already: it is read, whatever has taken its path
  // since. Outlives the call. Else the path is opened, once.
  ArchiveReader* reader = nullptr;
  // An archive of ours with this SHA-256 passed a full verification before:
  // the same bytes make the same database, which is not scanned again. Its
  // digests are checked all the same. Empty: none did.
  std::string scanned_sha256;
};

struct RestoreOutcome {
  std::string archive_name;
  std::string archive_sha256;
  bool own = false;  // had our manifest
  std::shared_ptr<const Manifest> manifest;
  std::string epoch;  // of the restored database (new)
  uint64_t last_sequence = 0;
  uint64_t content_bytes = 0;
  bool undo_available = false;
};

// When a restore or an undo took place last, of those that can be undone.
struct LastExchange {
  Time when;
  // Of the last write of what became live then.
  uint64_t live_sequence = 0;
};

// What was found and done at start.
struct RecoveryOutcome {
  bool finished_restore = false;  // an interrupted one was completed
  bool undone_restore = false;    // an interrupted one was taken back
  // The restore or undo that was completed, when finished_restore.
  std::optional<RestoreOutcome> restored;
  std::string undone_reason;  // when undone_restore
  // When undone_restore: it could not be taken back either, since its databases
  // are not where it left them. What is there stays as it is.
  bool unclear = false;
  std::vector<std::string> swept;  // left-overs removed
};

struct DropOutcome {
  std::optional<RestoreOutcome> applied;
  std::vector<RejectedDrop> rejected;
  std::vector<std::string> skipped;  // applied before, moved to applied/
  // Not applied and not rejected: they can't be ordered, are being copied,
  // don't fit on the disk, can't be read, could not be checked, are of another
  // application or a newer version, are links or folders.
  std::vector<LeftDrop> left;
  std::string refused;              // the same in one sentence
  std::vector<std::string> others;  // what has no archive's name
};

// What becomes of a drop that can't be restored, ever.
enum class BadDrops {
  kMoveAside,  // to rejected/; the database that is there serves on
  // It is the only hope for a database: it stays, and with it the question.
  kStay,
};

// What to go back to: before the last restore, or before the first one since a
// backup was verified.
enum class UndoScope { kLast, kAll };

// Thread safety: one call at a time (the manager's job lock sees to it).
class Restorer {
 public:
  // `fs` and `clock` outlive it.
  Restorer(FileSystem* fs, Clock* clock, RestorerOptions options)
      : context_{fs, clock, std::move(options)}, drops_(context_) {}

  const RestoreContext& context() const { return context_; }

  // Creates the work and restore directories (applied/, rejected/), takes
  // instance.lock for the life of this object. kBusy names the other
  // instance's pid. kUnsupported if the database directory is a mount point
  // or on another file system than storage_dir, kRefused if it is a symbolic
  // link: it could never be exchanged. A judge finds out what of this would be
  // refused, but for kBusy.
  Status Prepare(const Walk& walk = Walk::Act());
  // Finishes or undoes what a crash interrupted, then sweeps. Doing it again
  // changes nothing. A restored database that nobody has opened yet is
  // opened by the options' open_check; without one it is scanned read-only.
  // kBusy if the database is held. REQUIRES: Prepare() succeeded; the
  // database is closed. A judge finds out whether it could read and remove what
  // is there.
  Result<RecoveryOutcome> Recover(const Walk& walk = Walk::Act());
  // Recover succeeded once.
  bool recovered() const { return recovered_; }

  // Applies what lies in restore/: the one that StageForRestart put there
  // last, else the newest of ours, else the only one. It goes to applied/
  // with NAME.applied.txt; bad and older ones go to rejected/ with
  // NAME.reason.txt, with the digests that lie beside them. With
  // BadDrops::kStay bad ones stay, and none is applied while one can't be.
  // Never fails because of an archive; fails when the disk does, or when the
  // database is held.
  //
  // Applied once: a file that could not be moved away (read-only restore/)
  // is known again by name, size, time and digest and not applied a second
  // time. One that was moved to applied/ and is dropped again is applied
  // again: a copy has another inode or time, and one moved back by hand has
  // left its NAME.applied.txt behind. The rules are in drop_history.h.
  // REQUIRES: the database is closed.
  Result<DropOutcome> ApplyDropped(std::stop_token stop,
                                   BadDrops bad_drops = BadDrops::kMoveAside);
  // What waits in restore/ now: what the last ApplyDropped left or rejected,
  // until the file is gone or a later restore succeeded, and what came since.
  // The log names each once. May be called at any time from any thread.
  std::vector<UnrestoredDrop> LookAtDrops() { return drops_.Look(); }

  // A checked, extracted and validated database in staging; nothing live
  // has changed (R0..R5). Removed by Discard or at the next start.
  struct Staged {
    std::string id;
    std::string directory;
    RestoreOutcome outcome;
  };
  Result<Staged> Stage(const RestoreSource& source, const Work& work);
  // R6..R13: makes the staged database the live one; the old one is kept
  // for Undo, beside what earlier restores replaced. If open_check fails, the
  // old one is put back and its error returned. kBusy if an interrupted restore
  // had to be finished first: what is live then is that one's database, and
  // nothing else was changed. REQUIRES: the database is closed in this process.
  Result<RestoreOutcome> Apply(const Staged& staged);
  void Discard(const Staged& staged);

  // Swaps a kept old database back in (and keeps the other one, so that an
  // undo can be undone). It keeps its epoch: its history simply goes on.
  // kNotFound if there is none, kBusy as for Apply.
  // REQUIRES: the database is closed in this process.
  Result<RestoreOutcome> Undo(UndoScope scope = UndoScope::kLast);
  // Undo of a restore of which nobody makes use: what it had put in place is
  // not kept, and what could be undone before it can be undone again.
  Result<RestoreOutcome> TakeBack();
  // What Undo would put back, or what it would be refused with. Writes nothing;
  // at any time.
  Result<KeptDatabase> FindUndo(UndoScope scope) const;
  // May be called at any time from any thread.
  bool UndoAvailable() const;
  // What restores replaced, the last one first. Writes nothing; at any time.
  Result<std::vector<KeptDatabase>> ListKept() const;
  // kNotFound: nothing is kept.
  Result<LastExchange> FindLastExchange() const;
  // Removes all of it. kBusy while an interrupted restore waits for Recover.
  Status ForgetUndo();

  // Copies an archive into the drop folder; the next start prefers it to
  // whatever else lies there. A copy that was staged before goes.
  Status StageForRestart(const RestoreSource& source);
  // Removes the copy that is staged, if there is one: a later wish has been
  // fulfilled.
  void ForgetStaged();
  // What StageForRestart of an archive of that name would be refused with.
  // Writes nothing.
  Status JudgeStage(const ArchiveOutline& outline,
                    const std::string& name) const;

  // What ExtractTo would refuse before it writes anything. Writes nothing.
  Status JudgeExtract(const ArchiveOutline& outline,
                      const std::string& target_dir) const;
  // Extracts and validates into a new directory `target_dir` (which must
  // not exist or be empty, and be no mount point), without touching the live
  // database.
  Result<RestoreOutcome> ExtractTo(const RestoreSource& source,
                                   const std::string& target_dir,
                                   const Work& work);

 protected:
  RestoreContext context_;

 private:
  Status SettleEarlier() const;
  Status RequireSettled() const;

  DropWatch drops_;
  std::unique_ptr<FileLock> instance_lock_;
  bool recovered_ = false;
};

// Finds levelkeep-check: `configured`, else beside the running program, in the
// build folder that the program runs in, in the installed libexec directory.
// kNotChecked says where it was looked for.
Result<std::string> FindCheckProgram(FileSystem* fs,
                                     const std::string& configured);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_RESTORER_H_
