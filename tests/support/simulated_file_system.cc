#include "support/simulated_file_system.h"

#include <cerrno>
#include <utility>

#include "base/posix_error.h"
#include "support/simulated_disk.h"

namespace levelkeep::test {
namespace {

using Handle = SimulatedDisk::Handle;
using RenameKind = SimulatedDisk::RenameKind;

Status ToStatus(int error, const char* action, const std::string& path) {
  return error == 0 ? Status::Ok() : PosixError(error, action, path);
}

// Like the real file system, it repeats calls that a signal interrupted.
template <typename Call>
int Repeated(Call call) {
  int error = call();
  while (error == EINTR) error = call();
  return error;
}

class SimulatedFile : public File {
 public:
  SimulatedFile(SimulatedDisk* disk, Handle handle, std::string path,
                uint64_t append_offset, bool shared_end)
      : disk_(disk),
        handle_(handle),
        path_(std::move(path)),
        shared_end_(shared_end),
        append_offset_(append_offset) {}
  ~SimulatedFile() override { (void)Close(); }

  Result<size_t> ReadAt(uint64_t offset, char* buffer,
                        size_t size) const override {
    size_t count = 0;
    const int error = Repeated([&] {
      return disk_->Read(handle_, path_, offset, buffer, size, &count);
    });
    if (error != 0) return PosixError(error, "read", path_);
    return count;
  }
  Result<size_t> ReadFromDevice(uint64_t offset, char* buffer,
                                size_t size) const override {
    size_t count = 0;
    const int error = Repeated([&] {
      return disk_->ReadFromDevice(handle_, path_, offset, buffer, size,
                                   &count);
    });
    if (error != 0) return PosixError(error, "read", path_);
    return count;
  }
  Status Append(std::string_view data) override {
    if (data.empty()) return Status::Ok();
    std::optional<uint64_t> offset;
    if (!shared_end_) offset = append_offset_;
    const int error =
        Repeated([&] { return disk_->Write(handle_, path_, offset, data); });
    if (error == 0) append_offset_ += data.size();
    return ToStatus(error, "write", path_);
  }
  Status WriteAt(uint64_t offset, std::string_view data) override {
    if (data.empty()) return Status::Ok();
    return ToStatus(
        Repeated([&] { return disk_->Write(handle_, path_, offset, data); }),
        "write", path_);
  }
  Status Sync() override {
    return ToStatus(disk_->Sync(handle_, path_), "sync", path_);
  }
  Status WaitForWriteback(uint64_t /*offset*/, uint64_t /*size*/) override {
    const int error = disk_->WaitForWriteback(handle_, path_);
    if (error == EINTR) return Status::Ok();
    return ToStatus(error, "write", path_);
  }
  Result<FileInfo> Stat() const override {
    FileInfo info;
    const int error = disk_->StatHandle(handle_, path_, &info);
    if (error != 0) return PosixError(error, "look at", path_);
    return info;
  }
  Status CopyRangeTo(File* target, uint64_t offset,
                     uint64_t size) const override {
    return CopyBytes(*this, target, offset, size);
  }
  Status Close() override {
    if (std::exchange(closed_, true)) return Status::Ok();
    const int error = disk_->Close(handle_, path_);
    if (error == EINTR || error == EBADF) return Status::Ok();
    return ToStatus(error, "close", path_);
  }

 private:
  SimulatedDisk* const disk_;
  const Handle handle_;
  const std::string path_;
  const bool shared_end_;
  uint64_t append_offset_;
  bool closed_ = false;
};

class SimulatedLock : public FileLock {
 public:
  SimulatedLock(SimulatedDisk* disk, Handle handle)
      : disk_(disk), handle_(handle) {}
  ~SimulatedLock() override { disk_->Unlock(handle_); }

 private:
  SimulatedDisk* const disk_;
  const Handle handle_;
};

class SimulatedFileSystem : public FileSystem {
 public:
  explicit SimulatedFileSystem(SimulatedDisk* disk) : disk_(disk) {}

