#include "base/posix_file.h"

#include <fcntl.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <limits>
#include <mutex>

#include "base/posix_error.h"
#include "base/status_macros.h"

namespace levelkeep {
namespace {

constexpr size_t kLargestTransfer = size_t{1} << 30;  // Linux caps at 2^31

off_t ToOffset(uint64_t offset) {
  constexpr auto kLargest =
      static_cast<uint64_t>(std::numeric_limits<off_t>::max());
  return static_cast<off_t>(std::min(offset, kLargest));
}

FileType TypeOf(mode_t mode) {
  if (S_ISREG(mode)) return FileType::kRegular;
  if (S_ISDIR(mode)) return FileType::kDirectory;
  if (S_ISLNK(mode)) return FileType::kSymlink;
  return FileType::kOther;
}

class PosixFile : public File {
 public:
  PosixFile(UniqueFd fd, std::string path, uint64_t append_offset,
            bool shared_end)
      : fd_(std::move(fd)),
        path_(std::move(path)),
        shared_end_(shared_end),
        append_offset_(append_offset) {}

  Result<size_t> ReadAt(uint64_t offset, char* buffer,
                        size_t size) const override {
    return Read(fd_.get(), offset, buffer, size);
  }

  Result<size_t> ReadFromDevice(uint64_t offset, char* buffer,
                                size_t size) const override {
    LEVELKEEP_ASSIGN_OR_RETURN(const size_t done,
                               Read(DirectDescriptor(), offset, buffer, size));
    // A short read is the end of the file or is left to ReadAt, as on file
    // systems without direct reads.
    LEVELKEEP_ASSIGN_OR_RETURN(
        const size_t rest, ReadAt(offset + done, buffer + done, size - done));
    return done + rest;
  }

  void WillNeed(uint64_t offset, uint64_t size) const override {
    ::posix_fadvise(fd_.get(), ToOffset(offset), ToOffset(size),
                    POSIX_FADV_WILLNEED);
  }

  void DontNeed(uint64_t offset, uint64_t size) const override {
    ::posix_fadvise(fd_.get(), ToOffset(offset), ToOffset(size),
                    POSIX_FADV_DONTNEED);
  }

  bool IsCached(uint64_t offset) const override {
    char byte = 0;
    const struct iovec one = {&byte, 1};
    return ::preadv2(fd_.get(), &one, 1, ToOffset(offset), RWF_NOWAIT) >= 0 ||
           errno != EAGAIN;
  }

  Status Append(std::string_view data) override {
    const auto append = [&](size_t done, size_t wanted) {
      const char* const from = data.data() + done;
      return shared_end_ ? ::write(fd_.get(), from, wanted)
                         : ::pwrite(fd_.get(), from, wanted,
                                    ToOffset(append_offset_ + done));
    };
    LEVELKEEP_ASSIGN_OR_RETURN(
        const size_t done, Transfer(fd_.get(), data.size(), "write", append));
    append_offset_ += done;
    return done == data.size() ? Status::Ok() : PosixError(EIO, "write", path_);
  }

  Status WriteAt(uint64_t offset, std::string_view data) override {
    LEVELKEEP_ASSIGN_OR_RETURN(const size_t done,
                               Write(fd_.get(), offset, data));
    return done == data.size() ? Status::Ok() : PosixError(EIO, "write", path_);
  }

  Status WriteToDevice(uint64_t offset, std::string_view data) override {
    LEVELKEEP_ASSIGN_OR_RETURN(const size_t done,
                               Write(DirectDescriptor(), offset, data));
    data.remove_prefix(done);
    if (data.empty()) return Status::Ok();
    LEVELKEEP_RETURN_IF_ERROR(WriteAt(offset + done, data));
    StartWriteback(offset + done, data.size());
    return Status::Ok();
  }

  // Tries once, even after EINTR: after a failed fsync the kernel may have
  // marked the lost pages clean, and a second fsync would wrongly succeed.
  Status Sync() override {
    if (::fsync(fd_.get()) != 0) return PosixError(errno, "sync", path_);
    return Status::Ok();
  }

  void StartWriteback(uint64_t offset, uint64_t size) override {
    ::sync_file_range(fd_.get(), ToOffset(offset), ToOffset(size),
                      SYNC_FILE_RANGE_WRITE);
  }

  Status WaitForWriteback(uint64_t offset, uint64_t size) override {
    // Tries once, as Sync does, because the kernel reports a lost page only
    // once.
    if (::sync_file_range(fd_.get(), ToOffset(offset), ToOffset(size),
                          SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                              SYNC_FILE_RANGE_WAIT_AFTER) == 0) {
      return Status::Ok();
    }
    // Emulated kernels lack this call; Sync follows later.
    if (errno == ENOSYS || errno == EINTR) return Status::Ok();
    return PosixError(errno, "write", path_);
  }

  Result<FileInfo> Stat() const override {
    struct stat data;
    if (::fstat(fd_.get(), &data) != 0) {
      return PosixError(errno, "look at", path_);
    }
    return ToFileInfo(data);
  }

