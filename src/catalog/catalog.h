// The contents of backups/.

#ifndef LEVELKEEP_CATALOG_CATALOG_H_
#define LEVELKEEP_CATALOG_CATALOG_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/mutex.h"
#include "catalog/listing.h"
#include "destination/folder_destination.h"
#include "format/backup_name.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Keeps the list of backups in memory and reads only what changed on disk
// (size, mtime or inode of the archive, its sidecar or its state file).
//
// A verification counts only if its record is ours: the state file belongs to
// our user or root, nobody else may write the file, and it names the archive's
// SHA-256. A pin always counts, because it only keeps more.
//
// A backup without an archive in the folder is listed as long as its state file
// names a copy elsewhere. Its manifest, size and verification come from the
// state file. The same is true, without opening it, of an archive in the folder
// that is still the published file.
//
// Each entry with the name of a backup is listed; one that is not a regular
// file (a link, a folder, a FIFO) is "unreadable" and never followed or
// removed.
// Thread safety: all methods may be called concurrently. No call waits for the
// disk access of another one, except calls that change the small files: they
// hold the folder's state lock (destination/folder_destination.h), also between
// processes, and return kBusy if they waited too long for it.
class Catalog {
 public:
  // How stale ListRecent may be about files that were changed in place: past
  // kRefreshAge it rescans in the background, past kMaxAge its caller waits for
  // a rescan.
  static constexpr std::chrono::seconds kRefreshAge{5};
  static constexpr std::chrono::seconds kMaxAge{60};

  // Tells which database's backups count. Called for each scan of all files, by
  // any thread.
  using OwnerSource = std::function<Owner()>;

  // The pointers are not owned and must outlive this object. Without `owner` no
  // database is known.
  Catalog(FileSystem* fs, std::string directory, Clock* clock = Clock::System(),
          OwnerSource owner = nullptr);
  // Waits for the file that the background scan is reading.
  ~Catalog() = default;
  Catalog(const Catalog&) = delete;
  Catalog& operator=(const Catalog&) = delete;

  const std::string& directory() const { return directory_; }
  // kNotFound: there is no such directory. Callers must not treat this as a
  // directory without backups.
  Status RequireDirectory() const;
  // The present content: looks at every file. Use it for all decisions. Fails
  // as RequireDirectory.
  Result<std::shared_ptr<const Listing>> List();
  // A list for display. It has every file that was added, removed or renamed by
  // any process, because the times of the two folders show this. A file that
  // was written in place is seen by the first call more than kMaxAge later, or
  // shortly after a call more than kRefreshAge later.
  Result<std::shared_ptr<const Listing>> ListRecent();
  // `name` is a backup name or "latest": the newest own backup with a manifest
  // that is not known to be damaged. Looks at the files of that backup.
  // kNotFound with a hint; kInvalidArgument if it is not a backup name, or if
  // "latest" could mean backups of several databases.
  Result<CatalogEntry> Find(const std::string& name);
  // Opens the archive of a backup: the file in the folder, or else the first
  // copy that is available. kNotFound: it is gone; kRefused: it is not an
  // archive; kUnsupported: its destination is not configured here.
  struct OpenedBackup {
    std::shared_ptr<const ByteSource> bytes;
    StoredObject object;
  };
  Result<OpenedBackup> Open(const CatalogEntry& entry, const Work& work);
  // Adds a place where copies may be. It must outlive this object. REQUIRES:
  // called before other threads use the catalog.
  void AddDestination(Destination* destination) {
    destinations_.push_back(destination);
  }
  // Records that a copy of the archive is in another destination. Replaces the
  // earlier record for that destination.
  Status AddCopy(const std::string& name, const BackupCopy& copy);
  // A pass at a lower depth does not replace the result of a deeper check.
  // `sha256` is the digest of the checked archive; empty: the one in its
  // sidecar.
  Status RecordVerification(const std::string& name, const VerifyRecord& record,
                            const std::string& sha256 = "");
  // Records that a check could not be done at `at`. Earlier results stay.
  Status RecordNotChecked(const std::string& name, const std::string& reason,
                          Time at);
  // Records that the database had no other writes at `until`.
  Status RecordCovered(const std::string& name, Time until);
  Status SetPinned(const std::string& name, bool pinned);
  // Removes archive, sidecars and state file, in this order: a crash in between
  // leaves files that Sweep removes, never an archive without its digest.
  // Synced. kNotFound; kRefused if it is not a regular file.
  Status Remove(const std::string& name);
  // Removes temporary files (unless a process holds a lock on them), claims of
  // names (base/file_system.h), and sidecars and state files without an
  // archive. Returns the names of the removed files.
  Result<std::vector<std::string>> Sweep();
  // The SHA-256 that the backup had when it was made, as its state file has it;
  // empty: it is not known, or the file is not ours.
  std::string RecordedSha256(const std::string& name) const;
  // The owner may have changed: the next listing asks OwnerSource again.
  void ForgetOwner() { NoteChange(); }
  // Writes "<hex>  <name>\n" beside the archive, durably.
  Status WriteSidecar(const std::string& name, DigestKind kind,
                      const std::string& hex);

