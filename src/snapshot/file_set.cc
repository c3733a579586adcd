#include "snapshot/file_set.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"

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

FileSetBuilder::FileSetBuilder(SnapshotMethod method) { info_.method = method; }

void FileSetBuilder::Reserve(size_t tables) {
  constexpr size_t kOthers = 16;  // logs, MANIFEST, CURRENT
  info_.files.reserve(tables + kOthers);
  openers_.reserve(tables + kOthers);
}

void FileSetBuilder::AddTable(const std::string& name, const FileInfo& info,
                              Opener open) {
  SnapshotFile file;
  file.name = name;
  file.kind = DbFileKind::kTable;
  file.size_bytes = info.size_bytes;
  file.device = info.device;
  file.inode = info.inode;
  file.mtime_ns = info.mtime_ns;
  info_.files.push_back(std::move(file));
  openers_.push_back(std::move(open));
}

void FileSetBuilder::AddLog(uint64_t number, uint64_t boundary,
                            uint64_t last_sequence, Opener open) {
  SnapshotFile file;
  file.name = LogFileName(number);
  file.kind = DbFileKind::kLog;
  file.size_bytes = boundary;
  info_.files.push_back(std::move(file));
  openers_.push_back(std::move(open));
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
  SnapshotFile file;
  file.name = name;
  file.kind = kind;
  file.size_bytes = contents.size();
  // Each who opens it shares the one copy.
  openers_.push_back(PrefixOpener(
      std::shared_ptr<const ByteSource>(NewStringSource(std::move(contents)))));
  info_.files.push_back(std::move(file));
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
    const std::string old_name = OldTableFileName(table.number);
    Result<FileInfo> old_info = stat(old_name);
    if (old_info.ok()) {
      name = old_name;
      info = std::move(old_info);
    }
  }
  LEVELKEEP_RETURN_IF_ERROR(info.status());
  if (info->size_bytes != table.size_bytes) {
    return Status(StatusCode::kCorruption,
                  "table " + name + " has " + std::to_string(info->size_bytes) +
                      " bytes, the manifest says " +
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

}  // namespace levelkeep
