// OverlayEnv: lets LevelDB open a database without changing its files.
//
// To open a database, LevelDB writes: a new MANIFEST, a new log, tables made of
// the old logs, CURRENT, LOCK, LOG. Here the database's files are only read.
// All writes go to a scratch directory, whose files hide the database's files
// of the same name. Nothing runs in the background, so nothing is compacted. A
// DB opened this way must not be destroyed (it would wait for its compaction
// for ever): the process ends with _exit instead.

#ifndef LEVELKEEP_CHECK_OVERLAY_ENV_H_
#define LEVELKEEP_CHECK_OVERLAY_ENV_H_

#include <algorithm>
#include <atomic>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "archive/archive_view.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "base/work.h"
#include "leveldb/env.h"
#include "levelkeep/status.h"

namespace levelkeep::check {

// Read-only access to the files. Names have no folder.
// Thread safety: all methods may be called concurrently.
class StoreFiles {
 public:
  virtual ~StoreFiles() = default;
  virtual Result<std::vector<std::string>> List() const = 0;
  // kNotFound if there is no such file. Fills only type and size.
  virtual Result<FileInfo> Stat(const std::string& name) const = 0;
  virtual Result<std::unique_ptr<ByteSource>> Open(
      const std::string& name) const = 0;
};

// A file that is open only during a read, because LevelDB would otherwise keep
// more tables open than the host allows.
class FileByName : public ByteSource {
 public:
  // `fs` outlives this object.
  FileByName(FileSystem* fs, std::string path)
      : fs_(fs), path_(std::move(path)) {}
  Result<size_t> ReadAt(uint64_t offset, char* buffer,
                        size_t size) const override {
    LEVELKEEP_ASSIGN_OR_RETURN(const auto file,
                               fs_->Open(path_, OpenMode::kRead));
    return file->ReadAt(offset, buffer, size);
  }

 private:
  FileSystem* const fs_;
  const std::string path_;
};

// Reads the files of another object no faster than a limit allows. Thread
// safety: as that object.
class PacedFiles : public StoreFiles {
 public:
  PacedFiles(std::unique_ptr<const StoreFiles> files, uint64_t bytes_per_second)
      : files_(std::move(files)), limiter_(Clock::System(), bytes_per_second) {}

  Result<std::vector<std::string>> List() const override {
    return files_->List();
  }
  Result<FileInfo> Stat(const std::string& name) const override {
    return files_->Stat(name);
  }
  Result<std::unique_ptr<ByteSource>> Open(
      const std::string& name) const override {
    LEVELKEEP_ASSIGN_OR_RETURN(auto source, files_->Open(name));
    return std::unique_ptr<ByteSource>(
        new PacedSource(std::move(source), &limiter_));
  }

 private:
  class PacedSource : public ByteSource {
   public:
    PacedSource(std::unique_ptr<ByteSource> source, RateLimiter* limiter)
        : source_(std::move(source)), limiter_(limiter) {}
    Result<size_t> ReadAt(uint64_t offset, char* buffer,
                          size_t size) const override {
      LEVELKEEP_RETURN_IF_ERROR(limiter_->Take(size, {}));
      return source_->ReadAt(offset, buffer, size);
    }

   private:
    const std::unique_ptr<ByteSource> source_;
    RateLimiter* const limiter_;
  };

  const std::unique_ptr<const StoreFiles> files_;
  mutable RateLimiter limiter_;
};

class FolderFiles : public StoreFiles {
 public:
  // `fs` outlives this object.
  FolderFiles(FileSystem* fs, std::string folder)
      : fs_(fs), folder_(std::move(folder)) {}

  Result<std::vector<std::string>> List() const override {
    return fs_->List(folder_);
  }
  Result<FileInfo> Stat(const std::string& name) const override {
    return fs_->Stat(JoinPath(folder_, name));
  }
  Result<std::unique_ptr<ByteSource>> Open(
      const std::string& name) const override {
    const std::string path = JoinPath(folder_, name);
    LEVELKEEP_ASSIGN_OR_RETURN(auto file, fs_->Open(path, OpenMode::kRead));
    return by_name_ ? std::unique_ptr<ByteSource>(new FileByName(fs_, path))
                    : std::unique_ptr<ByteSource>(std::move(file));
  }

