#include "support/leveldb/simulated_env.h"

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/file_system.h"

namespace levelkeep::test {
namespace {

using Handle = SimulatedDisk::Handle;

leveldb::Status ToLevelDb(int error, const std::string& path) {
  if (error == 0) return leveldb::Status::OK();
  const std::string text = std::generic_category().message(error);
  return error == ENOENT ? leveldb::Status::NotFound(path, text)
                         : leveldb::Status::IOError(path, text);
}

template <typename Call>
int Repeated(Call call) {
  int error = call();
  while (error == EINTR) error = call();
  return error;
}

class SequentialReader : public leveldb::SequentialFile {
 public:
  SequentialReader(SimulatedDisk* disk, Handle handle, std::string path)
      : disk_(disk), handle_(handle), path_(std::move(path)) {}
  leveldb::Status Read(size_t size, leveldb::Slice* result,
                       char* scratch) override {
    size_t count = 0;
    const int error = Repeated([&] {
      return disk_->Read(handle_, path_, offset_, scratch, size, &count);
    });
    *result = leveldb::Slice(scratch, count);
    offset_ += count;
    return ToLevelDb(error, path_);
  }
  leveldb::Status Skip(uint64_t count) override {
    offset_ += count;
    return leveldb::Status::OK();
  }

 private:
  SimulatedDisk* const disk_;
  const Handle handle_;
  const std::string path_;
  uint64_t offset_ = 0;
};

class RandomReader : public leveldb::RandomAccessFile {
 public:
  RandomReader(SimulatedDisk* disk, Handle handle, std::string path)
      : disk_(disk), handle_(handle), path_(std::move(path)) {}
  leveldb::Status Read(uint64_t offset, size_t size, leveldb::Slice* result,
                       char* scratch) const override {
    size_t count = 0;
    const int error =
        disk_->Read(handle_, path_, offset, scratch, size, &count);
    *result = leveldb::Slice(scratch, count);
    return ToLevelDb(error, path_);
  }

 private:
  SimulatedDisk* const disk_;
  const Handle handle_;
  const std::string path_;
};

// Buffers, flushes and syncs as the file of LevelDB 1.23's own Env does, which
// syncs the folder before a MANIFEST.
class Writer : public leveldb::WritableFile {
 public:
  Writer(SimulatedDisk* disk, Handle handle, std::string path)
      : disk_(disk),
        handle_(handle),
        path_(std::move(path)),
        is_manifest_(BaseName(path_).starts_with("MANIFEST")) {}
  ~Writer() override {
    if (!closed_) (void)Close();
  }

  leveldb::Status Append(const leveldb::Slice& data) override {
    buffer_.append(data.data(), data.size());
    return buffer_.size() < kBufferBytes ? leveldb::Status::OK() : Flush();
  }
  leveldb::Status Flush() override {
    if (buffer_.empty()) return leveldb::Status::OK();
    const std::string data = std::exchange(buffer_, std::string());
    return ToLevelDb(Repeated([&] {
                       return disk_->Write(handle_, path_, std::nullopt, data);
                     }),
                     path_);
  }
  leveldb::Status Sync() override {
    if (is_manifest_) {
      const std::string folder = ParentPath(path_);
      const int error = disk_->SyncDirectory(folder);
      if (error != 0) return ToLevelDb(error, folder);
    }
    const leveldb::Status flushed = Flush();
    if (!flushed.ok()) return flushed;
    return ToLevelDb(disk_->Sync(handle_, path_), path_);
  }
  leveldb::Status Close() override {
    closed_ = true;
    leveldb::Status status = Flush();
    const int error = disk_->Close(handle_, path_);
    if (status.ok() && error != EBADF) status = ToLevelDb(error, path_);
    return status;
  }

 private:
  static constexpr size_t kBufferBytes = 65536;
  SimulatedDisk* const disk_;
  const Handle handle_;
  const std::string path_;
  const bool is_manifest_;
  std::string buffer_;
  bool closed_ = false;
};

// LOG exists, but nothing is written into it.
class SilentLog : public leveldb::Logger {
 public:
  void Logv(const char* /*format*/, std::va_list /*arguments*/) override {}
};

class Held : public leveldb::FileLock {
 public:
  explicit Held(Handle handle) : handle_(handle) {}
  Handle handle() const { return handle_; }

