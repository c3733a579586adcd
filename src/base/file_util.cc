// Functions that need only the FileSystem interface.

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "base/file_system.h"
#include "base/hash.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {

namespace {

constexpr std::string_view kTemporaryPrefix = ".levelkeep-";
constexpr int kWriteAttempts = 3;

class PrefixSource : public ByteSource {
 public:
  PrefixSource(std::shared_ptr<const ByteSource> source, uint64_t size_bytes)
      : source_(std::move(source)), size_bytes_(size_bytes) {}

  Result<size_t> ReadAt(uint64_t offset, char* buffer,
                        size_t size) const override {
    return source_->ReadAt(offset, buffer,
                           static_cast<size_t>(Clamp(offset, size)));
  }
  void WillNeed(uint64_t offset, uint64_t size) const override {
    source_->WillNeed(offset, Clamp(offset, size));
  }
  void DontNeed(uint64_t offset, uint64_t size) const override {
    source_->DontNeed(offset, Clamp(offset, size));
  }
  bool IsCached(uint64_t offset) const override {
    return source_->IsCached(offset);
  }

 private:
  uint64_t Clamp(uint64_t offset, uint64_t size) const {
    return offset >= size_bytes_ ? 0 : std::min(size, size_bytes_ - offset);
  }

  const std::shared_ptr<const ByteSource> source_;
  const uint64_t size_bytes_;
};

class StringSource : public ByteSource {
 public:
  explicit StringSource(std::string contents)
      : contents_(std::move(contents)) {}

  Result<size_t> ReadAt(uint64_t offset, char* buffer,
                        size_t size) const override {
    if (offset >= contents_.size()) return size_t{0};
    const size_t count =
        std::min(size, contents_.size() - static_cast<size_t>(offset));
    std::memcpy(buffer, contents_.data() + offset, count);
    return count;
  }

 private:
  const std::string contents_;
};

// Writes, syncs and closes a new file.
Status WriteNewFile(FileSystem* fs, const std::string& path,
                    std::string_view contents) {
  LEVELKEEP_ASSIGN_OR_RETURN(auto file, fs->Open(path, OpenMode::kCreateNew));
  LEVELKEEP_RETURN_IF_ERROR(file->Append(contents));
  LEVELKEEP_RETURN_IF_ERROR(file->Sync());
  return file->Close();
}

std::string_view WithoutTrailingSlashes(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

// Removes the first name. REQUIRES: the file has both names.
Status DropFirstName(FileSystem* fs, const std::string& source,
                     const std::string& target) {
  const Status removed = fs->RemoveFile(source);
  if (removed.ok()) return removed;
  // A network file system may report a failure after it has done the operation.
  if (fs->Stat(source).status().code() == StatusCode::kNotFound) {
    return Status::Ok();
  }
  (void)fs->RemoveFile(target);
  return removed;
}

Status MoveOverClaim(FileSystem* fs, const std::string& source,
                     const std::string& target) {
  // Makes the source's name durable first, so that no claim exists without its
  // source.
  LEVELKEEP_RETURN_IF_ERROR(fs->SyncDirectory(ParentPath(source)));
  LEVELKEEP_ASSIGN_OR_RETURN(const auto claim,
                             fs->Open(target, OpenMode::kCreateNew));
  Status moved = claim->Close();
  // If we die here: a claim is beside the complete source.
  if (moved.ok()) moved = fs->Rename(source, target);
  if (!moved.ok()) (void)RemoveClaim(fs, target);
  return moved;
}

}  // namespace

std::string JoinPath(std::string_view directory, std::string_view name) {
  while (!name.empty() && name.front() == '/') name.remove_prefix(1);
  std::string path(WithoutTrailingSlashes(directory));
  if (!path.empty() && path.back() != '/') path += '/';
  path += name;
  return path;
}

std::string ParentPath(std::string_view path) {
  path = WithoutTrailingSlashes(path);
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(WithoutTrailingSlashes(path.substr(0, slash + 1)));
}

std::string BaseName(std::string_view path) {
  path = WithoutTrailingSlashes(path);
  if (path == "/") return "/";
  return std::string(path.substr(path.rfind('/') + 1));
}

std::string AbsolutePath(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

bool PathExists(FileSystem* fs, const std::string& path) {
  return fs->Stat(path).ok();
}

bool IsOurOwn(FileSystem* fs, const FileInfo& file, const std::string& folder) {
  const uint32_t user = EffectiveUser();
  if (file.owner == 0 || file.owner == user) return true;
  if (user != 0) return false;
  const auto info = fs->StatFollowing(folder);
  return info.ok() && info->owner == file.owner;
}

std::string NearestFolder(FileSystem* fs, std::string folder) {
  while (fs->StatFollowing(folder).status().code() == StatusCode::kNotFound &&
         folder != ParentPath(folder)) {
    folder = ParentPath(folder);
  }
  return folder;
}

Status NotAFolder(const std::string& path) {
  return Status(StatusCode::kInvalidArgument, path + " is not a folder",
                "remove it or name another folder");
}

Status NotRegular(const std::string& path, const char* what) {
  return Status(StatusCode::kRefused,
                path + " is " + what + ", not a regular file",
                "remove it or name another file");
}

Status CreateDirectories(FileSystem* fs, const std::string& path) {
  const auto info = fs->StatFollowing(path);
  if (info.ok()) {
    return info->type == FileType::kDirectory ? Status::Ok() : NotAFolder(path);
  }
  if (info.status().code() != StatusCode::kNotFound) return info.status();
  const std::string parent = ParentPath(path);
  if (parent != path) LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(fs, parent));
  Status made = fs->CreateDirectory(path);
  if (made.code() == StatusCode::kAlreadyExists) {
    // Another process was faster, or a link without a target has the name.
    LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo now, fs->StatFollowing(path));
    if (now.type == FileType::kDirectory) return Status::Ok();
    return made;
  }
  LEVELKEEP_RETURN_IF_ERROR(made);
  // If we die here: the folder may be lost; the next start creates it again.
  const Status synced = fs->SyncDirectory(parent);
  // Otherwise the next call would assume that the folder is durable.
  if (!synced.ok()) (void)fs->RemoveDirectory(path);
  return synced;
}

