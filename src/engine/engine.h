// What LevelKeep does, each procedure once: create, verify, rotate, delete,
// pin, preview, restore, stage, undo, extract, inspect.
//
// Two callers: BackupManager beside a live database, and the program from
// outside. They differ in the Database that they bring. One file each:
//   engine.cc  backups/: locks, names, rotate, delete, pin
//   ownership.cc  whose backups they are
//   create.cc  from a snapshot to a published archive
//   verify.cc  three depths, and what is remembered of it; inspect
//   preview.cc what restore, undo and extract would do, or be refused with
//   restore.cc restore, stage, undo, extract

#ifndef LEVELKEEP_ENGINE_ENGINE_H_
#define LEVELKEEP_ENGINE_ENGINE_H_

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "archive/archive_reader.h"
#include "archive/archive_writer.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/mutex.h"
#include "base/walk.h"
#include "base/work.h"
#include "catalog/catalog.h"
#include "catalog/database_records.h"
#include "dbfiles/identity.h"
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

// What levelkeep accept-loss would make of a database that lacks files.
struct LossPreview {
  std::string fault;              // what is wrong with the database
  uint64_t tables = 0, logs = 0;  // that are left and used
  bool rebuilt = false;           // tables listed anew: deleted keys come back
  std::string newest_backup;      // would lose less; empty: there is none
};

struct LossReport {
  std::string fault;
  uint64_t last_sequence = 0, bytes = 0;
  std::string epoch;  // the history of the new database
  std::string kept;   // where the old folder is now
};

struct BackupRequest {
  std::string label = {};
  std::string trigger = "manual";
  DatabaseIdentity database = {};  // Create finds it out
  std::optional<EventCount> events = {};
  Work work = {};
  // How long to wait for another process that is changing backups/, and who is
  // told once that this is so, and why; may be empty.
  std::chrono::milliseconds wait{0};
  std::function<void(const std::string& why)> on_wait = {};
};

// What adopting a database found out.
struct Adoption {
  DatabaseIdentity identity;
  std::string forked;  // why its present history began, if by a fork
  bool began = false;  // it began just now
  std::string gap;     // see StartReport::gap
};

// How much of a backup's name has to be said. A beginning is for those who only
// read and say which one it was; what replaces or removes something takes no
// guess.
enum class NameMatch { kWhole, kBeginning };

// At once, or by the next start.
enum class RestoreWay { kNow, kAtStart };

// What a name or a path leads to.
struct FoundBackup : CatalogEntry {
  // Somebody's file: only `name` and `path` are known, no sidecar is looked
  // for beside it, and nothing is remembered about it.
  bool by_path = false;
  // Opened by Engine::Open: what is looked at is what is restored, whatever
  // takes its name meanwhile. Not set: each procedure opens the path, once.
  std::shared_ptr<ArchiveReader> reader = nullptr;
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
// databases/ID/create.lock  creates, rotations and deletions by a database
// databases/ID/verify.lock  verifications of its backups; verify.lock: of
// others state.lock   changes of the small files: held for milliseconds Each
// part is locked while it is written.
//
// What only reads (names, lists, PlanRotation, Preview, Inspect) creates no
// file, not even a lock file, but for the probe of a Preview, which leaves
// nothing.
// Thread safety: all methods may be called concurrently, but Restore, Stage,
// Undo and Extract only one at a time.
class Engine {
 public:
  // What `platform` points to and `database` outlive this object; without
  // `database` it works from outside. Touches nothing yet.
  Engine(const BackupOptions& options, const Platform& platform,
         Database* database = nullptr);

  // --- backups/ (engine.cc)

