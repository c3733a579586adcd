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
// backups/.levelkeep/NAME.json, valid while size and mtime of the archive
// stay what they were.
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
  std::optional<Manifest> manifest;
  std::string problem;
  std::string sha256;  // from the sidecar; empty without
  bool pinned = false;
  std::optional<VerifyRecord> verification;

  // The manifest's time, else the name's.
  Time created() const;
  bool verified() const { return verification && verification->passed; }
  bool damaged() const { return verification && !verification->passed; }
  // "verified", "damaged", "unverified" or "unreadable".
  std::string status() const;
};

// Keeps the listing in memory and reads only what changed on disk.
// Thread safety: all methods may be called concurrently.
class Catalog {
 public:
  // Neither is owned; both outlive this object.
  Catalog(FileSystem* fs, std::string directory);

  const std::string& directory() const { return directory_; }
  // Newest first: by (last_sequence within one epoch …) see catalog.cc; by
  // created time, then name counter.
  Result<std::vector<CatalogEntry>> List();
  // `name` is a backup name or "latest". kNotFound with a hint;
  // kInvalidArgument if it is no backup name.
  Result<CatalogEntry> Find(const std::string& name);
  Status RecordVerification(const std::string& name,
                            const VerifyRecord& record);
  Status SetPinned(const std::string& name, bool pinned);
  // Archive, sidecars and state file, in an order that never leaves an
  // archive without a trace. Synced.
  Status Remove(const std::string& name);
  // Removes temporary files and state files without an archive; called
  // while no other process works on the directory. Returns what it removed.
  Result<std::vector<std::string>> Sweep();
  // "<hex>  <name>\n" beside the archive, durable. kind: "sha256" or "md5".
  Status WriteSidecar(const std::string& name, const std::string& kind,
                      const std::string& hex);

 private:
  FileSystem* const fs_;
  const std::string directory_;
  Mutex mutex_;
  std::map<std::string, CatalogEntry> cache_ GUARDED_BY(mutex_);
};

}  // namespace levelkeep

#endif  // LEVELKEEP_CATALOG_CATALOG_H_
