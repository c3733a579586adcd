// LevelKeep's procedures, each implemented once: create, verify, rotate,
// delete, pin, preview, restore, stage, undo, extract, inspect.
//
// There are two callers: BackupManager beside a live database, and the program
// from outside. They differ in the Database that they pass in. The files:
//   engine.cc     backups/: locks, names, delete, pin
//   rotation.cc   rotate, and what the next rotations will do
//   chain.cc      the ledger of removed backups, and what the chain proves
//   ownership.cc  which database the backups belong to
//   create.cc     from a snapshot to a published archive
//   verify.cc     three depths, and the record of the verdict; inspect
//   drill.cc      a restore into a scratch folder, and the record of it
//   preview.cc    what restore, undo and extract would do, or why they refuse
//   restore.cc    restore, stage, undo, extract

#ifndef LEVELKEEP_ENGINE_ENGINE_H_
#define LEVELKEEP_ENGINE_ENGINE_H_

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "archive/archive_reader.h"
#include "archive/archive_writer.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/live_value.h"
#include "base/mutex.h"
#include "base/walk.h"
#include "base/work.h"
#include "catalog/catalog.h"
#include "catalog/database_records.h"
#include "catalog/in_use.h"
#include "catalog/retention.h"
#include "dbfiles/identity.h"
#include "engine/chain.h"
#include "engine/database.h"
#include "engine/engine_types.h"
#include "engine/reuse.h"
#include "format/manifest.h"
#include "levelkeep/options.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"
#include "restore/restorer.h"
#include "snapshot/snapshot.h"

namespace levelkeep {

// Several processes may work on one backups/ (the server, the command line, the
// worker). Lock files in backups/.levelkeep/ exclude, among these processes:
// databases/ID/create.lock  creates, rotations and deletions for one database
// databases/ID/verify.lock  verifications of that database's backups
// verify.lock               verifications of other backups
// state.lock                changes of the small files: held for milliseconds
// Each part is locked while it is written.
//
// Methods that only read (names, lists, PlanRotation, Preview, Inspect) create
// no file, not even a lock file. The one exception is the probe of a Preview,
// which removes its file again.
// Thread safety: all methods may be called concurrently, except Restore, Stage,
// Undo and Extract: only one of these at a time.
class Engine {
 public:
  // `database` and the objects that `platform` points to must outlive this
  // object; without `database` the engine works from outside. Touches no file
  // yet.
  Engine(const BackupOptions& options, const Platform& platform,
         Database* database = nullptr);

  // The present options. References stay valid. Reload replaces the options
  // that are read anew for each use (kReloadable in config/setting_rows.cc).
  const BackupOptions& options() const { return live_.Get(); }
  void Reload(BackupOptions options) { live_.Set(std::move(options)); }

  // --- backups/ (engine.cc)

  // Prepare, CheckBackupFolder and Sweep take part in the walk of a start: see
  // base/walk.h. Prepare creates the folders.
  Status Prepare(const Walk& walk = Walk::Act());
  // kUnsupported: BACKUP_DIR is on a file system where backups are impossible
  // (base/folder_probe.h). Leaves no file. A folder without write permission is
  // ok here: the log and health report it. REQUIRES: Prepare succeeded.
  Status CheckBackupFolder(const Walk& walk = Walk::Act());
  // kInvalidArgument: BACKUP_DIR or RESTORE_DIR leads into the database's
  // folder or into our work folder beside it, perhaps by a link or a mount.
  Status CheckFolders() const;
  // Removes the files that a killed process left, unless another process is
  // working in that folder. Returns their names.
  Result<std::vector<std::string>> Sweep(const Walk& walk = Walk::Act());
  // Sweeps before a create or a rotation if a part is left there: programs that
  // a timer starts and kills would fill the disk. Never fails.
  void SweepParts();

  // The exact list, or the quick one for display: see Catalog.
  Result<std::shared_ptr<const Listing>> ListEntries() {
    return catalog_.List();
  }
  Result<std::shared_ptr<const Listing>> ListRecentEntries() {
    return catalog_.ListRecent();
  }
  // The list for display.
  Result<std::vector<BackupInfo>> List();
  // See BackupManager::VisitBackups.
  Result<uint64_t> Visit(const std::function<bool(const BackupInfo&)>& visit,
                         const std::string& after = "");
  // Names of backups without a full verification, oldest first.
  Result<std::vector<std::string>> PendingVerification();
  // Finds a backup by name or by "latest"; with kBeginning also by the unique
  // beginning of a name.
  Result<FoundBackup> Find(const std::string& name,
                           NameMatch match = NameMatch::kWhole);
  // As Find, and also accepts a path: any text with a slash, or an existing
  // file whose name is not the name of a backup.
  Result<FoundBackup> Locate(const std::string& source,
                             NameMatch match = NameMatch::kWhole);

