// Decides which tables of a snapshot need not be compressed again. Private to
// engine.

#ifndef LEVELKEEP_ENGINE_REUSE_H_
#define LEVELKEEP_ENGINE_REUSE_H_

#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "archive/archive_writer.h"
#include "base/file_system.h"
#include "catalog/database_records.h"
#include "dbfiles/identity.h"
#include "levelkeep/options.h"
#include "snapshot/snapshot.h"

namespace levelkeep {

// The tables that are unchanged since the database's newest archive, according
// to its record in backups/.levelkeep/databases/ID/reuse. In any doubt, a table
// is compressed. Thread safety: const methods from several threads.
class ReusePlan {
 public:
  // An empty plan, which reuses nothing.
  ReusePlan() = default;
  // Reads the record and opens the archive; hashes one of the tables to check
  // that the record describes this database. Never fails.
  static ReusePlan Load(FileSystem* fs, const BackupOptions& options,
                        const Snapshot& snapshot,
                        const DatabaseIdentity& database, std::stop_token stop);

  // Null: nothing is reused.
  const ByteSource* archive() const { return archive_.get(); }
  const std::string& archive_name() const { return record_.archive; }
  // True if the archive is still the file that was written, so that wrong bytes
  // in it mean damage.
  bool archive_is_original() const { return original_; }
  // The table's member in the archive; null: compress the table.
  const TocFile* Find(const SnapshotFile& file) const;

 private:
  Status Open(FileSystem* fs, const BackupOptions& options,
              const Snapshot& snapshot, const DatabaseIdentity& database,
              std::stop_token stop);
  Status CheckOne(const Snapshot& snapshot, std::stop_token stop) const;

  ReuseRecord record_;
  std::map<std::string_view, const ReusableFile*> files_;  // of record_
  std::unique_ptr<File> archive_;
  bool original_ = false;
};

// Records where the snapshot's tables are in the archive that was published as
// `archive_name`. `archived` is in the snapshot's order.
Status SaveReuseRecord(FileSystem* fs, const BackupOptions& options,
                       const Snapshot& snapshot,
                       const DatabaseIdentity& database,
                       const std::string& archive_name,
                       std::vector<TocFile> archived);

}  // namespace levelkeep

#endif  // LEVELKEEP_ENGINE_REUSE_H_
