// What is in backups/.

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

// Keeps the listing in memory and reads only what changed on disk (size,
// mtime or inode of the archive, its sidecar or its state file).
//
// A verification counts if its record is ours: the state file belongs to our
// user or root, nobody else may write it, and it names the archive's SHA-256. A
// pin counts whoever set it: it only keeps more.
//
// A backup whose archive is gone from the folder is listed as long as its
// state names a copy elsewhere. Its manifest, size and verification come from
// the state; so do those of an archive in the folder that is still the one that
// was published, without opening it.
//
// Whatever has the name of a backup is listed; what is not a regular file
// (a link, a folder, a FIFO) is "unreadable" and never followed or removed.
// Thread safety: all methods may be called concurrently; none waits for
// another one's disk, except for what changes the small files: that holds the
// folder's state lock (destination/folder_destination.h), also among processes,
// and is kBusy when it waited for it too long.
class Catalog {
 public:
  // How stale ListRecent may be about files that were changed in place: past
  // kRefreshAge it rescans in the background, past kMaxAge its caller waits for
  // a rescan.
  static constexpr std::chrono::seconds kRefreshAge{5};
  static constexpr std::chrono::seconds kMaxAge{60};

  // Tells whose backups count; asked at each look at all files, by any thread.
  using OwnerSource = std::function<Owner()>;

  // None is owned; all outlive this object. Without `owner` nobody knows of a
  // database.
  Catalog(FileSystem* fs, std::string directory, Clock* clock = Clock::System(),
          OwnerSource owner = nullptr);
  // Waits for the file that is just looked at in the background.
  ~Catalog() = default;
  Catalog(const Catalog&) = delete;
  Catalog& operator=(const Catalog&) = delete;

  const std::string& directory() const { return directory_; }
  // kNotFound: there is no such directory. Nobody may take that for one
  // without backups.
  Status RequireDirectory() const;
  // What is there now: looks at every file. For all that decides. Fails as
  // RequireDirectory.
  Result<std::shared_ptr<const Listing>> List();
  // The same for all that was added, removed or renamed, by whomever, which
  // the times of the two folders tell. A file that was written in place is
  // seen by the first call that comes more than kMaxAge after it, or
  // shortly after one that comes more than kRefreshAge after it. For showing.
  Result<std::shared_ptr<const Listing>> ListRecent();
  // `name` is a backup name or "latest": the newest own one with a manifest
  // that is not known to be damaged. Looks at the files of that backup.
  // kNotFound with a hint; kInvalidArgument if it is no backup name, or nobody
  // knows of which of several databases the latest is meant.
  Result<CatalogEntry> Find(const std::string& name);
  // The archive's bytes, of a backup that was found: those in the folder, else
  // those of the first copy that can be had. kNotFound: it is gone; kRefused:
  // it is no archive; kUnsupported: its destination is not set up here.
  struct OpenedBackup {
    std::shared_ptr<const ByteSource> bytes;
    StoredObject object;
  };
  Result<OpenedBackup> Open(const CatalogEntry& entry, const Work& work);
  // A place where copies may be. Outlives this object. REQUIRES: called before
  // other threads use the catalog.
  void AddDestination(Destination* destination) {
    destinations_.push_back(destination);
  }
  // Remembers that the archive lies in another destination, too; instead of
  // what was remembered of that destination.
  Status AddCopy(const std::string& name, const BackupCopy& copy);
  // A pass at a lower depth does not replace what a deeper check found.
  // `sha256`: of the archive that was checked; empty: as its sidecar says.
  Status RecordVerification(const std::string& name, const VerifyRecord& record,
                            const std::string& sha256 = "");
  // A check could not be done at `at`. What was found before stays.
  Status RecordNotChecked(const std::string& name, const std::string& reason,
                          Time at);
  Status SetPinned(const std::string& name, bool pinned);
  // Archive, sidecars and state file, in this order: a crash in between
  // leaves files that Sweep removes, never an archive without its digest.
  // Synced. kNotFound; kRefused if it is not a regular file.
  Status Remove(const std::string& name);
  // Removes temporary files, unless somebody holds a lock on them, claims of
  // names (base/file_system.h), and sidecars and state files whose archive is
  // gone. Returns the names of what it removed.
  Result<std::vector<std::string>> Sweep();
  // The owner may be another one now: the next listing asks.
  void ForgetOwner() { NoteChange(); }
  // "<hex>  <name>\n" beside the archive, durable. kind: "sha256" or "md5".
  Status WriteSidecar(const std::string& name, const std::string& kind,
                      const std::string& hex);

  // --- publishing: a part becomes a backup

  struct NewBackup {
    Time created;
    std::string label;
    std::string sha256;
    std::string md5;    // empty: no such sidecar
    Manifest manifest;  // may be without its files
  };
  // Gives the part, which is written and synced, the first free name of its
  // second, and writes its sidecars and its state. Returns the name. Durable;
  // on any failure there is no such backup.
  Result<std::string> Publish(const FolderDestination::Part& part,
                              const NewBackup& made, const Listing& listing);
  // Where the backups are, for parts and for locks.
  FolderDestination* folder() { return &folder_; }

