// Snapshots of a database that nobody has open.

#include <utility>

#include "base/log.h"
#include "base/scratch_directory.h"
#include "base/status_macros.h"
#include "dbfiles/db_lock.h"
#include "snapshot/file_set.h"

namespace levelkeep {
namespace {

// Owns what keeps the files of the snapshot unchanged.
struct OfflineKeeper {
  std::unique_ptr<ScratchDirectory> scratch;
  std::unique_ptr<DbLock> lock;
  std::shared_ptr<const void> tables;
};

// Null if `path` is empty or the directory can't be made: a full disk must not
// prevent a backup on another disk.
std::unique_ptr<ScratchDirectory> MakeScratch(FileSystem* fs,
                                              const std::string& path) {
  if (path.empty()) return nullptr;
  auto scratch = ScratchDirectory::Make(fs, path);
  if (scratch.ok()) return std::move(*scratch);
  LogWarn("Snapshot",
          "the database stays locked until its backup is written: " +
              scratch.status().ToString());
  return nullptr;
}

// Holds the logs. A missing one is an error: LevelDB would not notice it, and
// levelkeep-check would refuse the archive.
Status HoldLogs(FileSystem* fs, const std::string& db_dir,
                const Version& version, HeldLogs* logs) {
  LEVELKEEP_ASSIGN_OR_RETURN(const std::vector<uint64_t> numbers,
                             ListLogs(fs, db_dir));
  for (const uint64_t number : numbers) {
    if (!NeedsLog(version, number)) continue;
    LEVELKEEP_RETURN_IF_ERROR(logs->Hold(number));
  }
  for (const uint64_t number : NamedLogs(version)) {
    if (logs->Has(number)) continue;
    return MissingFile(JoinPath(db_dir, LogFileName(number)), "the manifest");
  }
  LEVELKEEP_RETURN_IF_ERROR(logs->Scan());
  return logs->CheckSequence(version);
}

}  // namespace

// 1. take LOCK   2. read the MANIFEST   3. hold tables and logs
// 4. release LOCK, unless tables are held by it
Result<std::unique_ptr<Snapshot>> TakeOfflineSnapshot(
    FileSystem* fs, const std::string& db_dir, const std::string& scratch_dir) {
  // Before the lock, which would create LOCK in a directory that is not a
  // database.
  LEVELKEEP_RETURN_IF_ERROR(ReadCurrent(fs, db_dir).status());
  LEVELKEEP_RETURN_IF_ERROR(RefuseRocksDb(fs, db_dir));
  const auto keeper = std::make_shared<OfflineKeeper>();
  LEVELKEEP_ASSIGN_OR_RETURN(keeper->lock, DbLock::Acquire(fs, db_dir));
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string manifest_name,
                             ReadCurrent(fs, db_dir));
  LEVELKEEP_ASSIGN_OR_RETURN(Version version,
                             ReadVersion(fs, db_dir, manifest_name));
  keeper->scratch = MakeScratch(fs, scratch_dir);
  TableHolder tables(fs, db_dir, keeper->scratch ? scratch_dir : "",
                     WithoutLinks::kLock);
  const Status held = tables.Hold(version);
  if (held.code() == StatusCode::kNotFound) {
    return Status(StatusCode::kCorruption, held.message(), held.hint());
  }
  LEVELKEEP_RETURN_IF_ERROR(held);
  HeldLogs logs(fs, db_dir);
  LEVELKEEP_RETURN_IF_ERROR(HoldLogs(fs, db_dir, version, &logs));
  tables.CorrectSizes(&version);

  FileSetBuilder builder(SnapshotMethod::kOffline);
  tables.AddTo(&builder);
  keeper->tables = tables.keeper();
  logs.AddTo(&builder);
  builder.AddManifest(version, manifest_name);
  // A process that opens the database now changes nothing that is held: tables
  // are never written again, and logs are read only to their present ends.
  if (!tables.needs_lock()) keeper->lock.reset();
  return builder.Build(keeper);
}

}  // namespace levelkeep
