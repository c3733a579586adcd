// What is in backups/.

#ifndef LEVELKEEP_CATALOG_CATALOG_H_
#define LEVELKEEP_CATALOG_CATALOG_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "archive/manifest.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/mutex.h"
#include "catalog/backup_name.h"
#include "levelkeep/status.h"

namespace levelkeep {

enum class VerifyDepth { kStructure, kChecksums, kFull };
std::string VerifyDepthName(VerifyDepth depth);
std::optional<VerifyDepth> ParseVerifyDepth(std::string_view text);

// The last verification of a backup, kept beside it in
// backups/.levelkeep/NAME.json, valid while size, mtime and recorded digest
// of the archive stay what they were.
struct VerifyRecord {
  VerifyDepth depth = VerifyDepth::kStructure;
  bool passed = false;
  Time at;
  std::string message;  // what was wrong
};

struct CatalogEntry {
  std::string name;
  std::string path;
  BackupName parsed;
  uint64_t size_bytes = 0;
  int64_t mtime_ns = 0;
  uint64_t inode = 0;
  // Unreadable or foreign under our name: no manifest, and `problem`.
  // Without the list of files, which would make 10,000 entries heavy.
  std::optional<Manifest> manifest;
  std::string problem;
  bool foreign = false;  // an archive, but not one that LevelKeep wrote
  std::string sha256;    // from the sidecar; empty without
  bool pinned = false;
  std::optional<VerifyRecord> verification;

  // The manifest's time, else the name's.
  Time created() const;
  // Every byte was read and was right; "structure" alone does not count.
  bool verified() const {
    return verification && verification->passed &&
           verification->depth != VerifyDepth::kStructure;
  }
  bool damaged() const { return verification && !verification->passed; }
  // "verified", "damaged", "unverified" or "unreadable".
  std::string status() const;
};

// Sorts newest first, by one total order:
//  - within one epoch by last sequence, so that a clock that was set back
//    reorders nothing; then by created time and name counter;
//  - between epochs, and for archives without manifest, by created time,
//    then counter; a backup counts as made no earlier than the ones before
//    it in its epoch.
void SortNewestFirst(std::vector<CatalogEntry>* entries);

// Keeps the listing in memory and reads only what changed on disk (size,
// mtime or inode of the archive, its sidecar or its state file).
//
// Whatever has the name of a backup is listed; what is not a regular file
// (a link, a folder, a FIFO) is "unreadable" and never followed or removed.
// Thread safety: all methods may be called concurrently. Two processes may
// use one directory; of two changes to one state file at the same time, the
// later one wins.
class Catalog {
 public:
  // Neither is owned; both outlive this object.
  Catalog(FileSystem* fs, std::string directory);

  const std::string& directory() const { return directory_; }
  // Newest first, see SortNewestFirst. An empty list if there is no such
  // directory.
  Result<std::vector<CatalogEntry>> List();
  // `name` is a backup name or "latest": the newest with a manifest that is
  // not known to be damaged. kNotFound with a hint; kInvalidArgument if it
  // is no backup name.
  Result<CatalogEntry> Find(const std::string& name);
  // A pass at a lower depth does not replace what a deeper check found.
  Status RecordVerification(const std::string& name,
                            const VerifyRecord& record);
  Status SetPinned(const std::string& name, bool pinned);
  // Archive, sidecars and state file, in this order: a crash in between
  // leaves files that Sweep removes, never an archive without its digest.
  // Synced. kNotFound; kRefused if it is not a regular file.
  Status Remove(const std::string& name);
  // Removes temporary files, and sidecars and state files whose archive is
  // gone; called while no other process works on the directory. Returns the
  // names of what it removed.
  Result<std::vector<std::string>> Sweep();
  // "<hex>  <name>\n" beside the archive, durable. kind: "sha256" or "md5".
  Status WriteSidecar(const std::string& name, const std::string& kind,
                      const std::string& hex);

 private:
  struct Fingerprint {
    bool present = false;
    uint64_t size_bytes = 0;
    int64_t mtime_ns = 0;
    uint64_t inode = 0;
    bool operator==(const Fingerprint&) const = default;
  };
  struct Cached {
    Fingerprint archive, sidecar, state;
    bool final = true;  // false: reading failed in a way that may pass
    CatalogEntry entry;
  };
  using Cache = std::map<std::string, std::shared_ptr<const Cached>>;

  Fingerprint Probe(const std::string& path) const;
  std::string StateDirectory() const;
  std::string StatePath(const std::string& name) const;
  // What is on disk now; takes from `old` (may be null) what did not change.
  // Null if there is no such file. Only companions that may exist are looked
  // for.
  std::shared_ptr<const Cached> Read(const std::string& name,
                                     const BackupName& parsed,
                                     const std::shared_ptr<const Cached>& old,
                                     bool sidecar_exists,
                                     bool state_exists) const;
  // Sidecar and state file into the entry, where they are present.
  void ReadCompanions(Cached* cached) const;
  // Fills in manifest, foreign and problem; false if it is worth another
  // try the next time.
  bool ReadArchive(CatalogEntry* entry) const;
  // Reads the state file, lets `change` edit it, writes it.
  template <typename Change>
  Status ChangeState(const std::string& name, Change change);

  FileSystem* const fs_;
  const std::string directory_;
  // Also serialises changes of state files.
  Mutex mutex_;
  Cache cache_ GUARDED_BY(mutex_);
};

}  // namespace levelkeep

#endif  // LEVELKEEP_CATALOG_CATALOG_H_