 private:
  FileSystem* const fs_;
  const std::string folder_;
  const bool by_name_ = FewFilesMayBeOpen();
};

class ArchiveFiles : public StoreFiles {
 public:
  explicit ArchiveFiles(std::shared_ptr<const ArchiveView> view)
      : view_(std::move(view)) {}

  Result<std::vector<std::string>> List() const override {
    std::vector<std::string> names;
    for (const auto& [name, size_bytes] : view_->sizes()) names.push_back(name);
    return names;
  }
  Result<FileInfo> Stat(const std::string& name) const override {
    const auto found = view_->sizes().find(name);
    if (found == view_->sizes().end()) {
      return Status(StatusCode::kNotFound,
                    "the archive holds no file " + Printable(name));
    }
    FileInfo info;
    info.type = FileType::kRegular;
    info.size_bytes = found->second;
    return info;
  }
  Result<std::unique_ptr<ByteSource>> Open(
      const std::string& name) const override {
    return ArchiveView::OpenFile(view_, name);
  }

 private:
  const std::shared_ptr<const ArchiveView> view_;
};

// Remembers the last block of a type that LevelDB 1.23 does not know.
// Thread safety: any thread.
class BlockTypes {
 public:
  // `bytes` is what LevelDB read from a table: a block and its trailer, or the
  // footer.
  void Note(std::string_view bytes) {
    constexpr size_t kTrailerBytes = 5;  // the type, then a checksum
    constexpr size_t kFooterBytes = 48;
    constexpr unsigned char kSnappy = 1;
    if (bytes.size() <= kTrailerBytes || bytes.size() == kFooterBytes) return;
    const auto type =
        static_cast<unsigned char>(bytes[bytes.size() - kTrailerBytes]);
    if (type <= kSnappy) return;
    last_ = type | (bytes.starts_with("\x28\xb5\x2f\xfd") ? kZstd : 0);
  }

  // Returns `failure`, or a better message if LevelDB met such a block. LevelDB
  // compares the checksum before the type, so the block itself is undamaged.
  Status Explain(const Status& failure) const {
    if (failure.message().find("bad block type") == std::string::npos) {
      return failure;
    }
    const int type = last_ & 0xff;
    return Status(StatusCode::kUnsupported,
                  "tables are compressed " + NameOf(last_) + "(block type " +
                      std::to_string(type) + "), which this LevelDB can't read",
                  "use the application that wrote these tables");
  }

 private:
  static constexpr int kZstd = 0x100;

  // Minecraft writes zlib as 2 and 4; LevelDB after 1.23 writes zstd as 2.
  static std::string NameOf(int block) {
    switch (block) {
      case 2:
      case 4:
        return "with zlib ";
      case 2 | kZstd:
        return "with zstd ";
      default:
        return "";
    }
  }

  std::atomic<int> last_ = 0;
};

class SilentLogger : public leveldb::Logger {
 public:
  void Logv(const char* /*format*/, std::va_list /*arguments*/) override {}
};

// Damaged content of an archive is reported as the backup's fault, all other
// failures as the disk's.
inline leveldb::Status ToLevelDb(const Status& failure) {
  return failure.code() == StatusCode::kCorruption
             ? leveldb::Status::Corruption(failure.message())
             : leveldb::Status::IOError(failure.message());
}

// Reads the file instead of mapping it: if the file shrinks, a read fails (a
// mapping would raise SIGBUS), and bytes that were read need no memory.
// Thread safety: Read may be called concurrently.
class ReadFileAccess : public leveldb::RandomAccessFile {
 public:
  // `types` outlives this object.
  ReadFileAccess(std::unique_ptr<ByteSource> file, BlockTypes* types)
      : file_(std::move(file)), types_(types) {}
  leveldb::Status Read(uint64_t offset, size_t size, leveldb::Slice* result,
                       char* scratch) const override {
    // An offset that no file can have is an error in the table, not of the
    // disk, whatever error the operating system reports.
    if (offset > kMostOffset || size > kMostOffset - offset) {
      return leveldb::Status::Corruption("a block lies beyond any file");
    }
    const Result<size_t> count = file_->ReadAt(offset, scratch, size);
    *result = leveldb::Slice(scratch, count.ok() ? *count : 0);
    types_->Note(std::string_view(result->data(), result->size()));
    return count.ok() ? leveldb::Status::OK() : ToLevelDb(count.status());
  }

