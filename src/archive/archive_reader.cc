#include "archive/archive_reader.h"

#include <utility>

#include "archive/parallel.h"
#include "archive/readers.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "dbfiles/database_files.h"

namespace levelkeep {

namespace {

bool IsSameFile(const FileInfo& a, const FileInfo& b) {
  return a.device == b.device && a.inode == b.inode &&
         a.size_bytes == b.size_bytes && a.mtime_ns == b.mtime_ns &&
         a.ctime_ns == b.ctime_ns;
}

// Whether the file's times or inode change because somebody reads it.
bool ReadingChanges(FileSystem* fs, const std::string& path,
                    const FileInfo& before) {
  char byte = 0;
  {
    const auto file = fs->Open(path, OpenMode::kRead);
    if (!file.ok() || !(*file)->ReadAt(0, &byte, sizeof(byte)).ok()) {
      return false;
    }
  }
  const auto after = fs->Stat(path);
  return after.ok() && !IsSameFile(before, *after);
}

}  // namespace

ArchiveReader::ArchiveReader() = default;

ArchiveReader::~ArchiveReader() = default;

Result<std::unique_ptr<ArchiveReader>> ArchiveReader::Open(
    FileSystem* fs, const std::string& path) {
  LEVELKEEP_ASSIGN_OR_RETURN(std::shared_ptr<File> file,
                             fs->Open(path, OpenMode::kRead));
  return Open(fs, path, std::move(file));
}

Result<std::unique_ptr<ArchiveReader>> ArchiveReader::Open(
    FileSystem* fs, const std::string& path, std::shared_ptr<File> file) {
  const auto info = file->Stat();
  if (!info.ok()) return info.status().WithContext(path);
  LEVELKEEP_ASSIGN_OR_RETURN(auto reader,
                             Open(fs, path, std::move(file), info->size_bytes));
  reader->opened_ = *info;
  return reader;
}

Result<std::unique_ptr<ArchiveReader>> ArchiveReader::Open(
    FileSystem* fs, const std::string& label,
    std::shared_ptr<const ByteSource> bytes, uint64_t size_bytes) {
  std::unique_ptr<ArchiveReader> reader(new ArchiveReader());
  reader->fs_ = fs;
  reader->path_ = label;
  reader->bytes_ = std::move(bytes);
  reader->outline_.archive_bytes = size_bytes;
  const Status status = reader->Load();
  if (!status.ok()) return status.WithContext(label);
  return reader;
}

Status ArchiveReader::Load() {
  const uint64_t size = outline_.archive_bytes;
  char magic[2] = {};
  if (size >= sizeof magic) {
    LEVELKEEP_RETURN_IF_ERROR(ReadExactly(*bytes_, 0, magic, sizeof magic));
  }
  if (magic[0] != '\x1f' || magic[1] != '\x8b') {
    return Status(StatusCode::kCorruption, "not a gzip file",
                  "backups are .tar.gz archives: check what was copied");
  }
  LEVELKEEP_ASSIGN_OR_RETURN(std::optional<OwnIndex> index,
                             LoadOwnIndex(*bytes_, size));
  if (!index) return Status::Ok();
  outline_.own = true;
  outline_.manifest = index->manifest;
  outline_.content_bytes = index->content_bytes;
  index_ = std::make_unique<const OwnIndex>(std::move(*index));
  return Status::Ok();
}

Result<ExtractedDatabase> ArchiveReader::Read(
    const std::string& target_dir, const ArchiveReadOptions& options) {
  TargetDirectory target(fs_, target_dir);
  Result<ExtractedDatabase> database =
      index_ ? ReadOwnArchive(*bytes_, *index_, options, &target, sha256_)
             : ReadForeignArchive(*bytes_, outline_.archive_bytes, options,
                                  &target, &cut_short_);
  if (!database.ok()) return database.status().WithContext(path_);
  sha256_ = database->archive_sha256;
  return database;
}

Result<ExtractedDatabase> ArchiveReader::Check(
    const ArchiveReadOptions& options) {
  return Read("", options);
}

Result<ExtractedDatabase> ArchiveReader::Extract(
    const std::string& target_dir, const ArchiveReadOptions& options) {
  if (target_dir.empty()) {
    return Status(StatusCode::kInvalidArgument, "no directory to extract to");
  }
  return Read(target_dir, options);
}

Status ArchiveReader::CheckUnchanged(std::stop_token stop) const {
  if (!opened_) return Status::Ok();
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo now, fs_->Stat(path_));
  if (IsSameFile(now, *opened_)) return Status::Ok();
  if (!sha256_.empty() && ReadingChanges(fs_, path_, now)) {
    LEVELKEEP_ASSIGN_OR_RETURN(const auto again, Open(fs_, path_));
    LEVELKEEP_ASSIGN_OR_RETURN(const std::string sha256, again->Sha256(stop));
    if (sha256 == sha256_) return Status::Ok();
  }
  return Status(StatusCode::kBusy,
                path_ + " was changed or replaced while it was read",
                "try again when nobody writes to it");
}

Result<std::string> ArchiveReader::Sha256(std::stop_token stop) {
  if (sha256_.empty()) {
    Result<std::string> sha256 = DigestOfSource(
        DigestKind::kSha256, *bytes_, outline_.archive_bytes, std::move(stop));
    if (!sha256.ok()) return sha256.status().WithContext(path_);
    sha256_ = *sha256;
  }
  return sha256_;
}

TargetDirectory::TargetDirectory(FileSystem* fs, std::string path)
    : fs_(fs), path_(std::move(path)) {}

Status TargetDirectory::CheckEmpty() const {
  if (!writes()) return Status::Ok();
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, fs_->List(path_));
  if (names.empty()) return Status::Ok();
  return Status(StatusCode::kInvalidArgument, path_ + " is not empty",
                "extract into an empty directory");
}

Result<std::unique_ptr<File>> TargetDirectory::Create(const std::string& name) {
  // The readers checked the name; a bad name would do harm here.
  if (!IsBackedUp(ParseDbFileName(name).kind)) {
    return Status(StatusCode::kInternal,
                  "refusing to create " + Printable(name));
  }
  return fs_->Open(JoinPath(path_, name), OpenMode::kCreateNew);
}

Status TargetDirectory::Sync() {
  // If we die here: the files are in a directory that nothing refers to; the
  // caller's sweep removes it.
  return writes() ? fs_->SyncDirectory(path_) : Status::Ok();
}

Status SyncQueue::Add(std::unique_ptr<File> file, uint64_t size_bytes) {
  if (size_bytes > 0) file->StartWriteback(0, size_bytes);
  files_.push_back(std::move(file));
  return files_.size() > length_ ? SyncOldest() : Status::Ok();
}

Status SyncQueue::Finish() {
  while (!files_.empty()) LEVELKEEP_RETURN_IF_ERROR(SyncOldest());
  return Status::Ok();
}

Status SyncQueue::SyncOldest() {
  const std::unique_ptr<File> file = std::move(files_.front());
  files_.pop_front();
  LEVELKEEP_RETURN_IF_ERROR(file->Sync());
  return file->Close();
}

}  // namespace levelkeep
