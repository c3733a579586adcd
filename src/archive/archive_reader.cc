#include "archive/archive_reader.h"

#include <utility>

#include "archive/foreign_reader.h"
#include "archive/own_reader.h"
#include "archive/parallel.h"
#include "archive/target_directory.h"
#include "base/status_macros.h"

namespace levelkeep {

struct ArchiveReader::Impl {
  FileSystem* fs = nullptr;
  std::string path;  // or a label
  std::shared_ptr<const ByteSource> bytes;
  std::optional<FileInfo> opened;  // the file when opened; nullopt: no file
  std::optional<OwnIndex> index;   // for a LevelKeep archive
  ArchiveOutline outline;
  std::string sha256;  // once known
  bool cut_short = false;

  Status Load() {
    const uint64_t size = outline.archive_bytes;
    char magic[2] = {};
    if (size >= sizeof magic) {
      LEVELKEEP_RETURN_IF_ERROR(ReadExactly(*bytes, 0, magic, sizeof magic));
    }
    if (magic[0] != '\x1f' || magic[1] != '\x8b') {
      return Status(StatusCode::kCorruption, "not a gzip file",
                    "backups are .tar.gz archives: check what was copied");
    }
    LEVELKEEP_ASSIGN_OR_RETURN(index, LoadOwnIndex(*bytes, size));
    if (index) {
      outline.own = true;
      outline.manifest = index->manifest;
      outline.content_bytes = index->content_bytes;
    }
    return Status::Ok();
  }

  Result<ExtractedDatabase> Read(const std::string& target_dir,
                                 const ArchiveReadOptions& options) {
    TargetDirectory target(fs, target_dir);
    Result<ExtractedDatabase> database =
        index ? ReadOwnArchive(*bytes, *index, options, &target, sha256)
              : ReadForeignArchive(*bytes, outline.archive_bytes, options,
                                   &target, &cut_short);
    if (!database.ok()) return database.status().WithContext(path);
    sha256 = database->archive_sha256;
    return database;
  }
};

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

ArchiveReader::ArchiveReader() : impl_(std::make_unique<Impl>()) {}

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
  reader->impl_->opened = *info;
  return reader;
}

Result<std::unique_ptr<ArchiveReader>> ArchiveReader::Open(
    FileSystem* fs, const std::string& label,
    std::shared_ptr<const ByteSource> bytes, uint64_t size_bytes) {
  std::unique_ptr<ArchiveReader> reader(new ArchiveReader());
  reader->impl_->fs = fs;
  reader->impl_->path = label;
  reader->impl_->bytes = std::move(bytes);
  reader->impl_->outline.archive_bytes = size_bytes;
  const Status status = reader->impl_->Load();
  if (!status.ok()) return status.WithContext(label);
  return reader;
}

const ByteSource& ArchiveReader::bytes() const { return *impl_->bytes; }

bool ArchiveReader::has_path() const { return impl_->opened.has_value(); }

const ArchiveOutline& ArchiveReader::outline() const { return impl_->outline; }

bool ArchiveReader::cut_short() const { return impl_->cut_short; }

Result<ExtractedDatabase> ArchiveReader::Check(
    const ArchiveReadOptions& options) {
  return impl_->Read("", options);
}

Result<ExtractedDatabase> ArchiveReader::Extract(
    const std::string& target_dir, const ArchiveReadOptions& options) {
  if (target_dir.empty()) {
    return Status(StatusCode::kInvalidArgument, "no directory to extract to");
  }
  return impl_->Read(target_dir, options);
}

Status ArchiveReader::CheckUnchanged(std::stop_token stop) const {
  if (!impl_->opened) return Status::Ok();
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo now, impl_->fs->Stat(impl_->path));
  if (IsSameFile(now, *impl_->opened)) return Status::Ok();
  if (!impl_->sha256.empty() && ReadingChanges(impl_->fs, impl_->path, now)) {
    LEVELKEEP_ASSIGN_OR_RETURN(const auto again, Open(impl_->fs, impl_->path));
    LEVELKEEP_ASSIGN_OR_RETURN(const std::string sha256, again->Sha256(stop));
    if (sha256 == impl_->sha256) return Status::Ok();
  }
  return Status(StatusCode::kBusy,
                impl_->path + " was changed or replaced while it was read",
                "try again when nobody writes to it");
}

Result<std::string> ArchiveReader::Sha256(std::stop_token stop) {
  if (impl_->sha256.empty()) {
    Verdict verdict(std::move(stop));
    Result<std::string> sha256 =
        Sha256OfSource(*impl_->bytes, impl_->outline.archive_bytes, &verdict);
    if (!sha256.ok()) return sha256.status().WithContext(impl_->path);
    impl_->sha256 = *sha256;
  }
  return impl_->sha256;
}

}  // namespace levelkeep