 private:
  static constexpr uint64_t kMostOffset = INT64_MAX;

  const std::unique_ptr<ByteSource> file_;
  BlockTypes* const types_;
};

// Thread safety: one thread at a time.
class ReadFileInOrder : public leveldb::SequentialFile {
 public:
  explicit ReadFileInOrder(std::unique_ptr<ByteSource> file)
      : file_(std::move(file)) {}
  leveldb::Status Read(size_t size, leveldb::Slice* result,
                       char* scratch) override {
    const Result<size_t> count = file_->ReadAt(offset_, scratch, size);
    *result = leveldb::Slice(scratch, count.ok() ? *count : 0);
    if (!count.ok()) return ToLevelDb(count.status());
    offset_ += *count;
    return leveldb::Status::OK();
  }
  leveldb::Status Skip(uint64_t count) override {
    offset_ += count;
    return leveldb::Status::OK();
  }

 private:
  const std::unique_ptr<ByteSource> file_;
  uint64_t offset_ = 0;
};

// Thread safety: one thread (there is no background work); once the database is
// open, several threads may read.
class OverlayEnv : public leveldb::EnvWrapper {
 public:
  // Paths have no slash at the end. `files` are the files that LevelDB finds in
  // `db_dir`, which need not exist; `base` and `fs` both lead to `scratch_dir`.
  // All outlive this object.
  OverlayEnv(leveldb::Env* base, FileSystem* fs, const StoreFiles* files,
             std::string db_dir, std::string scratch_dir)
      : leveldb::EnvWrapper(base),
        fs_(fs),
        files_(*files),
        db_dir_(std::move(db_dir)),
        scratch_dir_(std::move(scratch_dir)) {}

  leveldb::Status NewSequentialFile(const std::string& path,
                                    leveldb::SequentialFile** file) override {
    *file = nullptr;
    std::unique_ptr<ByteSource> source;
    const leveldb::Status status = OpenToRead(path, &source);
    if (status.ok()) *file = new ReadFileInOrder(std::move(source));
    return status;
  }
  leveldb::Status NewRandomAccessFile(
      const std::string& path, leveldb::RandomAccessFile** file) override {
    *file = nullptr;
    std::unique_ptr<ByteSource> source;
    const leveldb::Status status = OpenToRead(path, &source);
    if (status.ok())
      *file = new ReadFileAccess(std::move(source), &block_types_);
    return status;
  }
  leveldb::Status NewWritableFile(const std::string& path,
                                  leveldb::WritableFile** file) override {
    hidden_.erase(path);
    written_.insert(path);
    return target()->NewWritableFile(InScratch(path), file);
  }
  leveldb::Status NewAppendableFile(const std::string& path,
                                    leveldb::WritableFile** file) override {
    *file = nullptr;
    return leveldb::Status::NotSupported(path, "appending to a checked file");
  }
  bool FileExists(const std::string& path) override {
    if (hidden_.count(path) > 0) return false;
    // A file whose Stat fails counts as existing: opening it reports the error.
    return IsInScratch(path) ||
           (IsOfDatabase(path) &&
            files_.Stat(NameOf(path)).status().code() != StatusCode::kNotFound);
  }
  leveldb::Status GetFileSize(const std::string& path,
                              uint64_t* size) override {
    *size = 0;
    if (!FileExists(path)) return leveldb::Status::NotFound(path);
    if (IsInScratch(path)) return target()->GetFileSize(InScratch(path), size);
    const auto info = files_.Stat(NameOf(path));
    if (!info.ok()) return ToLevelDb(info.status());
    *size = info->size_bytes;
    return leveldb::Status::OK();
  }
  leveldb::Status GetChildren(const std::string& dir,
                              std::vector<std::string>* names) override {
    names->clear();
    if (dir != db_dir_) return leveldb::Status::NotFound(dir);
    auto listed = files_.List();
    if (!listed.ok()) return ToLevelDb(listed.status());
    std::vector<std::string> written;
    const leveldb::Status status =
        target()->GetChildren(scratch_dir_, &written);
    if (!status.ok()) return status;
    *names = std::move(*listed);
    names->insert(names->end(), written.begin(), written.end());
    std::sort(names->begin(), names->end());
    names->erase(std::unique(names->begin(), names->end()), names->end());
    std::erase_if(*names, [&](const std::string& name) {
      return hidden_.count(dir + "/" + name) > 0;
    });
    return status;
  }
  leveldb::Status RemoveFile(const std::string& path) override {
    hidden_.insert(path);
    if (written_.erase(path) == 0) return leveldb::Status::OK();
    return target()->RemoveFile(InScratch(path));
  }
  leveldb::Status RenameFile(const std::string& source,
                             const std::string& to) override {
    if (!IsInScratch(source)) {
      return leveldb::Status::NotSupported(source, "renaming a checked file");
    }
    hidden_.erase(to);
    hidden_.insert(source);
    written_.erase(source);
    written_.insert(to);
    return target()->RenameFile(InScratch(source), InScratch(to));
  }
  leveldb::Status CreateDir(const std::string& /*dir*/) override {
    return leveldb::Status::OK();
  }
  leveldb::Status RemoveDir(const std::string& /*dir*/) override {
    return leveldb::Status::OK();
  }

