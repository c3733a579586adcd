#include "engine/reuse.h"

#include <random>
#include <utility>
#include <vector>

#include "archive/parallel.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "engine/database.h"

namespace levelkeep {

namespace {

// Smaller files are not worth a line in the record.
constexpr uint64_t kSmallestReused = 32u << 10;

std::string RecordPath(FileSystem* fs, const BackupOptions& options,
                       const DatabaseIdentity& database) {
  return JoinPath(DatabaseRecords(fs, options.backup_dir).Folder(database.id),
                  "reuse");
}

// Members that another compressor or level wrote are not reused.
std::string WriterName(const BackupOptions& options) {
  if (!options.archive.compression) return "stored";
  return CompressorName() + "-" +
         std::to_string(options.archive.compression_level);
}

bool IsReusable(const SnapshotFile& file) {
  return file.kind == DbFileKind::kTable && file.inode != 0 &&
         file.size_bytes >= kSmallestReused;
}

// The logical method writes new tables for each snapshot.
bool CanReuse(const BackupOptions& options, const Snapshot& snapshot,
              const DatabaseIdentity& database) {
  return options.archive.reuse && !database.epoch.empty() &&
         snapshot.info().method != SnapshotMethod::kLogical;
}

}  // namespace

ReusePlan ReusePlan::Load(FileSystem* fs, const BackupOptions& options,
                          const Snapshot& snapshot,
                          const DatabaseIdentity& database,
                          std::stop_token stop) {
  ReusePlan plan;
  if (!CanReuse(options, snapshot, database)) return plan;
  const Status status =
      plan.Open(fs, options, snapshot, database, std::move(stop));
  if (status.ok()) return plan;
  if (status.code() != StatusCode::kNotFound) {
    LogWarn(kEngineLogTag, "compressing everything: " + status.ToString());
  }
  return ReusePlan();
}

Status ReusePlan::Open(FileSystem* fs, const BackupOptions& options,
                       const Snapshot& snapshot,
                       const DatabaseIdentity& database, std::stop_token stop) {
  LEVELKEEP_ASSIGN_OR_RETURN(
      const std::string text,
      ReadFile(fs, RecordPath(fs, options, database), 2 * kMaxIndexBytes));
  LEVELKEEP_ASSIGN_OR_RETURN(record_, DecodeReuseRecord(text));
  if (record_.db_epoch != database.epoch ||
      record_.writer != WriterName(options)) {
    return Status(StatusCode::kNotFound, "no archive to reuse");
  }
  for (const ReusableFile& file : record_.files) {
    files_.emplace(file.archived.name, &file);
  }
  LEVELKEEP_ASSIGN_OR_RETURN(
      archive_,
      fs->Open(JoinPath(options.backup_dir, record_.archive), OpenMode::kRead));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, archive_->Stat());
  original_ = info.size_bytes == record_.archive_bytes &&
              info.inode == record_.archive_inode &&
              info.mtime_ns == record_.archive_mtime_ns;
  return CheckOne(snapshot, std::move(stop));
}

const TocFile* ReusePlan::Find(const SnapshotFile& file) const {
  if (archive_ == nullptr || !IsReusable(file)) return nullptr;
  const auto it = files_.find(file.name);
  if (it == files_.end()) return nullptr;
  const ReusableFile& known = *it->second;
  const bool same = known.archived.size_bytes == file.size_bytes &&
                    known.device == file.device && known.inode == file.inode &&
                    known.mtime_ns == file.mtime_ns;
  return same ? &known.archived : nullptr;
}

// Checks a random table each time, so that over time all tables are checked.
Status ReusePlan::CheckOne(const Snapshot& snapshot,
                           std::stop_token stop) const {
  std::vector<size_t> reused;
  const std::vector<SnapshotFile>& files = snapshot.info().files;
  for (size_t i = 0; i < files.size(); ++i) {
    if (Find(files[i]) != nullptr) reused.push_back(i);
  }
  if (reused.empty()) return Status::Ok();
  std::random_device random;
  const size_t index = reused[random() % reused.size()];
  LEVELKEEP_ASSIGN_OR_RETURN(const auto source, snapshot.Open(index));
  LEVELKEEP_ASSIGN_OR_RETURN(
      const std::string sha256,
      DigestOfSource(DigestKind::kSha256, *source, files[index].size_bytes,
                     std::move(stop)));
  if (sha256 == Find(files[index])->sha256.Hex()) return Status::Ok();
  return Status(
      StatusCode::kCorruption,
      files[index].name +
          " differs from the last backup, but its size and time are unchanged");
}

Status SaveReuseRecord(FileSystem* fs, const BackupOptions& options,
                       const Snapshot& snapshot,
                       const DatabaseIdentity& database,
                       const std::string& archive_name,
                       std::vector<TocFile> archived) {
  if (!CanReuse(options, snapshot, database)) return Status::Ok();
  LEVELKEEP_ASSIGN_OR_RETURN(
      const FileInfo info,
      fs->Stat(JoinPath(options.backup_dir, archive_name)));
  ReuseRecord record{
      archive_name,   info.size_bytes,     info.inode, info.mtime_ns,
      database.epoch, WriterName(options), {}};
  const std::vector<SnapshotFile>& files = snapshot.info().files;
  for (size_t i = 0; i < files.size(); ++i) {
    if (!IsReusable(files[i])) continue;
    archived[i].name = files[i].name;
    record.files.push_back({files[i].device, files[i].inode, files[i].mtime_ns,
                            std::move(archived[i])});
  }
  const std::string path = RecordPath(fs, options, database);
  LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(fs, ParentPath(path)));
  return WriteFileDurably(fs, path, EncodeReuseRecord(record));
}

}  // namespace levelkeep