  // These three walk with the start: see base/walk.h. Creates the folders.
  Status Prepare(const Walk& walk = Walk::Act());
  // kUnsupported: BACKUP_DIR is on a file system where no backups can be made
  // (base/folder_probe.h). Leaves nothing. One that may not be written is ok:
  // the log and health name it. REQUIRES: Prepare succeeded.
  Status CheckBackupFolder(const Walk& walk = Walk::Act());
  // kInvalidArgument: BACKUP_DIR or RESTORE_DIR leads into the database's
  // folder or our own beside it, perhaps by a link or a mount.
  Status CheckFolders() const;
  // Why the last rotation could not remove old backups; empty: it could.
  std::string RotationProblem() const {
    MutexLock lock(&rotation_mutex_);
    return rotation_problem_;
  }
  // Removes what a killed process left over, unless another process is at
  // work there. Returns the names.
  Result<std::vector<std::string>> Sweep(const Walk& walk = Walk::Act());
  // The same before a create or a rotation, if a part lies there: programs that
  // are started by a timer and killed would fill the disk. Never fails.
  void SweepParts();

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
  // A name or "latest"; with kBeginning also what only one name begins with.
  Result<FoundBackup> Find(const std::string& name,
                           NameMatch match = NameMatch::kWhole);
  // The same, or a path: anything with a slash, or an existing file that is
  // no backup's name.
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

  // What Rotate would do, or what it would be refused with.
  Result<std::vector<RotationDecision>> PlanRotation();
  // By the retention rules; oldest first, stops at the first error.
  Result<std::vector<RotationDecision>> Rotate();
  // kRefused for the newest verified backup, unless `force`; for a pinned
  // one, always.
  // Both take a whole name, or "latest".
  // kOtherDatabase for one of another database, unless that is meant.
  Status Delete(const std::string& name, bool force,
                bool other_database = false);
  Status Pin(const std::string& name, bool pinned);

  // --- ownership.cc

  // kRefused with the ways out: BACKUP_DIR remembers a database at this place,
  // and there is none (a volume that is not mounted).
  Status RequireDatabase() const;
  bool DatabasePresent() const;
  // Makes sure that the database has an identity and a history of its own: it
  // may be new, a copy of one that is in use, put back, or made anew. Then it
  // begins another history, and the log says why. With `attach` this object
  // counts as its writer until Release. REQUIRES: DatabasePresent().
  Result<Adoption> Adopt(bool attach);
  // Remembers what the database has reached. Nothing, if it is not attached.
  void Release();
  // Whose backups count: by the database's folder, else by its place. Writes
  // nothing.
  Owner ReadOwner() const;
  bool IsOther(const CatalogEntry& entry) const {
    return ReadOwner().IsOther(entry);
  }

  // --- create.cc

  // kNotFound: there is no database. kBusy names the other process.
  Result<BackupInfo> Create(BackupRequest request);
  // Holds backups/ for a create, rotation or deletion; kBusy where another
  // process does.
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
  // Where the jobs that work on a backup, or on the database of that identity,
  // are recorded (JobStore).
  std::string JobsFolder(const CatalogEntry& backup) const {
    return JoinPath(VerifyFolder(backup), kJobs);
  }
  std::string JobsFolder(const std::string& database_id) const {
    return JoinPath(records_.Folder(database_id), kJobs);
  }
  // How long to wait until a backup that could not be checked is tried again;
  // 0: it is due, or was never tried.
  std::chrono::milliseconds RestBeforeRecheck(const CatalogEntry& backup) const;
  // For a check that was given up with the process: the next one takes it up.
  void NoteUnfinished(const FoundBackup& backup);
  Result<InspectReport> Inspect(const FoundBackup& backup, const Work& work);

  // --- restore.cc: databases that lack files

  // See dbfiles/look.h; the hint names the newest backup of the database.
  Status RequireWhole();
  // The same, and RequireAccess: it can be opened, as far as looking tells.
  Status RequireUsable();
  // What accept-loss would do. kNotFound: the database lacks nothing.
  Result<LossPreview> PreviewLoss();
  // Puts a database in place that is made of what is left of the present one,
  // which is kept as by a restore. It begins another history, and BACKUP_DIR
  // remembers why. Errors as of Restore.
  Result<LossReport> AcceptLoss(const Work& work);

  // --- restore.cc

