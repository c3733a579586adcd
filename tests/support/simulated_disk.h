// Support for tests.
// A disk in memory, for LevelKeep's FileSystem and LevelDB's Env at once
// (support/leveldb/simulated_env.h), that fails, dies and forgets on demand.
//
//   SimulatedDisk disk;
//   ... make the first state ...
//   disk.SyncAll();
//   const SimulatedState first = disk.Save();
//   for (uint64_t n = 1;; ++n) {
//     disk.Restore(first);
//     disk.FailAt(n, EIO);
//     const Status status = TheOperation(disk.file_system());
//     const bool fired = disk.fired();
//     disk.Reboot(seed);                // the power goes and comes back
//     ASSERT_TRUE(Recover(disk.file_system()).ok()) << disk.last_operation();
//     ... expect the old or the new state ...
//     if (!fired) break;                // n was beyond the last operation
//   }
//
// Crashes need no such loop: after Record(), each change of the disk gives a
// Moment, and each Moment is what a crash then would leave.

#ifndef LEVELKEEP_TESTS_SUPPORT_SIMULATED_DISK_H_
#define LEVELKEEP_TESTS_SUPPORT_SIMULATED_DISK_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/mutex.h"
#include "support/simulated_state.h"

namespace levelkeep::test {

// The calls return an errno, or 0, and mean what the calls of Linux mean. Each
// call is one operation; operations are counted from 1 in the order in which
// they arrive. Paths are absolute; there are no symbolic links.
// Thread safety: all methods may be called concurrently, except that nothing
// else runs during Save, Restore, Reboot and Record.
class SimulatedDisk {
 public:
  SimulatedDisk();
  ~SimulatedDisk();
  SimulatedDisk(const SimulatedDisk&) = delete;
  SimulatedDisk& operator=(const SimulatedDisk&) = delete;

  // This file system lives as long as this object.
  FileSystem* file_system();

  // --- for the test

  // The whole disk; saving is cheap. Restore also ends all processes: their
  // files and locks are gone. It counts from 1 again and arms no fault.
  SimulatedState Save() const;
  void Restore(const SimulatedState& state);
  // The power goes and comes back: Restore with what SimulatedState::LosePower
  // leaves.
  void Reboot(uint64_t seed);
  void SyncAll();

  // The disk after an operation that changed or synced something.
  struct Moment {
    uint64_t operation = 0;
    std::string name;
    SimulatedState state;
  };
  // Keeps Moments from now on; the first is the present. TakeMoments ends that.
  void Record();
  std::vector<Moment> TakeMoments();

  // The n-th operation fails with that errno; later operations work. A failing
  // sync loses what it should have written, except for EINTR.
  void FailAt(uint64_t n, int error);
  // The same for the nth operation whose name holds `text`.
  void FailOn(const std::string& text, int error, uint64_t nth = 1);
  // Like FailAt(n, ENOSPC), but a write does half of its work first.
  void ShortWriteAt(uint64_t n);
  // The n-th operation and all later ones fail until Restore or Reboot. A
  // write does half of its work first.
  void CrashAt(uint64_t n);
  bool fired() const;
  uint64_t operations() const;
  // Such as "rename /a to /b": the failed operation, else the newest one.
  std::string last_operation() const;
  // All operations since the last Restore or Reboot, if set_trace was called.
  void set_trace(bool on);
  std::vector<std::string> trace() const;

  void set_free_space(uint64_t bytes);
  // With false, it is a file system without RENAME_EXCHANGE.
  void set_exchange_supported(bool supported);
  // With true, it is like exFAT: no exchange, no rename without replacing, and
  // no second name of a file.
  void set_plain_names(bool plain);

  // --- for the processes

  // An open file of a process; ends with the process.
  struct Handle {
    InodeNumber inode = 0;
    uint64_t boot = 0;
  };
  enum OpenFlags { kMustExist = 0, kCreate = 1, kExclusive = 2, kTruncate = 4 };
  int Open(const std::string& path, int flags, uint32_t mode, Handle* handle);
  int Read(Handle handle, const std::string& path, uint64_t offset,
           char* buffer, size_t size, size_t* count);
  int ReadFromDevice(Handle handle, const std::string& path, uint64_t offset,
                     char* buffer, size_t size, size_t* count);
  // Without an offset, it writes at the end.
  int Write(Handle handle, const std::string& path,
            std::optional<uint64_t> offset, std::string_view data);
  int Sync(Handle handle, const std::string& path);
  int WaitForWriteback(Handle handle, const std::string& path);
  int StatHandle(Handle handle, const std::string& path, FileInfo* info);
  int Close(Handle handle, const std::string& path);
  // Locks until Unlock or the end of the process. EAGAIN if the file is locked.
  int Lock(const std::string& path, Handle* handle);
  void Unlock(Handle handle);

