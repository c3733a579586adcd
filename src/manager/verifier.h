// Verification without a live database: what `levelkeep worker` does.

#ifndef LEVELKEEP_MANAGER_VERIFIER_H_
#define LEVELKEEP_MANAGER_VERIFIER_H_

#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "levelkeep/backup_manager.h"
#include "levelkeep/options.h"
#include "levelkeep/status.h"
#include "manager/backup_set.h"

namespace levelkeep {

// Needs BACKUP_DIR only: never opens, locks or creates the event store.
// Thread safety: all methods may be called concurrently; a second
// verification in any process gets kBusy.
class Verifier {
 public:
  // `fs` and `clock` outlive it.
  Verifier(const BackupOptions& options, FileSystem* fs, Clock* clock)
      : set_(options, fs, clock) {}

  Status Prepare() { return set_.Prepare(); }
  // A backup's name, an unambiguous beginning of one, "latest", or a path.
  // kCorruption says what is wrong; recorded in the catalog either way.
  Result<VerifyReport> Verify(
      const std::string& name_or_path, VerifyDepth depth, std::stop_token stop,
      const std::function<void(double)>& progress = nullptr) {
    return set_.Verify(name_or_path, depth, std::move(stop), progress);
  }
  // Backups that were never fully verified, oldest first.
  Result<std::vector<std::string>> Pending() {
    return set_.PendingVerification();
  }

 private:
  BackupSet set_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_MANAGER_VERIFIER_H_