 private:
  struct Fingerprint {
    bool present = false;
    uint64_t size_bytes = 0;
    int64_t mtime_ns = 0;
    uint64_t inode = 0;
    uint32_t mode = 0;   // not of a sidecar
    uint32_t owner = 0;  // of a state file
    bool operator==(const Fingerprint&) const = default;
  };
  struct Cached {
    Fingerprint archive, sidecar, state;
    bool final = true;  // false: reading failed in a way that may pass
    CatalogEntry entry;
  };
  using CachedPtr = std::shared_ptr<const Cached>;
  // Immutable, and shared by the scans that found nothing new.
  struct Content {
    std::vector<CachedPtr> by_name;
    std::shared_ptr<const Listing> listing;  // points into by_name
  };
  // Changes with every name that comes, goes or is replaced.
  struct FolderStamp {
    bool present = false;
    uint64_t device = 0;
    uint64_t inode = 0;
    int64_t mtime_ns = 0;
    int64_t ctime_ns = 0;  // rsync and touch set the mtime
    bool operator==(const FolderStamp&) const = default;
  };
  struct Stamps {
    bool known = false;  // false: looking at a folder failed
    FolderStamp backups, states;
    bool operator==(const Stamps&) const = default;
  };
  using SteadyTime = std::chrono::steady_clock::time_point;
  // One look at all files.
  struct Scan {
    uint64_t number = 0;   // in the order of their beginnings
    uint64_t changes = 0;  // changes_ at its beginning
    SteadyTime started;
    Stamps stamps;         // as they were at its beginning
    bool settled = false;  // no later change can carry these stamps
    std::map<std::string, CachedPtr> found;  // found_ at its beginning
    std::shared_ptr<const Content> content;  // the one before; then its own
  };

  // --- catalog_scan.cc
  FolderStamp StampOf(const std::string& path, bool* known) const;
  Stamps TakeStamps() const;
  // Since when these stamps are the folders'; at most the true time.
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
  // What is on disk now; takes from `old` (may be null) what did not change.
  // Null if there is no such file, or it is but a claim of its name. Only
  // companions that may exist are looked for.
  CachedPtr Read(const std::string& name, const BackupName& parsed,
                 const CachedPtr& old, bool sidecar_exists,
                 bool state_exists) const;
  // Was tried again and failed in the same way: no news.
  static bool Unchanged(const CachedPtr& old, const Cached& fresh);
  // The same for one name, with what is known of it. What is new is new to
  // the next ListRecent, too.
  CachedPtr Lookup(const std::string& name, const BackupName& parsed);
  CachedPtr Known(const std::string& name) const REQUIRES_LOCK(mutex_);
  // Sidecar and state file into the entry, where they are present; the state
  // is left as it was if it can't be read.
  void ReadCompanions(uint32_t archive_mode, Cached* cached,
                      BackupState* state) const;
  // Null: no copy of it is known.
  CachedPtr ReadElsewhere(const std::string& name, const BackupName& parsed,
                          const CachedPtr& old) const;
  Result<OpenedBackup> OpenElsewhere(const CatalogEntry& entry,
                                     const Work& work);
  // Of a file that is not ours only the pin. kCorruption: it is no such file.
  Result<BackupState> LoadState(const std::string& name,
                                uint32_t archive_mode) const;
  // Fills in manifest, foreign and problem; false if it is worth another
  // try the next time.
  bool ReadArchive(CatalogEntry* entry) const;

  // --- catalog_change.cc
  // The one that a state file is about.
  struct Archive {
    uint64_t size_bytes = 0;
    int64_t mtime_ns = 0;
    std::string sha256;  // as its sidecar says; may be empty
  };
  // Reads the state file, lets `change` edit it, writes it.
  template <typename Change>
  Status ChangeState(const std::string& name, Change change);
  // Whether the backup stays when its archive goes.
  bool HasCopies(const std::string& name) const;
  std::string SidecarOf(const std::string& name) const;
  // Whether the folder's file is more than the claim of a name: a backup of
  // which something is known was published once.
  bool IsKnown(const std::string& name) const;
  Status SweepFolder(
      const std::string& folder,
      const std::function<std::string(const std::string&)>& backup_of,
      std::vector<std::string>* removed);
  // REQUIRES: the folder's state lock is held.
  Status WriteSidecarLocked(const std::string& name, const std::string& kind,
                            const std::string& hex);
  // From now on the last scan is out of date, whatever the folders' times.
  void NoteChange();

  FileSystem* const fs_;
  const std::string directory_;
  Clock* const clock_;
  const OwnerSource owner_;
  FolderDestination folder_;
  std::vector<Destination*> destinations_;
  Mutex state_mutex_;  // serialises changes of state files; taken first
  mutable Mutex mutex_;
  uint64_t scans_begun_ GUARDED_BY(mutex_) = 0;
  uint64_t changes_ GUARDED_BY(mutex_) = 0;
  std::shared_ptr<const Scan> last_ GUARDED_BY(mutex_);  // null: none yet
  // By Lookup since the last scan.
  std::map<std::string, CachedPtr> found_ GUARDED_BY(mutex_);
  Stamps seen_ GUARDED_BY(mutex_);  // the newest, and since when
  SteadyTime seen_since_ GUARDED_BY(mutex_);
  bool refreshing_ GUARDED_BY(mutex_) = false;
  // Last: it uses the members above and stops first.
  std::jthread refresher_ GUARDED_BY(mutex_);
};

}  // namespace levelkeep

#endif  // LEVELKEEP_CATALOG_CATALOG_H_
