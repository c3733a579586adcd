// What LevelKeep does, each procedure once: create, verify, rotate, delete,
// pin, preview, restore, stage, undo, extract, inspect.
//
// Two callers: BackupManager beside a live database, and the program from
// outside. They differ in the Database that they bring. One file each:
//   engine.cc  backups/: locks, names, rotate, delete, pin
//   create.cc  from a snapshot to a published archive
//   verify.cc  three depths, and what is remembered of it; inspect
//   restore.cc preview, restore, stage, undo, extract

#ifndef LEVELKEEP_ENGINE_ENGINE_H_
#define LEVELKEEP_ENGINE_ENGINE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "archive/archive_reader.h"
#include "archive/archive_writer.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/work.h"
#include "catalog/catalog.h"
#include "engine/database.h"
#include "engine/platform.h"
#include "engine/reuse.h"
#include "format/manifest.h"
#include "levelkeep/options.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"
#include "restore/restorer.h"
#include "snapshot/snapshot.h"

namespace levelkeep {

struct BackupRequest {
  std::string label = {};
  std::string trigger = "manual";
  std::string db_epoch = {};  // Create finds it out
  std::optional<EventCount> events = {};
  Work work = {};
};

// What a name or a path leads to.
struct FoundBackup : CatalogEntry {
  // Somebody's file: only `name` and `path` are known, no sidecar is looked
  // for beside it, and nothing is remembered about it.
  bool by_path = false;
};

struct InspectReport {
  std::string path;
  uint64_t size_bytes = 0;
  bool own = false;
  std::shared_ptr<const Manifest> manifest;  // ours, and re-packed ones of ours
  // Names and sizes; of foreign archives after reading them through.
  std::vector<ManifestFile> files;
};

// Several processes may work on one backups/ (the server, the command line,
// the worker). Lock files in backups/.levelkeep/ keep apart, among them:
// create.lock  creates, rotations, deletions and sweeps
// verify.lock  verifications
// state.lock   changes of the small files: held for milliseconds
//
// What only reads (names, lists, PlanRotation, Preview, Inspect) creates no
// file, not even a lock file.
// Thread safety: all methods may be called concurrently, but Restore, Stage,
// Undo and Extract only one at a time.
class Engine {
 public:
  // What `platform` points to and `database` outlive this object; without
  // `database` it works from outside. Touches nothing yet.
  Engine(const BackupOptions& options, const Platform& platform,
         Database* database = nullptr);

  // --- backups/ (engine.cc)

  // Creates the folders.
  Status Prepare();
  // Removes what a killed process left over, unless another process is at
  // work there. Returns the names.
  Result<std::vector<std::string>> Sweep();

  // Exact, or quick and for showing: see Catalog.
  Result<std::shared_ptr<const Listing>> ListEntries() {
    return catalog_.List();
  }
  Result<std::shared_ptr<const Listing>> ListRecentEntries() {
    return catalog_.ListRecent();
  }
  // For showing.
  Result<std::vector<BackupInfo>> List();
  // See BackupManager::VisitBackups.
  Result<uint64_t> Visit(const std::function<bool(const BackupInfo&)>& visit,
                         const std::string& after = "");
  // Names that were never fully verified, oldest first.
  Result<std::vector<std::string>> PendingVerification();
  // A name, an unambiguous beginning of one, or "latest".
  Result<FoundBackup> Find(const std::string& name);
  // The same, or a path: anything with a slash, or an existing file that is
  // no backup's name.
  Result<FoundBackup> Locate(const std::string& source);

  // What Rotate would do.
  Result<std::vector<RotationDecision>> PlanRotation();
  // By the retention rules; oldest first, stops at the first error.
  Result<std::vector<RotationDecision>> Rotate();
  // kRefused for the newest verified backup, unless `force`; for a pinned
  // one, always.
  // Both take a whole name, or "latest".
  Status Delete(const std::string& name, bool force);
  Status Pin(const std::string& name, bool pinned);

  // --- create.cc

  // kNotFound: there is no database. kBusy names the other process.
  Result<BackupInfo> Create(BackupRequest request);
  // Holds backups/ for a create, rotation or deletion.
  Result<std::unique_ptr<FileLock>> LockForWriting();
  // C2..C7 of restore.md: writes, syncs, reads back, publishes. On any
  // failure no file is left. REQUIRES: LockForWriting's lock is held.
  Result<BackupInfo> Write(const Snapshot& snapshot,
                           const BackupRequest& request);
  // Rotate; `protect` stays whatever the rules say. REQUIRES: as Write.
  Result<std::vector<RotationDecision>> RemoveOld(
      const std::vector<std::string>& protect);

  // --- verify.cc

