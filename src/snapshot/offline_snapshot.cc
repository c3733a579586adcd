// Snapshots of a database that nobody has open.

#include <memory>
#include <string>
#include <utility>

#include "base/log.h"
#include "base/status_macros.h"
#include "dbfiles/db_lock.h"
#include "snapshot/file_set.h"
#include "snapshot/snapshot.h"

namespace levelkeep {
namespace {

constexpr const char* kRestoreHint = "restore the last verified backup";

Status AddTables(FileSystem* fs, const std::string& db_dir,
                 const Version& version, FileSetBuilder* builder) {
  const auto stat = [&](const std::string& name) {
    return fs->Stat(JoinPath(db_dir, name));
  };
  // One for all: there may be very many tables.
  const auto folder = std::make_shared<const std::string>(db_dir);
  for (const auto& [number, table] : version.tables()) {
    Result<TableFile> found = FindTable(table, stat);
    if (found.status().code() == StatusCode::kNotFound) {
      return Status(StatusCode::kCorruption,
                    JoinPath(db_dir, TableFileName(number)) +
                        " is missing, the manifest names it",
                    kRestoreHint);
    }
    LEVELKEEP_RETURN_IF_ERROR(found.status().WithContext(db_dir));
    builder->AddTable(
        found->name, found->info,
        [fs, folder, name = found->name, size = found->info.size_bytes] {
          return OpenPrefix(fs, JoinPath(*folder, name), size);
        });
  }
  return Status::Ok();
}

Status AddLog(FileSystem* fs, const std::string& db_dir, uint64_t number,
              FileSetBuilder* builder) {
  const std::string path = JoinPath(db_dir, LogFileName(number));
  LEVELKEEP_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                             fs->Open(path, OpenMode::kRead));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, file->Stat());
  LEVELKEEP_ASSIGN_OR_RETURN(
      const LogScan scan,
      ScanLog(*file, info.size_bytes, /*batches=*/true, nullptr));
  if (scan.corrupt) return DamagedLog(path, scan);
  if (scan.sequence_gap) {
    // LevelDB replays it as it is, and so does the backup.
    LogWarn("Snapshot", path + ": sequence numbers are missing in it");
  }
  builder->AddLog(
      number, scan.boundary, scan.last_sequence,
      [fs, path, size = scan.boundary] { return OpenPrefix(fs, path, size); });
  return Status::Ok();
}

}  // namespace

Result<std::unique_ptr<Snapshot>> TakeOfflineSnapshot(
    FileSystem* fs, const std::string& db_dir) {
  // Before the lock, which would create LOCK in a directory that is none of
  // LevelDB's.
  LEVELKEEP_RETURN_IF_ERROR(ReadCurrent(fs, db_dir).status());
  LEVELKEEP_ASSIGN_OR_RETURN(std::shared_ptr<DbLock> lock,
                             DbLock::Acquire(fs, db_dir));
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string manifest_name,
                             ReadCurrent(fs, db_dir));
  const std::string manifest_path = JoinPath(db_dir, manifest_name);
  Result<std::unique_ptr<File>> manifest =
      fs->Open(manifest_path, OpenMode::kRead);
  if (manifest.status().code() == StatusCode::kNotFound) {
    return Status(StatusCode::kCorruption,
                  manifest_path + " is missing, CURRENT names it",
                  kRestoreHint);
  }
  LEVELKEEP_RETURN_IF_ERROR(manifest.status());
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, (*manifest)->Stat());
  // A crash leaves a torn tail, which LevelDB ignores.
  const Result<ManifestContent> content =
      ReadManifest(**manifest, info.size_bytes, /*allow_torn_tail=*/true);
  if (!content.ok()) {
    return content.status().WithContext(manifest_path).WithHint(kRestoreHint);
  }
  FileSetBuilder builder(SnapshotMethod::kOffline);
  LEVELKEEP_RETURN_IF_ERROR(AddTables(fs, db_dir, content->version, &builder));
  LEVELKEEP_ASSIGN_OR_RETURN(const std::vector<uint64_t> logs,
                             ListLogs(fs, db_dir));
  for (const uint64_t number : logs) {
    if (!NeedsLog(content->version, number)) continue;
    LEVELKEEP_RETURN_IF_ERROR(AddLog(fs, db_dir, number, &builder));
  }
  builder.AddManifest(content->version, manifest_name);
  return builder.Build(std::move(lock));
}

}  // namespace levelkeep
