// Moves backups into storage/: check, stage, swap, undo, recover.
//
// The promise: after any crash the database directory is exactly the old one
// or exactly the new one, and an archive that fails any check never touches
// it. docs/architecture.md holds the steps R0..R15 and the recovery table.

#ifndef LEVELKEEP_RESTORE_RESTORER_H_
#define LEVELKEEP_RESTORE_RESTORER_H_

#include <cstdint>
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

namespace levelkeep {

// The archive to restore from.
struct RestoreSource {
  RestoreSource() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): a path is one.
  RestoreSource(std::string archive_path, std::string full_check = "")
      : path(std::move(archive_path)), scanned_sha256(std::move(full_check)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  RestoreSource(const char* archive_path) : path(archive_path) {}

  std::string path;
  // An archive that is already open: it is read even if another file has taken
  // its path. Outlives the call. If null, the path is opened once.
  ArchiveReader* reader = nullptr;
  // The SHA-256 of a LevelKeep archive that passed a full verification before.
  // If this archive is the same, its database is not scanned again, but its
  // digests are still checked. Empty: no such verification is known.
  std::string scanned_sha256;
};

struct RestoreOutcome {
  std::string archive_name;
  std::string archive_sha256;
  bool own = false;  // the archive had a LevelKeep manifest
  std::shared_ptr<const Manifest> manifest;
  std::string epoch;  // the restored database's new epoch
  uint64_t last_sequence = 0;
  uint64_t content_bytes = 0;
  bool undo_available = false;
};

// What a start found and did.
struct RecoveryOutcome {
  bool finished_restore = false;  // an interrupted restore was completed
  bool undone_restore = false;    // an interrupted restore was taken back
  // The restore or undo that was completed, when finished_restore.
  std::optional<RestoreOutcome> restored;
  std::string undone_reason;  // when undone_restore
  // With undone_restore: the restore could not be taken back, because its
  // databases are not where it left them. Nothing was changed.
  bool unclear = false;
  std::vector<std::string> swept;  // left-overs removed
};

struct DropOutcome {
  std::optional<RestoreOutcome> applied;
  std::vector<RejectedDrop> rejected;
  std::vector<std::string> skipped;  // applied before, now moved to applied/
  // Neither applied nor rejected: the drops can't be ordered, are being copied,
  // don't fit on the disk, can't be read, could not be checked, are of another
  // application or a newer version, or are links or folders.
  std::vector<LeftDrop> left;
  std::string refused;              // `left` in one sentence
  std::vector<std::string> others;  // files that are not named like archives
};

// What happens to a drop that can never be restored.
enum class BadDrops {
  kMoveAside,  // it moves to rejected/; the present database stays in use
  // It stays: there is no database, and people have to decide.
  kStay,
};

// How far to go back: to before the last restore, or to before the first
// restore since a backup was verified.
enum class UndoScope { kLast, kAll };

// Thread safety: one call at a time (the manager's job lock ensures that).
class Restorer {
 public:
  // `fs` and `clock` outlive this object.
  Restorer(FileSystem* fs, Clock* clock, RestorerOptions options)
      : context_{fs, clock, std::move(options)}, drops_(context_) {}

  const RestoreContext& context() const { return context_; }

  // Creates the work and restore directories (applied/, rejected/) and takes
  // instance.lock for the life of this object. kBusy names the pid of another
  // instance. kUnsupported if the database directory is a mount point or on
  // another file system than storage_dir, kRefused if it is a symbolic link:
  // it could never be exchanged. A judging walk reports what would be refused,
  // except kBusy.
  Status Prepare(const Walk& walk = Walk::Act());
  // Gives the lock file this content, in place: replacing the file would take
  // the lock away. REQUIRES: Prepare() succeeded, not with a judging walk.
  Status WriteLockFile(const std::string& content);
  // Finishes or undoes what a crash interrupted, then sweeps. Idempotent.
  // A restored database that nobody has opened yet is opened by the options'
  // open_check; without one it is scanned read-only. kBusy if the database is
  // open elsewhere. REQUIRES: Prepare() succeeded; the database is closed in
  // this process. A judging walk reports whether the left-overs could be read
  // and removed.
  Result<RecoveryOutcome> Recover(const Walk& walk = Walk::Act());
  // True once Recover has succeeded.
  bool recovered() const { return recovered_; }

