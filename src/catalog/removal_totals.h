// How many backups of a database were ever removed, and how large they were:
// counters that never go down, while the ledger (removal_ledger.h) forgets.

#ifndef LEVELKEEP_CATALOG_REMOVAL_TOTALS_H_
#define LEVELKEEP_CATALOG_REMOVAL_TOTALS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Thread safety: const methods from several threads; one process at a time may
// Add (create.lock).
class RemovalTotals {
 public:
  // `fs` must outlive this object. `directory` is that of the ledger.
  RemovalTotals(FileSystem* fs, const std::string& directory);

  // Durable on return; a crash leaves the old numbers or the new ones. `act`:
  // as in Removal.
  Status Add(const std::string& act, uint64_t bytes) const;
  // Of "rotate" and "delete", in this order. A damaged record counts as none.
  Result<std::vector<RemovalTotal>> Load() const;

 private:
  FileSystem* const fs_;
  const std::string path_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_CATALOG_REMOVAL_TOTALS_H_