Result<std::string> ReadFile(FileSystem* fs, const std::string& path,
                             uint64_t limit_bytes, OpenMode mode) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto file, fs->Open(path, mode));
  return ReadAll(*file, path, limit_bytes);
}

Result<std::string> ReadAll(const File& file, const std::string& path,
                            uint64_t limit_bytes) {
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, file.Stat());
  // The size is only a first guess: the file may grow, and /proc says 0.
  std::string contents;
  size_t done = 0;
  size_t chunk = static_cast<size_t>(std::min(info.size_bytes, limit_bytes));
  chunk = std::max<size_t>(chunk + 1, 4096);
  for (;;) {
    contents.resize(done + chunk);
    LEVELKEEP_ASSIGN_OR_RETURN(
        const size_t count, file.ReadAt(done, contents.data() + done, chunk));
    done += count;
    if (done > limit_bytes) {
      return Status(
          StatusCode::kInvalidArgument,
          path + " is larger than " + std::to_string(limit_bytes) + " bytes");
    }
    if (count < chunk) break;
  }
  contents.resize(done);
  return contents;
}

Status WriteFileDurably(FileSystem* fs, const std::string& path,
                        std::string_view contents) {
  const std::string directory = ParentPath(path);
  for (int attempt = 1;; ++attempt) {
    const std::string temporary =
        JoinPath(directory, NewTemporaryName(kTemporarySuffix));
    Status written = WriteNewFile(fs, temporary, contents);
    fs->GiveOwnerOf(path, temporary);
    // If we die here: the old content is in place, and the temporary file is
    // swept.
    if (written.ok()) written = fs->Rename(temporary, path);
    // If we die here: the old or the new content is in place, complete.
    if (written.ok()) return fs->SyncDirectory(directory);
    // Best effort: otherwise the sweep at the next start removes the file.
    (void)fs->RemoveFile(temporary);
    // Another process that starts may have removed the file as a left-over.
    const bool swept = written.code() == StatusCode::kNotFound;
    if (!swept || attempt == kWriteAttempts) return written;
  }
}

std::string NewTemporaryName(std::string_view suffix) {
  return std::string(kTemporaryPrefix) + RandomId() + std::string(suffix);
}

bool HasTemporaryForm(std::string_view name, std::string_view suffix) {
  constexpr size_t kIdLength = 32;
  if (!name.starts_with(kTemporaryPrefix)) return false;
  name.remove_prefix(kTemporaryPrefix.size());
  return IsLowerHex(name.substr(0, kIdLength), kIdLength) &&
         name.substr(kIdLength) == suffix;
}

bool IsTemporaryName(std::string_view name) {
  return HasTemporaryForm(name, kTemporarySuffix) || IsPartName(name);
}

bool IsPartName(std::string_view name) {
  return HasTemporaryForm(name, kPartSuffix);
}

