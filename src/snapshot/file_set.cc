#include "snapshot/file_set.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "dbfiles/database_files.h"

namespace levelkeep {

namespace {

class FileSetSnapshot : public Snapshot {
 public:
  FileSetSnapshot(SnapshotInfo info,
                  std::vector<FileSetBuilder::Opener> openers,
                  std::shared_ptr<const void> keeper)
      : keeper_(std::move(keeper)),
        info_(std::move(info)),
        openers_(std::move(openers)) {}

  const SnapshotInfo& info() const override { return info_; }

  Result<std::unique_ptr<ByteSource>> Open(size_t index) const override {
    return openers_[index](info_.files[index]);
  }

 private:
  const std::shared_ptr<const void> keeper_;  // destroyed last
  const SnapshotInfo info_;
  const std::vector<FileSetBuilder::Opener> openers_;
};

}  // namespace

uint64_t SnapshotInfo::total_bytes() const {
  uint64_t total = 0;
  for (const SnapshotFile& file : files) total += file.size_bytes;
  return total;
}

void FileSetBuilder::Reserve(size_t tables) {
  constexpr size_t kOthers = 16;  // logs, MANIFEST, CURRENT
  info_.files.reserve(tables + kOthers);
  openers_.reserve(tables + kOthers);
}

void FileSetBuilder::AddTable(const std::string& name, const FileInfo& info,
                              Opener open) {
  Add({name, DbFileKind::kTable, info.size_bytes, info.device, info.inode,
       info.mtime_ns},
      std::move(open));
}

void FileSetBuilder::AddLog(uint64_t number, uint64_t boundary,
                            uint64_t last_sequence, Opener open) {
  Add({LogFileName(number), DbFileKind::kLog, boundary}, std::move(open));
  info_.last_sequence = std::max(info_.last_sequence, last_sequence);
}

void FileSetBuilder::AddManifest(const Version& version,
                                 const std::string& manifest_name) {
  AddGenerated(manifest_name, DbFileKind::kManifest,
               FrameAsLog(version.EncodeAsEdit()));
  AddGenerated("CURRENT", DbFileKind::kCurrent, manifest_name + "\n");
  info_.comparator = version.comparator();
  info_.last_sequence = std::max(info_.last_sequence, version.last_sequence());
}

void FileSetBuilder::AddGenerated(const std::string& name, DbFileKind kind,
                                  std::string contents) {
  const uint64_t size_bytes = contents.size();
  // All readers share this one copy.
  Add({name, kind, size_bytes}, PrefixOpener(std::shared_ptr<const ByteSource>(
                                    NewStringSource(std::move(contents)))));
}

void FileSetBuilder::Add(SnapshotFile file, Opener open) {
  info_.files.push_back(std::move(file));
  openers_.push_back(std::move(open));
}

std::unique_ptr<Snapshot> FileSetBuilder::Build(
    std::shared_ptr<const void> keeper) {
  return std::make_unique<FileSetSnapshot>(
      std::move(info_), std::move(openers_), std::move(keeper));
}

Result<std::unique_ptr<ByteSource>> OpenPrefix(FileSystem* fs,
                                               const std::string& path,
                                               uint64_t size_bytes) {
  LEVELKEEP_ASSIGN_OR_RETURN(std::shared_ptr<File> file,
                             fs->Open(path, OpenMode::kRead));
  return NewPrefixSource(std::move(file), size_bytes);
}

FileSetBuilder::Opener PrefixOpener(std::shared_ptr<const ByteSource> file) {
  return [file = std::move(file)](
             const SnapshotFile& as) -> Result<std::unique_ptr<ByteSource>> {
    return NewPrefixSource(file, as.size_bytes);
  };
}

Result<TableFile> FindTable(
    const TableMeta& table,
    const std::function<Result<FileInfo>(const std::string& name)>& stat) {
  std::string name = TableFileName(table.number);
  Result<FileInfo> info = stat(name);
  if (info.status().code() == StatusCode::kNotFound) {
    Result<FileInfo> old_info = stat(OldTableFileName(table.number));
    if (old_info.ok()) {
      name = OldTableFileName(table.number);
      info = std::move(old_info);
    }
  }
  LEVELKEEP_RETURN_IF_ERROR(info.status());
  if (info->size_bytes != table.size_bytes) {
    return Status(StatusCode::kCorruption,
                  "table " + name + " has " + std::to_string(info->size_bytes) +
                      " bytes, but the manifest says " +
                      std::to_string(table.size_bytes),
                  kRestoreHint);
  }
  return TableFile{std::move(name), *info};
}

Status DamagedLog(const std::string& path, const LogScan& scan) {
  return Status(StatusCode::kCorruption,
                path + " is damaged after " + std::to_string(scan.boundary) +
                    " bytes (" + std::to_string(scan.records) +
                    " good records)",
                "open the database once to recover what is readable, or "
                "restore the last verified backup");
}

Status HeldLogs::Hold(uint64_t number) {
  Log log;
  log.number = number;
  LEVELKEEP_ASSIGN_OR_RETURN(
      log.file,
      fs_->Open(JoinPath(db_dir_, LogFileName(number)), OpenMode::kRead));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, log.file->Stat());
  log.size_bytes = info.size_bytes;
  const auto behind = std::find_if(
      logs_.begin(), logs_.end(),
      [number](const Log& other) { return other.number > number; });
  logs_.insert(behind, std::move(log));
  return Status::Ok();
}

void HeldLogs::KeepNeeded(const Version& version) {
  std::erase_if(logs_, [&version](const Log& log) {
    return !NeedsLog(version, log.number);
  });
}

Status HeldLogs::FollowNewest() {
  if (logs_.empty()) return Status::Ok();
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, logs_.back().file->Stat());
  logs_.back().size_bytes = info.size_bytes;
  return Status::Ok();
}

bool HeldLogs::Has(uint64_t number) const {
  return std::any_of(logs_.begin(), logs_.end(),
                     [number](const Log& log) { return log.number == number; });
}

Status HeldLogs::Scan() {
  for (Log& log : logs_) {
    LEVELKEEP_ASSIGN_OR_RETURN(log.scan, ScanLog(*log.file, log.size_bytes,
                                                 /*batches=*/true, nullptr));
    if (log.scan.corrupt) {
      return DamagedLog(JoinPath(db_dir_, LogFileName(log.number)), log.scan);
    }
  }
  return Status::Ok();
}

Status HeldLogs::CheckSequence(const Version& version) const {
  const std::vector<ScannedLog> scanned(logs_.begin(), logs_.end());
  const ScannedLog* const gap = FindGap(version, scanned);
  if (gap == nullptr) return Status::Ok();
  return Status(StatusCode::kCorruption,
                "write numbers are missing before or in " +
                    JoinPath(db_dir_, LogFileName(gap->number)),
                "a log was removed, or a write failed: restore the last "
                "verified backup; or, if the application misses no data, "
                "let it open the database once and try again");
}

uint64_t HeldLogs::last_sequence() const {
  for (auto log = logs_.rbegin(); log != logs_.rend(); ++log) {
    if (log->scan.records > 0) return log->scan.last_sequence;
  }
  return 0;
}

void HeldLogs::AddTo(FileSetBuilder* builder) const {
  for (const Log& log : logs_) {
    builder->AddLog(log.number, log.scan.boundary, log.scan.last_sequence,
                    PrefixOpener(log.file));
  }
}

}  // namespace levelkeep