  // See Catalog::Open and Catalog::AddDestination.
  Result<Catalog::OpenedBackup> OpenBytes(const CatalogEntry& backup,
                                          const Work& work) {
    return catalog_.Open(backup, work);
  }
  void AddDestination(Destination* destination) {
    catalog_.AddDestination(destination);
  }

  // Marks a backup of the folder as being read: rotation leaves it as long as
  // the mark lives. Null for other files, or if that is impossible; see InUse.
  InUseMark MarkInUse(const FoundBackup& backup) {
    const bool ours = !backup.by_path && backup.is_local();
    return ours ? in_use_.Mark(backup.name) : nullptr;
  }
  // Delete and Pin take a whole name or "latest". kRefused for a pinned backup,
  // and, unless `force`, for the newest verified one. kOtherDatabase for a
  // backup of another database, unless `other_database`.
  Status Delete(const std::string& name, bool force,
                bool other_database = false);
  Status Pin(const std::string& name, bool pinned);
  // See Catalog::RecordCovered. A failure is logged: it costs no backup.
  void NoteCovered(const std::string& name);

  // --- rotation.cc

  // The decisions that Rotate would take, or the error that it would return,
  // and what the next 30 days would remove.
  Result<RotationPlan> PlanRotation();
  // Removes backups by the retention rules, oldest first; stops at the first
  // error.
  Result<std::vector<RotationDecision>> Rotate();
  // Rotates, but keeps the backups in `protect` whatever the rules say.
  // REQUIRES: LockForWriting's lock is held.
  Result<std::vector<RotationDecision>> RemoveOld(
      const std::vector<std::string>& protect);
  // The rules of the settings. kInvalidArgument: the time zone is gone.
  Result<RetentionPolicy> Policy() const;
  // Why the last rotation could not remove old backups; empty: it succeeded.
  std::string RotationProblem() const;
  // Why the last rotation left more bytes than BACKUP_MAX_BYTES; empty: it did
  // not.
  std::string CapProblem() const;

  const BackupChain& chain() const { return chain_; }

  // --- ownership.cc

  // kRefused with the possible ways out: BACKUP_DIR remembers a database at
  // this place, but there is none (for example because a volume is not
  // mounted).
  Status RequireDatabase() const;
  bool DatabasePresent() const;
  // Makes sure that the database has its own identity and its own history. A
  // database that is new, a copy of one in use, put back or rebuilt begins a
  // new history, and the log says why. With `attach`, this object counts as the
  // database's writer until Release. REQUIRES: DatabasePresent().
  Result<Adoption> Adopt(bool attach);
  // Records the last write of the database. Does nothing if no database is
  // attached.
  void Release();
  // The database whose backups count: identified by its folder, or else by its
  // place. Writes nothing.
  Owner ReadOwner() const;
  bool IsOther(const CatalogEntry& entry) const {
    return ReadOwner().IsOther(entry);
  }

  // --- create.cc

  // kNotFound: there is no database. kBusy: the message names the other
  // process.
  Result<BackupInfo> Create(BackupRequest request);
  // Locks backups/ for a create, rotation or deletion; kBusy if another process
  // holds the lock.
  Result<std::unique_ptr<FileLock>> LockForWriting();
  // Steps C2..C7 of restore.md: writes, syncs, reads back, publishes. After any
  // failure no file is left. REQUIRES: LockForWriting's lock is held.
  Result<BackupInfo> Write(const Snapshot& snapshot,
                           const BackupRequest& request);
  // The backup that the last restore made of the database that it replaced
  // (BACKUP_BEFORE_RESTORE), once; empty: none.
  std::string TakeUnverified() { return std::exchange(unverified_, ""); }
  // --- verify.cc