Status RemoveTree(FileSystem* fs, const std::string& path) {
  const auto info = fs->Stat(path);
  if (info.status().code() == StatusCode::kNotFound) return Status::Ok();
  if (!info.ok()) return info.status();
  Status removed;
  if (info->type == FileType::kDirectory) {
    LEVELKEEP_ASSIGN_OR_RETURN(const auto names, fs->List(path));
    for (const std::string& name : names) {
      LEVELKEEP_RETURN_IF_ERROR(RemoveTree(fs, JoinPath(path, name)));
    }
    removed = fs->RemoveDirectory(path);
  } else {
    removed = fs->RemoveFile(path);
  }
  if (removed.code() == StatusCode::kNotFound) return Status::Ok();
  return removed;
}

Status ReadExactly(const ByteSource& source, uint64_t offset, char* buffer,
                   size_t size) {
  LEVELKEEP_ASSIGN_OR_RETURN(const size_t count,
                             source.ReadAt(offset, buffer, size));
  if (count == size) return Status::Ok();
  return Status(StatusCode::kCorruption,
                "ends at byte " + std::to_string(offset + count) + ", " +
                    std::to_string(size - count) + " bytes are missing");
}

Status WriteBlocks(File* file, uint64_t offset, std::string_view bytes) {
  const size_t whole = bytes.size() - bytes.size() % kDeviceBlockBytes;
  if (whole > 0) {
    LEVELKEEP_RETURN_IF_ERROR(
        file->WriteToDevice(offset, bytes.substr(0, whole)));
  }
  if (whole == bytes.size()) return Status::Ok();
  return file->WriteAt(offset + whole, bytes.substr(whole));
}

Status CopyBytes(const ByteSource& source, File* target, uint64_t offset,
                 uint64_t size) {
  if (size == 0) return Status::Ok();
  std::string buffer(
      static_cast<size_t>(std::min<uint64_t>(size, uint64_t{1} << 20)), '\0');
  while (size > 0) {
    const auto count =
        static_cast<size_t>(std::min<uint64_t>(size, buffer.size()));
    LEVELKEEP_RETURN_IF_ERROR(
        ReadExactly(source, offset, buffer.data(), count));
    LEVELKEEP_RETURN_IF_ERROR(
        target->Append(std::string_view(buffer).substr(0, count)));
    offset += count;
    size -= count;
  }
  return Status::Ok();
}

Status CopyDurably(FileSystem* fs, const ByteSource& source, uint64_t size,
                   const std::string& path) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto file,
                             fs->Open(path, OpenMode::kCreateNew));
  LEVELKEEP_RETURN_IF_ERROR(source.CopyRangeTo(file.get(), 0, size));
  LEVELKEEP_RETURN_IF_ERROR(file->Sync());
  return file->Close();
}

Status ByteSource::CopyRangeTo(File* target, uint64_t offset,
                               uint64_t size) const {
  return CopyBytes(*this, target, offset, size);
}

std::unique_ptr<ByteSource> NewPrefixSource(
    std::shared_ptr<const ByteSource> source, uint64_t size_bytes) {
  return std::make_unique<PrefixSource>(std::move(source), size_bytes);
}

std::unique_ptr<ByteSource> NewStringSource(std::string contents) {
  return std::make_unique<StringSource>(std::move(contents));
}

Status MoveToNewName(FileSystem* fs, const std::string& source,
                     const std::string& target) {
  // Some file systems ignore the flag (exFAT with fuse 3.17) and would replace
  // the target.
  const Status free = fs->Stat(target).status();
  if (free.ok()) {
    return Status(StatusCode::kAlreadyExists, target + " is there already");
  }
  if (free.code() != StatusCode::kNotFound) return free;
  const Status renamed = fs->RenameNoReplace(source, target);
  if (renamed.code() != StatusCode::kUnsupported) return renamed;
  const Status linked = fs->Link(source, target);
  // If we die here: the file has both names.
  if (linked.ok()) return DropFirstName(fs, source, target);
  if (linked.code() == StatusCode::kAlreadyExists ||
      linked.code() == StatusCode::kNotFound) {
    return linked;
  }
  // Without support for links, the errors differ: EPERM from exFAT, EIO from
  // rclone. After any error the next way may work.
  return MoveOverClaim(fs, source, target);
}

bool IsClaim(const FileInfo& info) {
  return info.type == FileType::kRegular && info.size_bytes == 0;
}

Status RemoveClaim(FileSystem* fs, const std::string& path) {
  const auto info = fs->Stat(path);
  if (info.status().code() == StatusCode::kNotFound) return Status::Ok();
  if (!info.ok()) return info.status();
  return IsClaim(*info) ? fs->RemoveFile(path) : Status::Ok();
}

}  // namespace levelkeep