  // --- publishing: a part becomes a backup

  struct NewBackup {
    Time created;
    std::string label;
    std::string sha256;
    std::string md5;           // empty: no md5 sidecar
    Manifest manifest;         // may lack its list of files
    std::string warning = {};  // see BackupState
  };
  // Gives a written and synced part the first free name of its second, and
  // writes its sidecars and its state file. Returns the name. Durable; after
  // any failure there is no such backup.
  Result<std::string> Publish(const FolderDestination::Part& part,
                              const NewBackup& made, const Listing& listing);
  // The folder of the backups, for parts and for locks.
  FolderDestination* folder() { return &folder_; }

 private:
  struct Fingerprint {
    bool present = false;
    uint64_t size_bytes = 0;
    int64_t mtime_ns = 0;
    uint64_t inode = 0;
    uint32_t mode = 0;   // 0 for a sidecar
    uint32_t owner = 0;  // set for a state file only
    bool operator==(const Fingerprint&) const = default;
  };
  struct Cached {
    Fingerprint archive, sidecar, state;
    bool final = true;           // false: a later read may succeed
    bool lost_manifest = false;  // made here, and no archive of ours any more
    CatalogEntry entry;
  };
  using CachedPtr = std::shared_ptr<const Cached>;
  // Immutable. Scans that found no change share one Content.
  struct Content {
    std::vector<CachedPtr> by_name;
    std::shared_ptr<const Listing> listing;  // points into by_name
  };
  // Changes with every name that is added, removed or replaced.
  struct FolderStamp {
    bool present = false;
    uint64_t device = 0;
    uint64_t inode = 0;
    int64_t mtime_ns = 0;
    int64_t ctime_ns = 0;  // rsync and touch set the mtime
    bool operator==(const FolderStamp&) const = default;
  };
  struct Stamps {
    bool known = false;  // false: the folder could not be read
    FolderStamp backups, states;
    bool operator==(const Stamps&) const = default;
  };
  using SteadyTime = std::chrono::steady_clock::time_point;
  // One scan of all files.
  struct Scan {
    uint64_t number = 0;   // in the order in which scans began
    uint64_t changes = 0;  // changes_ at the beginning
    SteadyTime started;
    Stamps stamps;         // the folders' stamps at the beginning
    bool settled = false;  // no later change can have these stamps
    std::map<std::string, CachedPtr> found;  // found_ at the beginning
    std::shared_ptr<const Content> content;  // of the last scan; then its own
  };

  // --- catalog_scan.cc
  FolderStamp StampOf(const std::string& path, bool* known) const;
  Stamps TakeStamps() const;
  // How long the folders have had these stamps, at least.
  SteadyTime Note(const Stamps& stamps, SteadyTime now) REQUIRES_LOCK(mutex_);
  Scan BeginScan();
  Status ReadFolders(std::stop_token stop, Scan* scan) const;
  void AddThoseElsewhere(const std::vector<std::string>& names,
                         const std::vector<std::string>& states,
                         const std::vector<CachedPtr>& old,
                         std::vector<CachedPtr>* by_name) const;
  Result<std::shared_ptr<const Listing>> ListUnless(std::stop_token stop);
  void StartRefresh() REQUIRES_LOCK(mutex_);
  void Refresh(std::stop_token stop);