  // Needs BACKUP_DIR only. kCorruption says what is wrong; any other failure
  // means that there is no verdict, and says why. The catalog records every
  // outcome except kBusy and kCancelled. Reads an archive of ours once, and for
  // kFull once more in levelkeep-check.
  Result<VerifyReport> Verify(const FoundBackup& backup, VerifyDepth depth,
                              const Work& work);
  // The folder in which JobStore records the jobs that work on a backup, or on
  // the database of that identity.
  std::string JobsFolder(const CatalogEntry& backup) const {
    return JoinPath(VerifyFolder(backup), kJobs);
  }
  std::string JobsFolder(const std::string& database_id) const {
    return JoinPath(records_.Folder(database_id), kJobs);
  }
  // Those of all databases.
  std::vector<std::string> JobsFolders() const;
  // How long to wait before a backup that could not be checked is tried again;
  // 0 if it is due or was never tried.
  std::chrono::milliseconds RestBeforeRecheck(const CatalogEntry& backup) const;
  // Records that a check stopped with its process, so that the next process
  // repeats it.
  void NoteUnfinished(const FoundBackup& backup);
  Result<InspectReport> Inspect(const FoundBackup& backup, const Work& work);

  // --- drill.cc

  // Restores a listed backup into a scratch folder, where a restore would
  // write, compares it with its manifest and removes it. Errors as of Verify.
  // All but kBusy, kCancelled and kNotFound are recorded; damage and success
  // also as those of a full verification.
  Result<DrillReport> Drill(const FoundBackup& backup, const Work& work);
  // See DrillRecords. Never fails.
  void RecordDrill(const FoundBackup& backup, const DrillReport& report);

  // --- restore.cc: databases that lack files

  // See dbfiles/database_files.h. The hint of an error names the newest backup
  // of the database.
  Status RequireWhole();
  // RequireWhole and RequireAccess: the database can be opened, as far as can
  // be seen without opening it.
  Status RequireUsable();
  // The result that AcceptLoss would have. kNotFound: the database lacks
  // nothing.
  Result<LossPreview> PreviewLoss();
  // Builds a database from the remaining files of the present one and puts it
  // in its place; the present one is kept as after a restore. The new database
  // begins another history, and BACKUP_DIR records why. Errors as of Restore.
  Result<LossReport> AcceptLoss(const Work& work);

  // --- restore.cc

  // Opens the archive for a caller that first examines and then restores it.
  Status Open(FoundBackup* backup);
  // The result that a restore would have, if it is not refused.
  Result<RestorePreview> Preview(const FoundBackup& backup);
  // Ok, or the error with which Restore or Stage would refuse: takes the same
  // first steps and reads the whole archive. Faults that show only when the
  // restored database is opened stay unknown, unless a verification has found
  // them.
  Status RehearseRestore(const FoundBackup& backup, const Work& work,
                         bool other_database = false,
                         RestoreWay way = RestoreWay::kNow);
  // The same rehearsal for an Extract.
  Status RehearseExtract(const FoundBackup& backup,
                         const std::string& target_dir, const Work& work);
  // The database that Undo would put back, or the error that it would return.
  Result<KeptDatabase> PreviewUndo(UndoScope scope);
  // kBusy with the pid if another process has the database open. kOtherDatabase
  // for a listed backup of another database, unless `other_database`.
  Result<RestoreReport> Restore(const FoundBackup& backup, const Work& work,
                                bool other_database = false);
  // Prepares a restore at the next start. A bad archive is reported now, to the
  // caller, and not at that start.
  Result<RestoreReport> Stage(const FoundBackup& backup, const Work& work,
                              bool other_database = false);
  // kNotFound: there is no restore to undo.
  Result<RestoreReport> Undo(UndoScope scope);
  // The databases that restores replaced, the newest restore first. Writes
  // nothing.
  Result<std::vector<KeptDatabase>> ListKept();
  // Removes all replaced databases for good. kBusy if another process has the
  // database open.
  Status ForgetUndo();
  // R14: removes the replaced databases when they have been kept long enough
  // and a backup that began after the last exchange is verified in full. Does
  // nothing if another process manages the storage. Returns true if it removed
  // them; the log says why it could not.
  bool ForgetUndoWhenDue();
  // Extracts a verified database into `target_dir`, which must be missing or
  // empty, and must not be a mount point; touches nothing else.
  Result<RestoreReport> Extract(const FoundBackup& backup,
                                const std::string& target_dir,
                                const Work& work);
  // kNotChecked: levelkeep-check is missing; the message says where it was
  // looked for. Backups continue without it, but only backups that were
  // verified before are restored.
  Status RequireCheck() const;
  // A sentence that levelkeep-check is missing; empty: it is present.
  std::string DescribeMissingCheck() const;
  // Sentences for a start and all dry runs: levelkeep-check is missing, or
  // limits of this process are too small for the database.
  std::vector<std::string> Warnings();
  // The options that concern the restorer.
  RestorerOptions NewRestorerOptions();
  // For a start that has exclusive use of the storage (BackupManager).
  // REQUIRES: the first call is made by one thread alone.
  Restorer* OpenRestorer();
  // REQUIRES: OpenRestorer was called.
  Restorer* restorer() { return restorer_.get(); }