  // Applies an archive in restore/: the last one from StageForRestart, else the
  // newest LevelKeep archive, else the only archive. It goes to applied/ with
  // NAME.applied.txt. Bad and older ones go to rejected/ with NAME.reason.txt;
  // the digests beside an archive move with it. With BadDrops::kStay bad ones
  // stay, and no archive is applied while another can't be. A bad archive is
  // never an error; a failing disk or an open database is.
  //
  // An archive is applied once: a file that could not be moved away (read-only
  // restore/) is recognised by name, size, time and digest and not applied
  // again. An archive from applied/ that is dropped again is applied again: a
  // copy has another inode or time, and one moved back by hand has left its
  // NAME.applied.txt behind. The rules are in drop_history.h.
  // REQUIRES: the database is closed.
  Result<DropOutcome> ApplyDropped(std::stop_token stop,
                                   BadDrops bad_drops = BadDrops::kMoveAside);
  // The drops that wait in restore/ now: those that the last ApplyDropped left
  // or rejected, until the file is gone or a later restore succeeded, and newer
  // ones. The log names each drop once. Any thread may call this at any time.
  std::vector<UnrestoredDrop> LookAtDrops() { return drops_.Look(); }

  // A checked, extracted and validated database in staging (R0..R5). Nothing
  // live has changed. Discard or the next start removes it.
  struct Staged {
    std::string id;
    std::string directory;
    RestoreOutcome outcome;
  };
  Result<Staged> Stage(const RestoreSource& source, const Work& work);
  // R6..R13: makes the staged database the live one. The old one is kept for
  // Undo, together with those that earlier restores replaced. If open_check
  // fails, the old database is put back and the error returned. kBusy if an
  // interrupted restore had to be finished first: its database is then live,
  // and nothing else was changed. REQUIRES: the database is closed in this
  // process.
  Result<RestoreOutcome> Apply(const Staged& staged);
  void Discard(const Staged& staged);

  // Swaps a kept old database back in, and keeps the present one, so that an
  // undo can be undone. The old database keeps its epoch: its history
  // continues. kNotFound if no database is kept; kBusy as for Apply. REQUIRES:
  // the database is closed in this process.
  Result<RestoreOutcome> Undo(UndoScope scope = UndoScope::kLast);
  // Undoes a restore before anybody has used it: the restored database is not
  // kept, and an undo leads to the same database as before the restore.
  Result<RestoreOutcome> TakeBack();
  // The database that Undo would put back, or the error of Undo. Writes
  // nothing; may be called at any time.
  Result<KeptDatabase> FindUndo(UndoScope scope) const;
  // May be called at any time from any thread.
  bool UndoAvailable() const;
  // The replaced databases, the last one first. Writes nothing; at any time.
  Result<std::vector<KeptDatabase>> ListKept() const;
  // Removes all kept databases. kBusy while an interrupted restore is pending.
  Status ForgetUndo();

  // Copies an archive into the drop folder. The next start prefers it to all
  // other drops. An older staged copy is removed.
  Status StageForRestart(const RestoreSource& source);
  // Removes the staged copy, if there is one, because a later restore has
  // succeeded.
  void ForgetStaged();
  // The error that StageForRestart of an archive of that name would return.
  // Writes nothing.
  Status JudgeStage(const ArchiveOutline& outline,
                    const std::string& name) const;

  // The error that ExtractTo would return before it writes. Writes nothing.
  Status JudgeExtract(const ArchiveOutline& outline,
                      const std::string& target_dir) const;
  // Extracts and validates into a new directory `target_dir`, which must not
  // exist or must be empty, and must not be a mount point. The live database is
  // not touched.
  Result<RestoreOutcome> ExtractTo(const RestoreSource& source,
                                   const std::string& target_dir,
                                   const Work& work);

 protected:
  RestoreContext context_;

 private:
  DropWatch drops_;
  std::unique_ptr<FileLock> instance_lock_;
  bool recovered_ = false;
};

// Finds levelkeep-check: `configured`, else beside the running program, in the
// build folder that the program runs in, or in the installed libexec directory.
// The message of kNotChecked lists these places.
Result<std::string> FindCheckProgram(FileSystem* fs,
                                     const std::string& configured);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_RESTORER_H_
