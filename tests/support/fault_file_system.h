// Support for tests.
// A disk that fails when a test tells it to.
//
//   FaultFileSystem fs(FileSystem::Posix());
//   for (uint64_t n = 1;; ++n) {
//     ... bring the directory into its first state ...
//     fs.Reset();
//     fs.CrashAt(n);
//     Status status = TheOperation(&fs);
//     const bool fired = fs.fired();
//     fs.Reset();                        // the machine is up again
//     ASSERT_TRUE(Recover(&fs).ok()) << fs.last_operation();
//     ... expect the old or the new state ...
//     if (!fired) break;                 // n was beyond the last operation
//   }

#ifndef LEVELKEEP_TESTS_SUPPORT_FAULT_FILE_SYSTEM_H_
#define LEVELKEEP_TESTS_SUPPORT_FAULT_FILE_SYSTEM_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/mutex.h"

namespace levelkeep::test {

// Counts the operations that reach it, from 1 after construction or Reset().
// A failing write has written its first half. Hints are not counted.
// Thread safety: all methods may be called concurrently.
class FaultFileSystem : public FileSystem {
 public:
  enum class Count { kMutations, kAll };

  // `base` is not owned; it outlives this object and all files opened with it.
  explicit FaultFileSystem(FileSystem* base, Count count = Count::kMutations)
      : base_(base), count_(count) {}

  // Counts from 1 again, and no fault is armed. Free space and page cache are
  // those of `base`, and all renames and links are supported again.
  void Reset();
  // The n-th operation fails with `code`; later operations work.
  void FailAt(uint64_t n, StatusCode code = StatusCode::kIoError);
  // The n-th operation and all later operations (reads, too) fail.
  void CrashAt(uint64_t n);
  // The nth operation whose name holds `text` fails, and the next ones that
  // do, `times` in all. Here, a name ends with a line feed: "/storage\n".
  void FailOn(const std::string& text, StatusCode code = StatusCode::kIoError,
              uint64_t nth = 1, uint64_t times = 1);
  static constexpr uint64_t kAlways = UINT64_MAX;
  // Has the armed fault happened?
  bool fired() const;
  uint64_t operations() const;
  // Such as "Rename /a to /b": the failed operation, else the newest one.
  std::string last_operation() const;
  // All counted operations in order, for tests of that order.
  std::vector<std::string> trace() const;

  // Bytes read of a file, through every handle on it, since Reset().
  uint64_t bytes_read(const std::string& path) const;

  // The answer of FreeSpace; nullopt: the true one.
  void set_free_space(std::optional<uint64_t> bytes);
  // With false, it is a file system without RENAME_EXCHANGE.
  void set_exchange_supported(bool supported);
  // With true, it is like exFAT: no exchange, no rename without replacing, and
  // no second name of a file.
  void set_plain_names(bool plain);
  // With true, the operations of ProbeFolder count and fail, too. Reset() keeps
  // this setting.
  void set_probes_counted(bool counted);
  // With false, no byte of any file is in the page cache.
  void set_cached(bool cached);
  // Called before each counted operation is done, without any lock held. Set it
  // while no operation runs; Reset() keeps it.
  void set_observer(std::function<void(const std::string&)> observer) {
    observer_ = std::move(observer);
  }

  Result<std::unique_ptr<File>> Open(const std::string& path,
                                     OpenMode mode) override;
  Result<FileInfo> Stat(const std::string& path) override;
  Result<FileInfo> StatFollowing(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& path) override;
  Status CreateDirectory(const std::string& path) override;
  Status RemoveFile(const std::string& path) override;
  Status RemoveDirectory(const std::string& path) override;
  Status Rename(const std::string& source, const std::string& target) override;
  Status RenameNoReplace(const std::string& source,
                         const std::string& target) override;
  Status Exchange(const std::string& a, const std::string& b) override;
  Status Link(const std::string& source, const std::string& target) override;
  Status SetMode(const std::string& path, uint32_t mode) override;
  // This call is not counted.
  Status SetModifiedTime(const std::string& path, int64_t mtime_ns) override {
    return base_->SetModifiedTime(path, mtime_ns);
  }
  // This call changes nothing, so that it is not counted.
  Status TryRename(const std::string& path,
                   const std::string& occupied) override {
    return base_->TryRename(path, occupied);
  }
  Status SyncDirectory(const std::string& path) override;
  Result<uint64_t> FreeSpace(const std::string& path) override;
  Result<uint64_t> DiskSize(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override;

  // Called by the files: counts one operation; not ok if it is to fail. `torn`
  // becomes true if the fault is this operation, not an earlier crash.
  Status Mutate(const std::string& operation, bool* torn = nullptr) const;
  Status Look(const std::string& operation) const;
  bool cached() const;
  void NoteRead(const std::string& path, uint64_t bytes) const;

 private:
  Status Pass(const std::string& operation, bool counted, bool* torn) const;
  bool IsFaulty(const std::string& operation) const REQUIRES_LOCK(mutex_);
  bool plain_names() const;

  FileSystem* const base_;
  const Count count_;
  std::function<void(const std::string&)> observer_;
  mutable Mutex mutex_;
  mutable uint64_t operations_ GUARDED_BY(mutex_) = 0;
  mutable bool fired_ GUARDED_BY(mutex_) = false;
  mutable std::vector<std::string> trace_ GUARDED_BY(mutex_);
  mutable std::map<std::string, uint64_t> bytes_read_ GUARDED_BY(mutex_);
  mutable std::string faulty_operation_ GUARDED_BY(mutex_);
  uint64_t fail_at_ GUARDED_BY(mutex_) = 0;          // 0: never
  std::string fail_on_ GUARDED_BY(mutex_);           // empty: by number
  mutable uint64_t matches_ GUARDED_BY(mutex_) = 0;  // operations that matched
  mutable uint64_t times_ GUARDED_BY(mutex_) = 0;    // failures that are left
  StatusCode code_ GUARDED_BY(mutex_) = StatusCode::kIoError;
  bool crash_ GUARDED_BY(mutex_) = false;
  std::optional<uint64_t> free_space_ GUARDED_BY(mutex_);
  bool exchange_supported_ GUARDED_BY(mutex_) = true;
  bool plain_names_ GUARDED_BY(mutex_) = false;
  bool probes_counted_ GUARDED_BY(mutex_) = false;
  bool cached_ GUARDED_BY(mutex_) = true;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_SUPPORT_FAULT_FILE_SYSTEM_H_
