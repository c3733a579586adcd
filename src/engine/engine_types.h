// What the engine is asked for and what it finds, beside levelkeep/reports.h:
// value types.

#ifndef LEVELKEEP_ENGINE_ENGINE_TYPES_H_
#define LEVELKEEP_ENGINE_ENGINE_TYPES_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "archive/archive_reader.h"
#include "base/work.h"
#include "catalog/chain.h"
#include "catalog/listing.h"
#include "dbfiles/identity.h"
#include "format/manifest.h"
#include "levelkeep/reports.h"

namespace levelkeep {

// The result that levelkeep accept-loss would have for a database that lacks
// files.
struct LossPreview {
  std::string fault;              // what is wrong with the database
  uint64_t tables = 0, logs = 0;  // left over, and used
  bool rebuilt = false;       // tables were listed anew: deleted keys return
  std::string newest_backup;  // a better choice; empty: there is none
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
  DatabaseIdentity database = {};  // set by Create
  std::optional<EventCount> events = {};
  Work work = {};
  // Called right before the snapshot, unless it is empty. An error ends the
  // backup; `warning` receives a sentence that marks it.
  std::function<Status(std::string* warning)> before_snapshot = {};
  std::string warning = {};  // set by Create
  bool rotate = true;        // remove old backups afterwards
  // How long to wait for another process that is changing backups/. `on_wait`
  // is called once when the waiting begins, with the reason; may be empty.
  std::chrono::milliseconds wait{0};
  std::function<void(const std::string& why)> on_wait = {};
};

// The findings of Engine::Adopt.
struct Adoption {
  DatabaseIdentity identity;
  std::string forked;  // why the present history began, if it was a fork
  bool began = false;  // the present history began in this call
  std::string gap;     // see StartReport::gap
};

// How much of a backup's name a caller has to give. Operations that only read
// accept the beginning of a name and report the whole name; operations that
// replace or remove something never guess.
enum class NameMatch { kWhole, kBeginning };

// Restore immediately, or at the next start.
enum class RestoreWay { kNow, kAtStart };

// The backup that a name or a path refers to.
struct FoundBackup : CatalogEntry {
  // The user gave a path: only `name` and `path` are known, no sidecar beside
  // the file is read, and nothing about the file is recorded.
  bool by_path = false;
  // Opened by Engine::Open, so that the archive that was examined is also the
  // one that is restored, even if another file takes its name. Null: each
  // procedure opens the path itself, once.
  std::shared_ptr<ArchiveReader> reader = nullptr;
};

struct InspectReport {
  std::string path;
  uint64_t size_bytes = 0;
  bool own = false;
  std::shared_ptr<const Manifest> manifest;  // null: a foreign archive
  // Names and sizes; for foreign archives known only after reading the whole
  // archive.
  std::vector<ManifestFile> files;
};

// What the chain of one database's backups proves.
struct ChainReport {
  std::string database_id;       // empty: the backups name none
  std::optional<Time> since;     // see Removals
  size_t damaged_lines = 0;      // of the ledger
  std::vector<ChainLink> links;  // newest first
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ENGINE_ENGINE_TYPES_H_