  // --- catalog.cc
  Fingerprint Probe(const std::string& path, bool with_owner) const;
  std::string StateDirectory() const;
  std::string StatePath(const std::string& name) const;
  // The present state of one backup on disk; reuses the unchanged parts of
  // `old` (may be null). Null if there is no such file, or only the claim of
  // its name. Looks only for companion files that may exist.
  CachedPtr Read(const std::string& name, const BackupName& parsed,
                 const CachedPtr& old, bool sidecar_exists,
                 bool state_exists) const;
  // True if a new try failed in the same way, so that nothing changed.
  static bool Unchanged(const CachedPtr& old, const Cached& fresh);
  // Reads one name, starting from the known entry. The next ListRecent also
  // sees what changed.
  CachedPtr Lookup(const std::string& name, const BackupName& parsed);
  CachedPtr Known(const std::string& name) const REQUIRES_LOCK(mutex_);
  // Null if there is none. `by_name` is sorted.
  static CachedPtr FindIn(const std::vector<CachedPtr>& by_name,
                          const std::string& name);
  // Reads the sidecar and the state file, if present, into the entry; `state`
  // is unchanged if the state file can't be read.
  void ReadCompanions(uint32_t archive_mode, Cached* cached,
                      BackupState* state) const;
  // Null: no copy of the backup is known.
  CachedPtr ReadElsewhere(const std::string& name, const BackupName& parsed,
                          const CachedPtr& old) const;
  Result<OpenedBackup> OpenElsewhere(const CatalogEntry& entry,
                                     const Work& work);
  // Reads only the pin from a file that is not ours. kCorruption: not a state
  // file.
  Result<BackupState> LoadState(const std::string& name,
                                uint32_t archive_mode) const;
  // Sets manifest, foreign and problem; false if the next scan should read the
  // archive again.
  bool ReadArchive(CatalogEntry* entry) const;

  // --- catalog_change.cc
  // The archive that a state file describes.
  struct Archive {
    uint64_t size_bytes = 0;
    int64_t mtime_ns = 0;
    std::string sha256;  // from its sidecar; may be empty
  };
  // Reads the state file, calls `change` to edit it, and writes it.
  template <typename Change>
  Status ChangeState(const std::string& name, Change change);
  // True if the backup stays listed when its archive is removed.
  bool HasCopies(const std::string& name) const;
  std::string SidecarOf(const std::string& name) const;
  // True if the folder's file is more than the claim of a name: a backup with a
  // sidecar or state file was published.
  bool IsKnown(const std::string& name) const;
  Status SweepFolder(
      const std::string& folder,
      const std::function<std::string(const std::string&)>& backup_of,
      std::vector<std::string>* removed);
  // REQUIRES: the folder's state lock is held.
  Status WriteSidecarLocked(const std::string& name, DigestKind kind,
                            const std::string& hex);
  // Marks the last scan as outdated, whatever the folders' times are.
  void NoteChange();

  FileSystem* const fs_;
  const std::string directory_;
  Clock* const clock_;
  const OwnerSource owner_;
  FolderDestination folder_;
  std::vector<Destination*> destinations_;
  Mutex state_mutex_;  // for changes of state files; taken first
  mutable Mutex mutex_;
  uint64_t scans_begun_ GUARDED_BY(mutex_) = 0;
  uint64_t changes_ GUARDED_BY(mutex_) = 0;
  std::shared_ptr<const Scan> last_ GUARDED_BY(mutex_);  // null: no scan yet
  // Entries that Lookup found since the last scan.
  std::map<std::string, CachedPtr> found_ GUARDED_BY(mutex_);
  Stamps seen_ GUARDED_BY(mutex_);  // the newest, and their age
  SteadyTime seen_since_ GUARDED_BY(mutex_);
  bool refreshing_ GUARDED_BY(mutex_) = false;
  // The last member: its thread uses the members above and stops first.
  std::jthread refresher_ GUARDED_BY(mutex_);
};

}  // namespace levelkeep

#endif  // LEVELKEEP_CATALOG_CATALOG_H_