  // For a caller that looks first and then restores.
  Status Open(FoundBackup* backup);
  // What a restore would do, if it is not refused.
  Result<RestorePreview> Preview(const FoundBackup& backup);
  // Ok, or what a Restore or Stage would be refused with: begins as these
  // do, and reads all of the archive. What only opening the restored database
  // can tell is not known, unless a verification has told it.
  Status RehearseRestore(const FoundBackup& backup, const Work& work,
                         bool other_database = false,
                         RestoreWay way = RestoreWay::kNow);
  // The same of an Extract.
  Status RehearseExtract(const FoundBackup& backup,
                         const std::string& target_dir, const Work& work);
  // What Undo would put back, or what it would be refused with.
  Result<KeptDatabase> PreviewUndo(UndoScope scope);
  // kBusy with the pid while another process has the database open.
  // kOtherDatabase for a listed one of another database, unless that is meant.
  Result<RestoreReport> Restore(const FoundBackup& backup, const Work& work,
                                bool other_database = false);
  // For the next start. Whoever asked is told now, not then, that an archive
  // is bad.
  Result<RestoreReport> Stage(const FoundBackup& backup, const Work& work,
                              bool other_database = false);
  // kNotFound: there is no restore to undo.
  Result<RestoreReport> Undo(UndoScope scope);
  // What restores replaced, the last one first. Writes nothing.
  Result<std::vector<KeptDatabase>> ListKept();
  // Removes it for good. kBusy while another process has the database open.
  Status ForgetUndo();
  // R14: removes it when it has been kept long enough, and a backup that was
  // begun after the last exchange is verified in full. Nothing, while another
  // process manages the storage. Returns whether it did; the log says why it
  // could not.
  bool ForgetUndoWhenDue();
  // Extracts a verified database into `target_dir`, which must not exist or
  // be empty, and be no mount point; touches nothing else.
  Result<RestoreReport> Extract(const FoundBackup& backup,
                                const std::string& target_dir,
                                const Work& work);
  // kNotChecked: levelkeep-check is not there, and where it was looked for.
  // Backups go on without it; nothing is restored that was not proven before.
  Status RequireCheck() const;
  // A sentence about that; empty: it is there.
  std::string DescribeMissingCheck() const;
  // What a start and all dry runs warn of: no levelkeep-check, and limits of
  // this process that are too small for the database. Sentences.
  std::vector<std::string> Warnings();
  // The restorer's part of the options.
  RestorerOptions NewRestorerOptions();
  // For the start of whoever keeps the storage to itself (BackupManager).
  // REQUIRES: called first by one thread alone.
  Restorer* OpenRestorer();
  // REQUIRES: OpenRestorer was called.
  Restorer* restorer() { return restorer_.get(); }

 private:
  // Wherever it is.
  Result<std::unique_ptr<ArchiveReader>> OpenArchive(const FoundBackup& backup,
                                                     const Work& work);
  // The same, once that process has ended it, as `request` says; kCancelled
  // after a stop.
  Result<std::unique_ptr<FileLock>> WaitToWrite(const BackupRequest& request);
  std::string Place() const;
  // Of the database that was attached here, as BACKUP_DIR remembers it.
  std::string RememberedId() const;
  // Does somebody else write to a database of this identity? With `attach`
  // nobody else can from now on.
  Result<bool> IsCopy(const std::string& id, bool attach)
      REQUIRES_LOCK(writer_mutex_);
  // What Adopt has found out so far.
  struct Finding {
    DatabaseIdentity identity;
    std::optional<DatabaseHead> head;  // nothing: it can't be understood
    std::optional<DatabaseRecord> record;
    std::string gap;     // see Adoption
    std::string forked;  // why a new history has to begin; empty: none has
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
  // A restore is about to put this one in place.
  void ExpectHistory(const DatabaseIdentity& coming);
  Status RefuseOther(const FoundBackup& backup, bool other_database) const;

  Result<std::vector<RotationDecision>> Decide(
      const std::vector<std::string>& protect);
  Status CheckSpace(const SnapshotInfo& info, const CatalogEntry* previous);
  // What could be given up for space, for a hint; may be empty.
  std::string UndoHint();
  Result<ArchiveSummary> WritePart(const Snapshot& snapshot,
                                   const BackupRequest& request,
                                   const Listing& listing,
                                   const ReusePlan& reuse, Time created,
                                   FolderDestination::Part* part,
                                   Manifest* described);
  void Remember(const std::string& name, const Snapshot& snapshot,
                const BackupRequest& request, const ReusePlan& reuse,
                ArchiveSummary* summary);

