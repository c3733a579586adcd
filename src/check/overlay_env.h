// OverlayEnv: LevelDB can open a database, the disk does not notice.
//
// Opening a database writes: a new MANIFEST, a new log, tables made of the
// old logs, CURRENT, LOCK, LOG. Here the database directory is only ever
// read; all of that goes to a scratch directory, which hides what it
// replaces. Nothing runs in the background, so nothing is compacted. A DB
// opened this way must not be destroyed (it would wait for its compaction
// for ever): the process ends with _exit instead.

#ifndef LEVELKEEP_CHECK_OVERLAY_ENV_H_
#define LEVELKEEP_CHECK_OVERLAY_ENV_H_

#include <algorithm>
#include <cstdarg>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "leveldb/env.h"

namespace levelkeep::check {

class SilentLogger : public leveldb::Logger {
 public:
  void Logv(const char* /*format*/, std::va_list /*arguments*/) override {}
};

// Read, not mapped: a file that shrinks meanwhile is an error instead of a
// SIGBUS, and the process needs no memory for what it has read.
// Thread safety: Read may be called concurrently.
class ReadFileAccess : public leveldb::RandomAccessFile {
 public:
  explicit ReadFileAccess(std::unique_ptr<File> file)
      : file_(std::move(file)) {}
  leveldb::Status Read(uint64_t offset, size_t size, leveldb::Slice* result,
                       char* scratch) const override {
    const Result<size_t> count = file_->ReadAt(offset, scratch, size);
    *result = leveldb::Slice(scratch, count.ok() ? *count : 0);
    return count.ok() ? leveldb::Status::OK()
                      : leveldb::Status::IOError(count.status().message());
  }

 private:
  const std::unique_ptr<File> file_;
};

// Thread safety: one thread, which is all that there is without background
// work; once the database is open, several may read.
class OverlayEnv : public leveldb::EnvWrapper {
 public:
  // Paths without a slash at the end.
  OverlayEnv(leveldb::Env* base, std::string db_dir, std::string scratch_dir)
      : leveldb::EnvWrapper(base),
        db_dir_(std::move(db_dir)),
        scratch_dir_(std::move(scratch_dir)) {}

  leveldb::Status NewSequentialFile(const std::string& path,
                                    leveldb::SequentialFile** file) override {
    if (!FileExists(path)) {
      *file = nullptr;
      return leveldb::Status::NotFound(path);
    }
    return target()->NewSequentialFile(Resolve(path), file);
  }
  leveldb::Status NewRandomAccessFile(
      const std::string& path, leveldb::RandomAccessFile** file) override {
    *file = nullptr;
    if (!FileExists(path)) return leveldb::Status::NotFound(path);
    auto opened =
        FileSystem::Posix()->Open(Resolve(path), OpenMode::kReadFollowing);
    if (!opened.ok()) {
      return leveldb::Status::IOError(opened.status().message());
    }
    *file = new ReadFileAccess(std::move(*opened));
    return leveldb::Status::OK();
  }
  leveldb::Status NewWritableFile(const std::string& path,
                                  leveldb::WritableFile** file) override {
    hidden_.erase(path);
    return target()->NewWritableFile(InScratch(path), file);
  }
  leveldb::Status NewAppendableFile(const std::string& path,
                                    leveldb::WritableFile** file) override {
    *file = nullptr;
    return leveldb::Status::NotSupported(path, "appending to a checked file");
  }
  bool FileExists(const std::string& path) override {
    return hidden_.count(path) == 0 && target()->FileExists(Resolve(path));
  }
  leveldb::Status GetFileSize(const std::string& path,
                              uint64_t* size) override {
    *size = 0;
    if (!FileExists(path)) return leveldb::Status::NotFound(path);
    return target()->GetFileSize(Resolve(path), size);
  }
  leveldb::Status GetChildren(const std::string& dir,
                              std::vector<std::string>* names) override {
    leveldb::Status status = target()->GetChildren(dir, names);
    if (!status.ok() || dir != db_dir_) return status;
    std::vector<std::string> written;
    status = target()->GetChildren(scratch_dir_, &written);
    if (!status.ok()) return status;
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
    const std::string scratch = InScratch(path);
    if (!target()->FileExists(scratch)) return leveldb::Status::OK();
    return target()->RemoveFile(scratch);
  }
  leveldb::Status RenameFile(const std::string& source,
                             const std::string& to) override {
    const std::string scratch = InScratch(source);
    if (!target()->FileExists(scratch)) {
      return leveldb::Status::NotSupported(source, "renaming a checked file");
    }
    hidden_.erase(to);
    hidden_.insert(source);
    return target()->RenameFile(scratch, InScratch(to));
  }
  leveldb::Status CreateDir(const std::string& /*dir*/) override {
    return leveldb::Status::OK();
  }
  leveldb::Status RemoveDir(const std::string& /*dir*/) override {
    return leveldb::Status::OK();
  }

  // The caller of levelkeep-check sees to it that nobody writes meanwhile.
  leveldb::Status LockFile(const std::string& /*path*/,
                           leveldb::FileLock** lock) override {
    *lock = new leveldb::FileLock;
    return leveldb::Status::OK();
  }
  leveldb::Status UnlockFile(leveldb::FileLock* lock) override {
    delete lock;
    return leveldb::Status::OK();
  }

  void Schedule(void (* /*function*/)(void*), void* /*argument*/) override {}
  void StartThread(void (* /*function*/)(void*), void* /*argument*/) override {}
  leveldb::Status NewLogger(const std::string& /*path*/,
                            leveldb::Logger** logger) override {
    *logger = new SilentLogger;
    return leveldb::Status::OK();
  }

 private:
  // Whatever LevelDB writes lands in the scratch directory, by its name.
  std::string InScratch(const std::string& path) const {
    return scratch_dir_ + "/" + path.substr(path.rfind('/') + 1);
  }
  std::string Resolve(const std::string& path) const {
    if (path.rfind(db_dir_ + "/", 0) != 0) return path;
    const std::string scratch = InScratch(path);
    return target()->FileExists(scratch) ? scratch : path;
  }

  const std::string db_dir_;
  const std::string scratch_dir_;
  std::set<std::string> hidden_;  // removed or renamed, as LevelDB sees it
};

}  // namespace levelkeep::check

#endif  // LEVELKEEP_CHECK_OVERLAY_ENV_H_