  // The caller of levelkeep-check makes sure that nobody writes to the
  // database.
  leveldb::Status LockFile(const std::string& /*path*/,
                           leveldb::FileLock** lock) override {
    *lock = new leveldb::FileLock;
    return leveldb::Status::OK();
  }
  leveldb::Status UnlockFile(leveldb::FileLock* lock) override {
    delete lock;
    return leveldb::Status::OK();
  }

  // The block types of the tables that LevelDB has read through this Env.
  const BlockTypes& block_types() const { return block_types_; }

  void Schedule(void (* /*function*/)(void*), void* /*argument*/) override {}
  void StartThread(void (* /*function*/)(void*), void* /*argument*/) override {}
  leveldb::Status NewLogger(const std::string& /*path*/,
                            leveldb::Logger** logger) override {
    *logger = new SilentLogger;
    return leveldb::Status::OK();
  }

 private:
  leveldb::Status OpenToRead(const std::string& path,
                             std::unique_ptr<ByteSource>* source) {
    if (!FileExists(path)) return leveldb::Status::NotFound(path);
    auto opened = IsInScratch(path)
                      ? FolderFiles(fs_, scratch_dir_).Open(NameOf(path))
                      : files_.Open(NameOf(path));
    if (!opened.ok()) return ToLevelDb(opened.status());
    *source = std::move(*opened);
    return leveldb::Status::OK();
  }
  static std::string NameOf(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
  }
  // LevelDB opens only files of the database's folder.
  bool IsOfDatabase(const std::string& path) const {
    return path == db_dir_ + "/" + NameOf(path);
  }
  // Every file that LevelDB writes goes to the scratch directory, by its name.
  std::string InScratch(const std::string& path) const {
    return scratch_dir_ + "/" + NameOf(path);
  }
  bool IsInScratch(const std::string& path) const {
    return written_.count(path) > 0;
  }

  FileSystem* const fs_;
  const StoreFiles& files_;
  const std::string db_dir_;
  const std::string scratch_dir_;
  BlockTypes block_types_;
  std::set<std::string> hidden_;  // names that LevelDB removed or renamed
  // The files in the scratch directory, known even if the disk fails.
  std::set<std::string> written_;
};

}  // namespace levelkeep::check

#endif  // LEVELKEEP_CHECK_OVERLAY_ENV_H_
