// backups/ and all that can be done to it: write, list, rotate, delete,
// verify. Knows nothing of a live database; needs no storage folder.

#ifndef LEVELKEEP_MANAGER_BACKUP_SET_H_
#define LEVELKEEP_MANAGER_BACKUP_SET_H_

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "archive/archive_writer.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "catalog/catalog.h"
#include "levelkeep/backup_manager.h"
#include "levelkeep/options.h"
#include "levelkeep/status.h"
#include "manager/platform.h"
#include "manager/reuse.h"
#include "snapshot/snapshot.h"

namespace levelkeep {

struct BackupRequest {
  std::string label;
  std::string trigger;
  std::string db_epoch;
  std::optional<EventCount> events;
  std::stop_token stop;
  std::function<void(double)> progress;
};

// Several processes may work on one folder (the server, the command line,
// the worker). Lock files in backups/.levelkeep/ keep apart, among them:
// create.lock  creates, rotations, deletions and sweeps
// verify.lock  verifications
// state.lock   changes of the small files: held for milliseconds
// Thread safety: all methods may be called concurrently.
class BackupSet {
 public:
  // `fs`, `clock` and what `platform` points to outlive this object.
  BackupSet(const BackupOptions& options, FileSystem* fs, Clock* clock);
  BackupSet(const BackupOptions& options, const Platform& platform);

  // Creates the folders.
  Status Prepare();
  // Removes what a killed process left over, unless another process is at
  // work there. Returns the names.
  Result<std::vector<std::string>> Sweep();

  // Holds the folder for a create, rotation or deletion.
  // kBusy names the other process.
  Result<std::unique_ptr<FileLock>> LockForWriting();

  // C2..C7 of restore.md: writes, syncs, reads back, publishes. On any
  // failure no file is left. REQUIRES: `lock` from LockForWriting.
  Result<BackupInfo> Write(const Snapshot& snapshot,
                           const BackupRequest& request, const FileLock& lock);

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
  // A name, an unambiguous beginning of one, or "latest".
  Result<BackupInfo> Find(const std::string& name);
  Result<CatalogEntry> FindEntry(const std::string& name);
  // The digest of the backup's archive if it was verified in full; else, and
  // for what is no backup of the folder, empty.
  std::string ScannedSha256(const std::string& name);

  // By the retention rules; oldest first, stops at the first error.
  // `protect` stays whatever the rules say. REQUIRES: as Write.
  Result<std::vector<RotationDecision>> Rotate(
      bool dry_run, const std::vector<std::string>& protect,
      const FileLock& lock);
  // kRefused for the newest verified backup, unless `force`; for a pinned
  // one, always. REQUIRES: as Write.
  Status Delete(const std::string& name, bool force, const FileLock& lock);
  Status Pin(const std::string& name, bool pinned);

  // `source` is as for Find, or a path (anything with a slash). Results on
  // backups of the folder are recorded in the catalog.
  Result<VerifyReport> Verify(
      const std::string& source, VerifyDepth depth, std::stop_token stop,
      const std::function<void(double)>& progress = nullptr);
  // Names that were never fully verified, oldest first.
  Result<std::vector<std::string>> PendingVerification();

 private:
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
  // On a thread of its own, of options_.priority, as all that it starts.
  Status CheckAside(const CatalogEntry& entry, VerifyDepth depth,
                    std::stop_token stop,
                    const std::function<void(double)>& progress,
                    VerifyReport* report, std::string* sha256);
  Status CheckContent(const CatalogEntry& entry, VerifyDepth depth,
                      std::stop_token stop,
                      const std::function<void(double)>& progress,
                      VerifyReport* report, std::string* sha256);
  // Waits for its turn, a few seconds at most: then kBusy.
  Result<std::unique_ptr<FileLock>> LockState();
  std::string StatePath(std::string_view name) const;

  const BackupOptions options_;
  const Platform platform_;
  FileSystem* const fs_;
  Clock* const clock_;
  Catalog catalog_;
};

BackupInfo ToBackupInfo(const CatalogEntry& entry);

// kCorruption if the archive that was read is not the one that the backup's
// sidecar describes. No sidecar: ok.
Status CheckSidecar(const BackupInfo& backup, const std::string& sha256);

}  // namespace levelkeep

#endif  // LEVELKEEP_MANAGER_BACKUP_SET_H_