 private:
  // Opens the archive at any destination.
  Result<std::unique_ptr<ArchiveReader>> OpenArchive(const FoundBackup& backup,
                                                     const Work& work);
  // As LockForWriting, but waits for the other process as `request` says;
  // kCancelled after a stop.
  Result<std::unique_ptr<FileLock>> WaitToWrite(const BackupRequest& request);
  void BackUpBeforeExchange(std::stop_token stop);
  std::string Place() const;
  // The identity of the attached database, as BACKUP_DIR remembers it.
  std::string RememberedId() const;
  // True if another process writes to a database of this identity. With
  // `attach`, no other process can do so from now on.
  Result<bool> IsCopy(const std::string& id, bool attach)
      REQUIRES_LOCK(writer_mutex_);
  // The intermediate results of Adopt.
  struct Finding {
    DatabaseIdentity identity;
    std::optional<DatabaseHead> head;  // nothing: it can't be read
    std::optional<DatabaseRecord> record;
    std::string gap;     // see Adoption
    std::string forked;  // why a new history must begin; empty: no need
  };
  Status NameDatabase(Finding* finding) const;
  Status PartFromOriginal(bool attach, Finding* finding)
      REQUIRES_LOCK(writer_mutex_);
  Adoption Conclude(const Finding& finding, bool attach);
  Result<bool> MayBeCopy(const std::optional<DatabaseRecord>& record);
  bool IsAdopted() const;
  void RememberLoss(const std::string& fault);
  void StoreDatabase(const DatabaseRecord& record);
  void RememberHead(const DatabaseHead& head);
  // Records that a restore is about to put the database `coming` in place.
  void ExpectHistory(const DatabaseIdentity& coming);
  Status RefuseOther(const FoundBackup& backup, bool other_database) const;

  struct Judgement;  // see rotation.cc
  Result<Judgement> Decide(std::vector<std::string> protect,
                           InUse::LeftOvers left_overs);
  std::string RestoredBackup();
  std::string DescribeCap(const Judgement& judgement) const;
  // When the backups of the next 30 days are expected.
  std::vector<Time> ComingBackups(
      const std::vector<RetentionItem>& items) const;
  void Forecast(const Judgement& judgement, RotationPlan* plan) const;
  Status RemoveDecided(const std::vector<RotationDecision>& decisions);
  Status CheckSpace(const SnapshotInfo& info, const CatalogEntry* previous);
  Result<ArchiveSummary> WritePart(const Snapshot& snapshot,
                                   const BackupRequest& request,
                                   const Listing& listing,
                                   const ReusePlan& reuse, Time created,
                                   FolderDestination::Part* part,
                                   Manifest* described);
  void Remember(const std::string& name, const Snapshot& snapshot,
                const BackupRequest& request, const ReusePlan& reuse,
                ArchiveSummary* summary);

  // The results that a verification has before its verdict.
  struct Content {
    VerifyReport report;
    std::string folder;  // the locked folder for scratch files
    std::string sha256;  // empty until it is known
  };
  // As OpenArchive; `sha256` receives the digest of a file that is no archive.
  Result<std::unique_ptr<ArchiveReader>> OpenToCheck(const FoundBackup& backup,
                                                     const Work& work,
                                                     std::string* sha256);
  Status RestoreAside(const FoundBackup& backup, const Work& work,
                      Content* content, DrillReport* report);
  RestoreContext PacedContext(uint64_t content_bytes, int timeout);
  Status CheckContent(const FoundBackup& backup, VerifyDepth depth,
                      const Work& work, Content* content);
  // Returns `fault` of an archive, or, if the archive is not the one that its
  // sidecar describes, that error instead. `sha256` receives the archive's
  // digest; may be null.
  Status ExplainFault(const FoundBackup& backup, ArchiveReader* reader,
                      const Status& fault, const Work& work,
                      std::string* sha256 = nullptr);
  Status Record(const FoundBackup& backup, VerifyDepth depth,
                const Status& outcome, const std::string& sha256);
  // Draws the consequences of a verification that has passed.
  Status Honour(const FoundBackup& backup, VerifyDepth depth,
                const Content& content);
  Status RecordVerdict(const FoundBackup& backup, VerifyDepth depth,
                       const Status& verdict, const std::string& sha256);
  // Best effort: the record is only shown, and used for the time of the next
  // try.
  void RecordNotChecked(const std::string& name, const std::string& reason);
  // Does nothing unless the storage is ours: restores trust the recorded scans.
  void RememberScan(const std::string& sha256);