  Result<std::unique_ptr<File>> Open(const std::string& path,
                                     OpenMode mode) override {
    int flags = SimulatedDisk::kMustExist;
    if (mode == OpenMode::kCreateNew) {
      flags = SimulatedDisk::kCreate | SimulatedDisk::kExclusive;
    }
    if (mode == OpenMode::kAppend) flags = SimulatedDisk::kCreate;
    Handle handle;
    const int error =
        Repeated([&] { return disk_->Open(path, flags, 0600, &handle); });
    if (error == EISDIR) {
      return Status(StatusCode::kRefused,
                    path + " is a folder, not a regular file",
                    "remove it or name another file");
    }
    if (error != 0) {
      return PosixError(error, flags == 0 ? "open" : "create", path);
    }
    FileInfo info;
    const bool made = mode == OpenMode::kCreateNew;
    const int unseen = made ? 0 : disk_->StatHandle(handle, path, &info);
    if (unseen != 0) return PosixError(unseen, "look at", path);
    return std::unique_ptr<File>(std::make_unique<SimulatedFile>(
        disk_, handle, path, info.size_bytes, mode == OpenMode::kAppend));
  }
  Result<FileInfo> Stat(const std::string& path) override {
    FileInfo info;
    const int error = disk_->Stat(path, &info);
    if (error != 0) return PosixError(error, "look at", path);
    return info;
  }
  Result<FileInfo> StatFollowing(const std::string& path) override {
    return Stat(path);
  }
  Result<std::vector<std::string>> List(const std::string& path) override {
    std::vector<std::string> names;
    const int error = Repeated([&] { return disk_->List(path, &names); });
    if (error != 0) return PosixError(error, "list", path);
    return names;
  }
  Status CreateDirectory(const std::string& path) override {
    return ToStatus(disk_->MakeDirectory(path), "create folder", path);
  }
  Status RemoveFile(const std::string& path) override {
    return ToStatus(disk_->RemoveFile(path), "remove", path);
  }
  Status RemoveDirectory(const std::string& path) override {
    return ToStatus(disk_->RemoveDirectory(path), "remove folder", path);
  }
  Status Rename(const std::string& source, const std::string& target) override {
    return Move(source, target, RenameKind::kReplace);
  }
  Status RenameNoReplace(const std::string& source,
                         const std::string& target) override {
    return Move(source, target, RenameKind::kNoReplace);
  }
  Status Exchange(const std::string& a, const std::string& b) override {
    const int error = disk_->Rename(a, b, RenameKind::kExchange);
    return ToStatus(error == EINVAL ? EOPNOTSUPP : error, "exchange",
                    a + " with " + b);
  }
  Status Link(const std::string& source, const std::string& target) override {
    return ToStatus(disk_->Link(source, target), "link",
                    source + " to " + target);
  }
  Status SetMode(const std::string& path, uint32_t mode) override {
    return ToStatus(disk_->SetMode(path, mode), "set the mode of", path);
  }
  Status SyncDirectory(const std::string& path) override {
    return ToStatus(disk_->SyncDirectory(path), "sync folder", path);
  }
  Result<uint64_t> FreeSpace(const std::string& path) override {
    uint64_t bytes = 0;
    const int error = Repeated([&] { return disk_->FreeSpace(path, &bytes); });
    if (error != 0) return PosixError(error, "ask for the free space of", path);
    return bytes;
  }
  // As large as what is free: nothing that is simulated needs the size.
  Result<uint64_t> DiskSize(const std::string& path) override {
    return FreeSpace(path);
  }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    Handle handle;
    const int error = Repeated([&] { return disk_->Lock(path, &handle); });
    if (error == EAGAIN) {
      return Status(StatusCode::kBusy,
                    path + " is locked by this process itself (pid 1)",
                    "stop that process first");
    }
    if (error != 0) return PosixError(error, "lock", path);
    return std::unique_ptr<FileLock>(
        std::make_unique<SimulatedLock>(disk_, handle));
  }

 private:
  Status Move(const std::string& source, const std::string& target,
              RenameKind kind) {
    const int error = disk_->Rename(source, target, kind);
    const bool unknown = error == EINVAL && kind == RenameKind::kNoReplace;
    return ToStatus(unknown ? EOPNOTSUPP : error, "rename",
                    source + " to " + target);
  }

  SimulatedDisk* const disk_;
};

}  // namespace

std::unique_ptr<FileSystem> NewSimulatedFileSystem(SimulatedDisk* disk) {
  return std::make_unique<SimulatedFileSystem>(disk);
}

}  // namespace levelkeep::test