  // A read lease is refused while there are writers, and by file servers
  // without leases. A process that opens the file for writing while we hold the
  // lease waits until we return it; the kernel's signal to us is ignored by
  // default.
  bool HasWriter() const override {
    if (FlockIsRecordLock(fd_.get()) ||
        ::fcntl(fd_.get(), F_SETSIG, SIGURG) != 0) {
      return false;
    }
    if (::fcntl(fd_.get(), F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN;
    ::fcntl(fd_.get(), F_SETLEASE, F_UNLCK);
    return false;
  }

  Status CopyRangeTo(File* target, uint64_t offset,
                     uint64_t size) const override {
    auto* posix_target = dynamic_cast<PosixFile*>(target);
    if (posix_target == nullptr) return CopyBytes(*this, target, offset, size);
    while (size > 0) {
      const uint64_t copied = posix_target->TakeFrom(fd_.get(), offset, size);
      if (copied == 0) break;
      offset += copied;
      size -= copied;
    }
    // Copies the rest that the kernel did not copy; an error shows itself here,
    // too.
    return CopyBytes(*this, target, offset, size);
  }

  Status Close() override {
    if (!fd_.valid()) return Status::Ok();
    // After EINTR the descriptor is closed all the same, and Sync was called
    // before.
    if (::close(fd_.Release()) != 0 && errno != EINTR) {
      return PosixError(errno, "close", path_);
    }
    return Status::Ok();
  }

 private:
  // Calls `move` for the rest until all bytes are moved or none are left.
  // Direct access also ends where it is impossible: after part of a block, or
  // if the system refuses it.
  template <typename Move>
  Result<size_t> Transfer(int fd, size_t size, const char* action,
                          Move move) const {
    const bool direct = fd != fd_.get();
    size_t done = 0;
    while (done < size && !(direct && fd < 0)) {
      const size_t wanted = std::min(size - done, kLargestTransfer);
      const ssize_t count =
          RetryOnInterrupt([&] { return move(done, wanted); });
      if (count < 0 && !(direct && errno == EINVAL)) {
        return PosixError(errno, action, path_);
      }
      if (count <= 0) break;
      done += static_cast<size_t>(count);
      if (direct && static_cast<size_t>(count) % kDeviceBlockBytes != 0) break;
    }
    return done;
  }
  Result<size_t> Read(int fd, uint64_t offset, char* buffer,
                      size_t size) const {
    return Transfer(fd, size, "read", [&](size_t done, size_t wanted) {
      return ::pread(fd, buffer + done, wanted, ToOffset(offset + done));
    });
  }
  Result<size_t> Write(int fd, uint64_t offset, std::string_view data) const {
    return Transfer(fd, data.size(), "write", [&](size_t done, size_t wanted) {
      return ::pwrite(fd, data.data() + done, wanted, ToOffset(offset + done));
    });
  }

  // The number of bytes that the kernel copied; 0 if it can't or there are
  // none.
  uint64_t TakeFrom(int source, uint64_t offset, uint64_t size) {
    off_t from = ToOffset(offset);
    off_t to = ToOffset(append_offset_);
    const auto wanted =
        static_cast<size_t>(std::min<uint64_t>(size, kLargestTransfer));
    const ssize_t count = RetryOnInterrupt([&] {
      return ::copy_file_range(source, &from, fd_.get(), &to, wanted, 0);
    });
    if (count <= 0) return 0;
    append_offset_ += static_cast<uint64_t>(count);
    return static_cast<uint64_t>(count);
  }

  // A descriptor for direct access, opened at its first use; negative if the
  // system can't.
  int DirectDescriptor() const {
    std::call_once(direct_opened_, [this] {
      const int access = ::fcntl(fd_.get(), F_GETFL) & O_ACCMODE;
      // Leads to the open file even if its name changes.
      const std::string self = "/proc/self/fd/" + std::to_string(fd_.get());
      direct_fd_ =
          UniqueFd(::open(self.c_str(), access | O_DIRECT | O_CLOEXEC));
    });
    return direct_fd_.get();
  }

  UniqueFd fd_;
  mutable std::once_flag direct_opened_;
  mutable UniqueFd direct_fd_;
  const std::string path_;
  const bool shared_end_;
  uint64_t append_offset_;
};

}  // namespace

FileInfo ToFileInfo(const struct stat& data) {
  FileInfo info;
  info.type = TypeOf(data.st_mode);
  info.size_bytes = static_cast<uint64_t>(data.st_size);
  info.device = data.st_dev;
  info.inode = data.st_ino;
  info.mtime_ns = int64_t{data.st_mtim.tv_sec} * 1'000'000'000 +
                  int64_t{data.st_mtim.tv_nsec};
  info.ctime_ns = int64_t{data.st_ctim.tv_sec} * 1'000'000'000 +
                  int64_t{data.st_ctim.tv_nsec};
  info.mode = data.st_mode & 07777u;
  info.links = static_cast<uint32_t>(data.st_nlink);
  info.owner = data.st_uid;
  info.group = data.st_gid;
  return info;
}

std::unique_ptr<File> NewPosixFile(UniqueFd fd, std::string path,
                                   uint64_t append_offset, bool shared_end) {
  return std::make_unique<PosixFile>(std::move(fd), std::move(path),
                                     append_offset, shared_end);
}

}  // namespace levelkeep