  // What to do about a process that has the database open, for each operation.
  static constexpr char kStopIt[] = "stop it first";
  static constexpr char kStopItOrRestore[] =
      "stop it, use POST /api/backup/restore, or drop the file into "
      "RESTORE_DIR and restart it";
  static constexpr char kStopItOrUndo[] =
      "stop it, or use POST /api/backup/undo";
  Status RefuseStateLink() const;
  // `what` names the folder for messages. The folder may be missing.
  Status RefuseInside(const std::string& what, const std::string& folder) const;
  Status RequireDropsApplied() const;
  Status RequireWorkFolder() const;
  // Empty: the limit allows a backup, or there is no limit.
  std::string DescribeFileSizeLimit();
  // kBusy with the hint `if_open` if a process has the database open.
  Status RequireClosed(const char* if_open) const;
  // Also checks whether this backup may be restored; opens the backup.
  Status JudgeRestore(FoundBackup* backup, bool other_database, RestoreWay way);
  // Checks every digest; returns the digest of the archive. REQUIRES: the
  // backup is open.
  Result<std::string> ReadThrough(const FoundBackup& backup, const Work& work);
  // Ok if the storage is ours and any operation that a crash interrupted is
  // finished; otherwise the reason why the storage must not be changed.
  Status RequireStorage(const char* if_open, const Walk& walk = Walk::Act());
  bool UndoIsDue();
  Result<bool> ForgetDueUndo();
  // The digest of the archive that was verified in full under this name, in our
  // folder, for this storage; empty: none was.
  std::string ScannedSha256(const FoundBackup& backup);
  RestoreSource SourceOf(const FoundBackup& backup);
  // As ScannedSha256; kNotChecked if the backup needs a check that is
  // impossible here.
  Result<RestoreSource> CheckableSource(const FoundBackup& backup);
  Status OpenAndClose(const std::string& db_dir);
  Status CloseDatabase();
  using Swap = std::function<Result<RestoreOutcome>()>;
  // Calls `swap_back` if the application can't open the database that `swap`
  // put in place.
  Result<RestoreOutcome> SwapWhileClosed(const Swap& swap,
                                         const Swap& swap_back);

  // The folder of a verification's lock and scratch files. Each database has
  // its own, so that verifications of two databases do not wait.
  std::string VerifyFolder(const CatalogEntry& backup) const;
  // Removes the files that killed verifications left in such a folder.
  Status SweepScratch(const std::string& folder,
                      std::vector<std::string>* swept);
  // REQUIRES: the lock of `folder` is held.
  Status RemoveScratch(const std::string& folder,
                       std::vector<std::string>* swept);
  std::string StatePath(std::string_view name) const;

  static constexpr char kVerifyLock[] = "verify.lock";
  static constexpr char kJobs[] = "jobs";

  const BackupOptions options_;  // of the start
  LiveValue<BackupOptions> live_;
  const Platform platform_;
  FileSystem* const fs_;
  Clock* const clock_;
  std::unique_ptr<Database> outside_;  // if the caller passed none
  Database* const database_;
  const DatabaseRecords records_;
  Catalog catalog_;
  const BackupChain chain_;
  InUse in_use_;
  mutable Mutex rotation_mutex_;
  std::string rotation_problem_ GUARDED_BY(rotation_mutex_);
  std::string cap_problem_ GUARDED_BY(rotation_mutex_);
  mutable Mutex writer_mutex_;
  // Set while the database is attached.
  std::unique_ptr<FileLock> writer_ GUARDED_BY(writer_mutex_);
  std::string writer_id_ GUARDED_BY(writer_mutex_);
  std::unique_ptr<Restorer> restorer_;
  std::string unverified_;
  bool replaced_is_saved_ = false;  // during Restore
};

BackupInfo ToBackupInfo(const CatalogEntry& entry, bool other_database = false);

// kCorruption if the archive that was read is not the one that the backup's
// sidecar describes. Without a sidecar: ok.
Status CheckSidecar(const CatalogEntry& backup, const std::string& sha256);

}  // namespace levelkeep

#endif  // LEVELKEEP_ENGINE_ENGINE_H_
