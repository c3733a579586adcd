// The chain of a folder's backups: each names the one before it, and what is
// removed is written into a ledger, so that nothing goes without a trace.

#ifndef LEVELKEEP_ENGINE_CHAIN_H_
#define LEVELKEEP_ENGINE_CHAIN_H_

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "catalog/catalog.h"
#include "catalog/chain.h"
#include "catalog/database_records.h"
#include "catalog/removal_ledger.h"
#include "engine/engine_types.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Thread safety: const methods from several threads; see Remove.
class BackupChain {
 public:
  // The objects must outlive this one. `nameless_folder` has the ledger of
  // backups that name no database.
  BackupChain(FileSystem* fs, Clock* clock, Catalog* catalog,
              const DatabaseRecords* records, std::string nameless_folder)
      : fs_(fs),
        clock_(clock),
        catalog_(catalog),
        records_(records),
        nameless_folder_(std::move(nameless_folder)) {}

  // Begins the ledger if there is none; a failure is only logged.
  void BeginLedger(const std::string& database_id,
                   const Listing& listing) const;
  // Removes a backup, writes that into its ledger and counts it. `act`: as in
  // Removal. REQUIRES: Engine::LockForWriting's lock is held.
  Status Remove(const std::string& name, const std::string& act,
                const std::string& reason) const;
  // What was ever removed of a database.
  Result<std::vector<RemovalTotal>> Totals(
      const std::string& database_id) const;
  // What the manifests and the ledgers prove: for the owner's database, or, if
  // none is known, for each one. Reads headers and manifests only, and writes
  // nothing.
  Result<std::vector<ChainReport>> Verify() const;

 private:
  // The folder of a database's ledger, or that of backups that name none.
  std::string FolderOf(const std::string& database_id) const;
  Removal DescribeRemoval(const CatalogEntry& entry, const std::string& act,
                          const std::string& reason) const;
  ChainItem DescribeLink(const CatalogEntry& entry) const;
  Result<ChainReport> JudgeDatabase(const Listing& listing,
                                    const std::string& database_id,
                                    bool nameless_too) const;

  FileSystem* const fs_;
  Clock* const clock_;
  Catalog* const catalog_;
  const DatabaseRecords* const records_;
  const std::string nameless_folder_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ENGINE_CHAIN_H_