 private:
  const Handle handle_;
};

}  // namespace

int SimulatedEnv::Open(const std::string& path, int flags, Handle* handle) {
  return Repeated([&] { return disk_->Open(path, flags, 0644, handle); });
}

leveldb::Status SimulatedEnv::NewSequentialFile(
    const std::string& path, leveldb::SequentialFile** file) {
  *file = nullptr;
  Handle handle;
  const int error = Open(path, SimulatedDisk::kMustExist, &handle);
  if (error == 0) *file = new SequentialReader(disk_, handle, path);
  return ToLevelDb(error, path);
}

leveldb::Status SimulatedEnv::NewRandomAccessFile(
    const std::string& path, leveldb::RandomAccessFile** file) {
  *file = nullptr;
  Handle handle;
  const int error = Open(path, SimulatedDisk::kMustExist, &handle);
  if (error == 0) *file = new RandomReader(disk_, handle, path);
  return ToLevelDb(error, path);
}

leveldb::Status SimulatedEnv::NewWritableFile(const std::string& path,
                                              leveldb::WritableFile** file) {
  *file = nullptr;
  Handle handle;
  const int error =
      Open(path, SimulatedDisk::kCreate | SimulatedDisk::kTruncate, &handle);
  if (error == 0) *file = new Writer(disk_, handle, path);
  return ToLevelDb(error, path);
}

leveldb::Status SimulatedEnv::NewAppendableFile(const std::string& path,
                                                leveldb::WritableFile** file) {
  *file = nullptr;
  Handle handle;
  const int error = Open(path, SimulatedDisk::kCreate, &handle);
  if (error == 0) *file = new Writer(disk_, handle, path);
  return ToLevelDb(error, path);
}

bool SimulatedEnv::FileExists(const std::string& path) {
  FileInfo info;
  return disk_->Stat(path, &info) == 0;
}

leveldb::Status SimulatedEnv::GetChildren(const std::string& directory,
                                          std::vector<std::string>* names) {
  return ToLevelDb(disk_->List(directory, names), directory);
}

leveldb::Status SimulatedEnv::RemoveFile(const std::string& path) {
  return ToLevelDb(disk_->RemoveFile(path), path);
}

leveldb::Status SimulatedEnv::CreateDir(const std::string& path) {
  return ToLevelDb(disk_->MakeDirectory(path), path);
}

leveldb::Status SimulatedEnv::RemoveDir(const std::string& path) {
  return ToLevelDb(disk_->RemoveDirectory(path), path);
}

leveldb::Status SimulatedEnv::GetFileSize(const std::string& path,
                                          uint64_t* size) {
  FileInfo info;
  const int error = disk_->Stat(path, &info);
  *size = error == 0 ? info.size_bytes : 0;
  return ToLevelDb(error, path);
}

leveldb::Status SimulatedEnv::RenameFile(const std::string& source,
                                         const std::string& target) {
  return ToLevelDb(
      disk_->Rename(source, target, SimulatedDisk::RenameKind::kReplace),
      source);
}

leveldb::Status SimulatedEnv::LockFile(const std::string& path,
                                       leveldb::FileLock** lock) {
  *lock = nullptr;
  Handle handle;
  const int error = Repeated([&] { return disk_->Lock(path, &handle); });
  if (error == 0) *lock = new Held(handle);
  return ToLevelDb(error, "lock " + path);
}

leveldb::Status SimulatedEnv::UnlockFile(leveldb::FileLock* lock) {
  const std::unique_ptr<Held> held(static_cast<Held*>(lock));
  disk_->Unlock(held->handle());
  return leveldb::Status::OK();
}

leveldb::Status SimulatedEnv::NewLogger(const std::string& path,
                                        leveldb::Logger** logger) {
  *logger = nullptr;
  Handle handle;
  const int error = Open(path, SimulatedDisk::kCreate, &handle);
  if (error == 0) *logger = new SilentLog;
  return ToLevelDb(error, path);
}

}  // namespace levelkeep::test
