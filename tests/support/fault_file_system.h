// Support for tests.
// A disk that fails when it is told to.
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
// A write that fails has written its first half. Hints are not counted.
// Thread safety: all methods may be called concurrently.
class FaultFileSystem : public FileSystem {
 public:
  enum class Count { kMutations, kAll };

  // `base` is not owned and outlives this and all files opened with it.
  explicit FaultFileSystem(FileSystem* base, Count count = Count::kMutations)
      : base_(base), count_(count) {}

  // Counts from 1 again, without any fault armed; free space and page cache
  // are the true ones and all renames and links are supported again.
  void Reset();
  // The n-th operation fails with `code`; the ones after it work.
  void FailAt(uint64_t n, StatusCode code = StatusCode::kIoError);
  // The n-th operation and everything after it (reads too) fails.
  void CrashAt(uint64_t n);
  // The nth operation whose name holds `text` fails, or all from the nth on,
  // up to `times`. A name ends in a line feed here: "/storage\n".
  void FailOn(const std::string& text, StatusCode code = StatusCode::kIoError,
              uint64_t nth = 1, uint64_t times = 1);
  static constexpr uint64_t kAlways = UINT64_MAX;
  // Has the armed fault happened?
  bool fired() const;
  uint64_t operations() const;
  // "Rename /a to /b": where the fault was, else the newest one.
  std::string last_operation() const;
  // All counted operations in order, for tests of an order.
  std::vector<std::string> trace() const;

  // Of a file, through every handle on it, since Reset().
  uint64_t bytes_read(const std::string& path) const;

  // What FreeSpace answers; nothing: the truth.
  void set_free_space(std::optional<uint64_t> bytes);
  // false: a file system without RENAME_EXCHANGE.
  void set_exchange_supported(bool supported);
  // true: as exFAT, it neither exchanges, nor renames without replacing, nor
  // gives a file a second name.
  void set_plain_names(bool plain);
  // true: what ProbeFolder does counts and fails, too. Reset() leaves it.
  void set_probes_counted(bool counted);
  // false: no byte of any file is in the page cache.
  void set_cached(bool cached);
  // Called before each counted operation is done, without any lock held.
  // Set it while no operation runs; Reset() leaves it.
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
  // Not counted.
  Status SetModifiedTime(const std::string& path, int64_t mtime_ns) override {
    return base_->SetModifiedTime(path, mtime_ns);
  }
  // Not counted: it changes nothing.
  Status TryRename(const std::string& path,
                   const std::string& occupied) override {
    return base_->TryRename(path, occupied);
  }
  Status SyncDirectory(const std::string& path) override;
  Result<uint64_t> FreeSpace(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override;

  // For its files: counts one operation; not ok if it is to fail. `torn`
  // becomes true if this one is the fault, not a call after the crash.
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
  mutable uint64_t matches_ GUARDED_BY(mutex_) = 0;  // that passed
  mutable uint64_t times_ GUARDED_BY(mutex_) = 0;    // left to fail
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
