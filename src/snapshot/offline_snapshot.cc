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

// A closed database that stays closed. The snapshot owns it beside the
// openers, so they may point to it.
struct HeldFolder {
  FileSystem* const fs;
  const std::string db_dir;
  const std::unique_ptr<DbLock> lock;
};

FileSetBuilder::Opener OpenerIn(const HeldFolder* folder) {
  return [folder](const SnapshotFile& file) {
    return OpenPrefix(folder->fs, JoinPath(folder->db_dir, file.name),
                      file.size_bytes);
  };
}

Status AddTables(const HeldFolder& folder, const Version& version,
                 FileSetBuilder* builder) {
  const std::string& db_dir = folder.db_dir;
  const auto stat = [&](const std::string& name) {
    return folder.fs->Stat(JoinPath(db_dir, name));
  };
  builder->Reserve(version.tables().size());
  for (const auto& [number, table] : version.tables()) {
    Result<TableFile> found = FindTable(table, stat);
    if (found.status().code() == StatusCode::kNotFound) {
      return Status(StatusCode::kCorruption,
                    JoinPath(db_dir, TableFileName(number)) +
                        " is missing, the manifest names it",
                    kRestoreHint);
    }
    LEVELKEEP_RETURN_IF_ERROR(found.status().WithContext(db_dir));
    builder->AddTable(found->name, found->info, OpenerIn(&folder));
  }
  return Status::Ok();
}

Status AddLog(const HeldFolder& folder, uint64_t number,
              FileSetBuilder* builder) {
  const std::string path = JoinPath(folder.db_dir, LogFileName(number));
  LEVELKEEP_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                             folder.fs->Open(path, OpenMode::kRead));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, file->Stat());
  LEVELKEEP_ASSIGN_OR_RETURN(
      const LogScan scan,
      ScanLog(*file, info.size_bytes, /*batches=*/true, nullptr));
  if (scan.corrupt) return DamagedLog(path, scan);
  if (scan.sequence_gap) {
    // LevelDB replays it as it is, and so does the backup.
    LogWarn("Snapshot", path + ": sequence numbers are missing in it");
  }
  builder->AddLog(number, scan.boundary, scan.last_sequence, OpenerIn(&folder));
  return Status::Ok();
}

}  // namespace

Result<std::unique_ptr<Snapshot>> TakeOfflineSnapshot(
    FileSystem* fs, const std::string& db_dir) {
  // Before the lock, which would create LOCK in a directory that is none of
  // LevelDB's.
  LEVELKEEP_RETURN_IF_ERROR(ReadCurrent(fs, db_dir).status());
  LEVELKEEP_ASSIGN_OR_RETURN(std::unique_ptr<DbLock> lock,
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
  const auto folder = std::shared_ptr<const HeldFolder>(
      new HeldFolder{fs, db_dir, std::move(lock)});
  FileSetBuilder builder(SnapshotMethod::kOffline);
  LEVELKEEP_RETURN_IF_ERROR(AddTables(*folder, content->version, &builder));
  LEVELKEEP_ASSIGN_OR_RETURN(const std::vector<uint64_t> logs,
                             ListLogs(fs, db_dir));
  for (const uint64_t number : logs) {
    if (!NeedsLog(content->version, number)) continue;
    LEVELKEEP_RETURN_IF_ERROR(AddLog(*folder, number, &builder));
  }
  builder.AddManifest(content->version, manifest_name);
  return builder.Build(folder);
}

}  // namespace levelkeep