  // Needs BACKUP_DIR only. kCorruption says what is wrong; any other failure
  // says that there is no verdict, and why. All of them but kBusy and
  // kCancelled are recorded in the catalog. Reads an archive of ours once, and
  // once more in levelkeep-check for kFull.
  Result<VerifyReport> Verify(const FoundBackup& backup, VerifyDepth depth,
                              const Work& work);
  // For a check that was given up with the process: the next one takes it up.
  void NoteUnfinished(const FoundBackup& backup);
  Result<InspectReport> Inspect(const FoundBackup& backup, const Work& work);

  // --- restore.cc

  // What a restore would do.
  Result<RestorePreview> Preview(const FoundBackup& backup);
  // kBusy with the pid while another process has the database open.
  Result<RestoreReport> Restore(const FoundBackup& backup, const Work& work);
  // For the next start. Whoever asked is told now, not then, that an archive
  // is bad.
  Result<RestoreReport> Stage(const FoundBackup& backup, const Work& work);
  // kNotFound: there is no restore to undo.
  Result<RestoreReport> Undo(UndoScope scope);
  // Extracts a verified database into `target_dir`, which must not exist or
  // be empty; touches nothing else.
  Result<RestoreReport> Extract(const FoundBackup& backup,
                                const std::string& target_dir,
                                const Work& work);
  // The restorer's part of the options. kNotFound if levelkeep-check is
  // missing and the platform brings no checker.
  Result<RestorerOptions> NewRestorerOptions();
  // For the start of whoever keeps the storage to itself (BackupManager).
  // Fails as NewRestorerOptions. REQUIRES: called first by one thread alone.
  Result<Restorer*> OpenRestorer();
  // REQUIRES: OpenRestorer succeeded.
  Restorer* restorer() { return restorer_.get(); }

 private:
  Result<std::vector<RotationDecision>> Decide(
      const std::vector<std::string>& protect);
  Status CheckSpace(const SnapshotInfo& info, const CatalogEntry* previous);
  Result<ArchiveSummary> WritePart(const Snapshot& snapshot,
                                   const BackupRequest& request,
                                   const Listing& listing,
                                   const ReusePlan& reuse,
                                   const std::string& part, Time created);
  void Remember(const std::string& name, const Snapshot& snapshot,
                const BackupRequest& request, const ReusePlan& reuse,
                ArchiveSummary* summary);
  Result<std::string> Publish(const std::string& part, const std::string& label,
                              Time created, const Listing& listing);
  Status WriteSidecars(const std::string& name, const ArchiveSummary& summary);

  // What a verification finds out before its verdict.
  struct Content {
    VerifyReport report;
    std::string sha256;  // empty until it is known
  };
  // On a thread of its own, of options_.priority, as all that it starts.
  Status CheckAside(const FoundBackup& backup, VerifyDepth depth,
                    const Work& work, Content* content);
  Status CheckContent(const FoundBackup& backup, VerifyDepth depth,
                      const Work& work, Content* content);
  // `fault` of an archive, unless it is not the one that its sidecar describes:
  // then that comes first, whatever reading it ran into.
  // `sha256` gets the archive's; may be null.
  Status ExplainFault(const FoundBackup& backup, ArchiveReader* reader,
                      const Status& fault, const Work& work,
                      std::string* sha256 = nullptr);
  Status Record(const FoundBackup& backup, VerifyDepth depth,
                const Status& outcome, const std::string& sha256);
  Status RecordVerdict(const FoundBackup& backup, VerifyDepth depth,
                       const Status& verdict, const std::string& sha256);
  // Best effort: it is only to be shown, and for the time of the next try.
  void RecordNotChecked(const std::string& name, const std::string& reason);
  // Where the storage is ours: restores go by what was scanned for it.
  void RememberScan(const std::string& sha256);

  // The storage is ours, and what a crash interrupted is finished.
  Status RequireStorage();
  // The digest of the archive that was verified in full under this name, in
  // our folder, for this storage; empty: none was.
  std::string ScannedSha256(const FoundBackup& backup);
  Status OpenAndClose(const std::string& db_dir);
  using Swap = std::function<Result<RestoreOutcome>()>;
  // `swap_back` where the application can't open what `swap` put in place.
  Result<RestoreOutcome> SwapWhileClosed(const Swap& swap,
                                         const Swap& swap_back);

  // Waits for its turn, a few seconds at most: then kBusy.
  Result<std::unique_ptr<FileLock>> LockState();
  std::string StatePath(std::string_view name) const;

  const BackupOptions options_;
  const Platform platform_;
  FileSystem* const fs_;
  Clock* const clock_;
  std::unique_ptr<Database> outside_;  // when nobody brings one
  Database* const database_;
  Catalog catalog_;
  std::unique_ptr<Restorer> restorer_;
};

BackupInfo ToBackupInfo(const CatalogEntry& entry);

// kCorruption if the archive that was read is not the one that the backup's
// sidecar describes. No sidecar: ok.
Status CheckSidecar(const CatalogEntry& backup, const std::string& sha256);

}  // namespace levelkeep

#endif  // LEVELKEEP_ENGINE_ENGINE_H_
