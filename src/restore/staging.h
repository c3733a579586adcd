// From an archive to a directory that holds a checked database (R0..R5).

#ifndef LEVELKEEP_RESTORE_STAGING_H_
#define LEVELKEEP_RESTORE_STAGING_H_

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "base/work.h"
#include "levelkeep/status.h"
#include "restore/context.h"
#include "restore/restorer.h"

namespace levelkeep {

struct ExtractRequest {
  RestoreSource source;
  std::string target_dir;   // created; removed again on failure
  std::string scratch_dir;  // for the check; created and removed
  bool new_epoch = true;    // write a fresh BACKUP_ID
  Work work;
};

struct ExtractedStore {
  RestoreOutcome outcome;
  StoreCheck check;
};

// Extracts, checks and compares with the manifest. Everything is durable on
// return but the name of `target_dir` itself. The archive is to blame for
// kCorruption, kUnsupported, kInvalidArgument and kRefused.
Result<ExtractedStore> ExtractChecked(const RestoreContext& context,
                                      const ExtractRequest& request);

Result<Restorer::Staged> StageArchive(
    const RestoreContext& context, const RestoreSource& source,
    std::stop_token stop, const std::function<void(double)>& progress);

Result<RestoreOutcome> ExtractArchiveTo(
    const RestoreContext& context, const RestoreSource& source,
    const std::string& target_dir, std::stop_token stop,
    const std::function<void(double)>& progress);

Result<StoreCheck> VerifyArchive(const RestoreContext& context,
                                 const std::string& archive_path,
                                 const std::string& scratch_parent,
                                 std::stop_token stop,
                                 const std::function<void(double)>& progress);

// Is it the archive that is bad, rather than the disk, the host or the time?
bool IsArchiveFault(StatusCode code);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_STAGING_H_
