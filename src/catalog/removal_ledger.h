// The ledger of a database's backups that were removed: an append-only file in
// BACKUP_DIR, so that a backup that is gone was either removed by LevelKeep,
// and the ledger says by whom and why, or is missing. docs/format.md has its
// form.

#ifndef LEVELKEEP_CATALOG_REMOVAL_LEDGER_H_
#define LEVELKEEP_CATALOG_REMOVAL_LEDGER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "destination/folder_destination.h"
#include "levelkeep/status.h"

namespace levelkeep {

// One removed backup. Value type; empty texts are not known.
struct Removal {
  Time at;
  std::string act;     // "rotate" or "delete"
  std::string by;      // "process 12 on host"
  std::string reason;  // a sentence
  std::string name;
  std::string id;  // of its manifest, as the next four
  std::string epoch;
  std::string sha256;  // of the archive, from its sidecar
  std::string previous_name, previous_sha256;

  bool operator==(const Removal&) const = default;
};

// What a ledger says. Value type.
struct Removals {
  // Each backup is in the ledger that was removed and whose name has a later
  // time; of others it may know nothing. No value: there is no ledger.
  std::optional<Time> since;
  std::vector<Removal> entries;  // in the order of the removals
  size_t damaged_lines = 0;      // skipped; a crash can leave one
};

// Thread safety: all methods may be called concurrently, by several processes,
// except that one process at a time may Append or Begin (create.lock).
class RemovalLedger {
 public:
  // A longer ledger forgets its older half, and `since` moves on.
  static constexpr uint64_t kMostBytes = 4u << 20;

  // `fs` must outlive this object. `directory` is the database's own folder in
  // BACKUP_DIR, or .levelkeep for backups that name no database.
  RemovalLedger(FileSystem* fs, const std::string& directory,
                uint64_t most_bytes = kMostBytes);

  // Begins a ledger that knows all removals after `since`; does nothing if
  // there is one. Durable.
  Status Begin(Time since) const;
  // Adds an entry; begins a ledger at the time of the removal if there is none.
  // Durable on return: call it before the backup is removed. A crash leaves the
  // ledger without the entry, or with it, perhaps with a damaged line.
  Status Append(const Removal& removal) const;
  // Empty if there is no ledger. kCorruption: its first line is damaged.
  Result<Removals> Load() const;

 private:
  // REQUIRES: the ledger exists.
  Status Shorten() const;

  FileSystem* const fs_;
  const std::string path_;
  const uint64_t most_bytes_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_CATALOG_REMOVAL_LEDGER_H_