  // What a verification finds out before its verdict.
  struct Content {
    VerifyReport report;
    std::string folder;  // whose lock is held; of its scratch files
    std::string sha256;  // empty until it is known
  };
  // On a thread of its own, of options_.resources.priority, as all that it
  // starts.
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

  // What to do about a process that has the database open, by the act.
  static constexpr char kStopIt[] = "stop it first";
  static constexpr char kStopItOrRestore[] =
      "stop it, use POST /api/backup/restore, or drop the file into "
      "RESTORE_DIR and restart it";
  static constexpr char kStopItOrUndo[] =
      "stop it, or use POST /api/backup/undo";
  Status RefuseStateLink() const;
  // `what` names the folder, which need not be there.
  Status RefuseInside(const std::string& what, const std::string& folder) const;
  Status RequireDropsApplied() const;
  Status RequireWorkFolder() const;
  // Empty: a backup fits into it, or there is none.
  std::string DescribeFileSizeLimit();
  // kBusy, with the hint `if_open`: a process has the database open.
  Status RequireClosed(const char* if_open) const;
  // Also of a restore of this backup, which it opens.
  Status JudgeRestore(FoundBackup* backup, bool other_database, RestoreWay way);
  // Every digest; returns the archive's own. REQUIRES: it was opened.
  Result<std::string> ReadThrough(const FoundBackup& backup, const Work& work);
  // The storage is ours, and what a crash interrupted is finished; or what
  // stands against a change of it.
  Status RequireStorage(const char* if_open, const Walk& walk = Walk::Act());
  bool UndoIsDue();
  Result<bool> ForgetDueUndo();
  // The digest of the archive that was verified in full under this name, in
  // our folder, for this storage; empty: none was.
  std::string ScannedSha256(const FoundBackup& backup);
  RestoreSource SourceOf(const FoundBackup& backup);
  // The same; kNotChecked if it would have to be checked, and can't be.
  Result<RestoreSource> CheckableSource(const FoundBackup& backup);
  Status OpenAndClose(const std::string& db_dir);
  Status CloseDatabase();
  using Swap = std::function<Result<RestoreOutcome>()>;
  // `swap_back` where the application can't open what `swap` put in place.
  Result<RestoreOutcome> SwapWhileClosed(const Swap& swap,
                                         const Swap& swap_back);

  // Where a verification is locked and has its scratch folder: those of two
  // databases do not wait for each other.
  std::string VerifyFolder(const CatalogEntry& backup) const;
  // What killed verifications left in such a folder.
  Status SweepScratch(const std::string& folder,
                      std::vector<std::string>* swept);
  // REQUIRES: its lock is held.
  Status RemoveScratch(const std::string& folder,
                       std::vector<std::string>* swept);
  std::string StatePath(std::string_view name) const;

  static constexpr char kVerifyLock[] = "verify.lock";
  static constexpr char kJobs[] = "jobs";

  const BackupOptions options_;
  const Platform platform_;
  FileSystem* const fs_;
  Clock* const clock_;
  std::unique_ptr<Database> outside_;  // when nobody brings one
  Database* const database_;
  const DatabaseRecords records_;
  Catalog catalog_;
  mutable Mutex rotation_mutex_;
  std::string rotation_problem_ GUARDED_BY(rotation_mutex_);
  mutable Mutex writer_mutex_;
  // While the database is attached.
  std::unique_ptr<FileLock> writer_ GUARDED_BY(writer_mutex_);
  std::string writer_id_ GUARDED_BY(writer_mutex_);
  std::unique_ptr<Restorer> restorer_;
};

BackupInfo ToBackupInfo(const CatalogEntry& entry, bool other_database = false);

// kCorruption if the archive that was read is not the one that the backup's
// sidecar describes. No sidecar: ok.
Status CheckSidecar(const CatalogEntry& backup, const std::string& sha256);

}  // namespace levelkeep

#endif  // LEVELKEEP_ENGINE_ENGINE_H_
