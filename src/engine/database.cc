#include "engine/database.h"

#include <utility>

#include "base/hash.h"
#include "base/scratch_directory.h"
#include "base/status_macros.h"
#include "dbfiles/db_lock.h"
#include "dbfiles/identity.h"
#include "restore/context.h"

namespace levelkeep {

Database::Database(const BackupOptions& options, const Platform& platform)
    : options_(options), fs_(platform.fs), env_(platform.env, platform.fs) {}

std::string Database::NewScratchPath() const {
  return JoinPath(WorkDirOf(options_.storage_dir, options_.db_name),
                  std::string(kScratchPrefix) + RandomId());
}

Result<std::unique_ptr<Snapshot>> Database::TakeSnapshot(std::stop_token stop) {
  const std::string db_dir = options_.storage_path();
  // The links in an abandoned scratch folder keep the space of tables that
  // LevelDB has removed.
  SweepAbandonedScratch(fs_, WorkDirOf(options_.storage_dir, options_.db_name),
                        kScratchPrefix);
  auto offline = TakeOfflineSnapshot(fs_, db_dir, NewScratchPath());
  if (offline.ok()) way_ = "database is closed: offline snapshot";
  if (offline.ok() || offline.status().code() != StatusCode::kBusy) {
    return offline;
  }
  std::string holder;
  LEVELKEEP_ASSIGN_OR_RETURN(const DbLock::State state,
                             DbLock::Probe(fs_, db_dir, &holder));
  way_ = state == DbLock::State::kFree
             ? "database was closed just now: external snapshot"
             : "database is open in " + holder + ": external snapshot";
  ExternalSnapshotOptions external;
  external.scratch_dir = NewScratchPath();
  external.stop = std::move(stop);
  return TakeExternalSnapshot(fs_, db_dir, external);
}

// Does not take LOCK, because that would create a missing file. A write that
// another process makes meanwhile gives a result that is as good as one a
// moment later.
uint64_t Database::LastSequence() const {
  return ReadLastSequence(fs_, options_.storage_path());
}

}  // namespace levelkeep