  int Stat(const std::string& path, FileInfo* info);
  int List(const std::string& path, std::vector<std::string>* names);
  int MakeDirectory(const std::string& path);
  int RemoveFile(const std::string& path);
  int RemoveDirectory(const std::string& path);
  enum class RenameKind { kReplace, kNoReplace, kExchange };
  int Rename(const std::string& source, const std::string& target,
             RenameKind kind);
  int Link(const std::string& source, const std::string& target);
  int SetMode(const std::string& path, uint32_t mode);
  int SyncDirectory(const std::string& path);
  int FreeSpace(const std::string& path, uint64_t* bytes);

 private:
  enum class FaultKind { kNone, kError, kShortWrite, kCrash };
  struct Place {  // where a path leads
    InodeNumber directory = 0;
    std::string name;       // empty: the root
    InodeNumber inode = 0;  // 0: nothing of that name
  };

  // Each of these REQUIRES the mutex.
  int Begin(const char* action, const std::string& path,
            const std::string& more) REQUIRES_LOCK(mutex_);
  bool IsFaulty() REQUIRES_LOCK(mutex_);
  void Done() REQUIRES_LOCK(mutex_);
  int Walk(const std::string& path, Place* place) const REQUIRES_LOCK(mutex_);
  int CheckHandle(Handle handle) const REQUIRES_LOCK(mutex_);
  int CheckWritable(InodeNumber directory) const REQUIRES_LOCK(mutex_);
  int CheckReplace(InodeNumber source, InodeNumber target) const
      REQUIRES_LOCK(mutex_);
  int RenamePlaces(const Place& from, const Place& to, RenameKind kind)
      REQUIRES_LOCK(mutex_);
  int OpenPlace(const Place& place, int flags, uint32_t mode, Handle* handle)
      REQUIRES_LOCK(mutex_);
  int ReadBytes(const std::string& bytes, uint64_t offset, char* buffer,
                size_t size, size_t* count) const REQUIRES_LOCK(mutex_);
  int Change(std::vector<SimulatedState::EntryChange> changes)
      REQUIRES_LOCK(mutex_);
  FileInfo InfoOf(InodeNumber inode) const REQUIRES_LOCK(mutex_);
  std::string Describe() const REQUIRES_LOCK(mutex_);
  void Arm(uint64_t n, FaultKind kind, int error);
  void EndProcesses() REQUIRES_LOCK(mutex_);

  const std::unique_ptr<FileSystem> file_system_;
  mutable Mutex mutex_;
  SimulatedState state_ GUARDED_BY(mutex_);
  uint64_t boot_ GUARDED_BY(mutex_) = 1;
  std::set<InodeNumber> locked_ GUARDED_BY(mutex_);
  int64_t now_ns_ GUARDED_BY(mutex_);

  uint64_t operations_ GUARDED_BY(mutex_) = 0;
  const char* action_ GUARDED_BY(mutex_) = "nothing";
  std::string path_ GUARDED_BY(mutex_), more_ GUARDED_BY(mutex_);
  FaultKind fault_ GUARDED_BY(mutex_) = FaultKind::kNone;
  uint64_t fault_at_ GUARDED_BY(mutex_) = 0;  // counts down with fault_on_
  std::string fault_on_ GUARDED_BY(mutex_);
  int error_ GUARDED_BY(mutex_) = 0;
  bool fired_ GUARDED_BY(mutex_) = false;
  std::string faulty_operation_ GUARDED_BY(mutex_);
  bool tracing_ GUARDED_BY(mutex_) = false;
  std::vector<std::string> trace_ GUARDED_BY(mutex_);
  bool recording_ GUARDED_BY(mutex_) = false;
  std::vector<Moment> moments_ GUARDED_BY(mutex_);

  uint64_t free_space_ GUARDED_BY(mutex_) = uint64_t{1} << 40;
  bool exchange_supported_ GUARDED_BY(mutex_) = true;
  bool plain_names_ GUARDED_BY(mutex_) = false;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_SUPPORT_SIMULATED_DISK_H_
