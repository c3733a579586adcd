// What is on a simulated disk: what processes see, what has reached the
// medium, and what a power loss may leave of the difference.
//
// The rules are all harsher than those of any one real file system:
// - Bytes that were not synced are kept or lost per sector of 512 bytes, each
//   in the order of its writes. The size ends up anywhere in between; sectors
//   that never arrived read as zeros or as old bytes of another file.
// - Changes of directory entries survive if their directory was synced. If
//   not, each directory keeps the first few of them, any number. A rename or
//   exchange across two directories needs both synced; until then it is kept
//   or lost as a whole. Syncing a new file does not sync its entry.
// - Modes and times that were not synced may be the old ones.

#ifndef LEVELKEEP_TESTS_SUPPORT_SIMULATED_STATE_H_
#define LEVELKEEP_TESTS_SUPPORT_SIMULATED_STATE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"

namespace levelkeep::test {

using InodeNumber = uint64_t;
using Bytes = std::shared_ptr<std::string>;

// A file or a directory. Value type; copies share contents.
struct SimulatedInode {
  struct Write {
    uint64_t offset = 0;
    std::shared_ptr<const std::string> data;  // null: truncated to `offset`
  };

  FileType type = FileType::kRegular;
  uint32_t mode = 0;
  int64_t mtime_ns = 0;
  int64_t ctime_ns = 0;
  uint32_t links = 0;

  // For regular files. `durable` with all `writes` makes `bytes`, unless a
  // failed sync dropped some writes: `durable` will never have these.
  Bytes bytes = std::make_shared<std::string>();
  Bytes durable = bytes;
  std::vector<Write> writes;
  bool lost_writes = false;

  // For directories.
  std::map<std::string, InodeNumber> entries;
  std::map<std::string, InodeNumber> durable_entries;

  uint32_t durable_mode = 0;
  int64_t durable_mtime_ns = 0;
};

// Value type; copies share what no copy changes.
// Thread safety: as std::map.
class SimulatedState {
 public:
  static constexpr InodeNumber kRoot = 1;
  static constexpr uint64_t kSectorBytes = 512;

  SimulatedState();

  // Null if there is no such inode.
  const SimulatedInode* Find(InodeNumber number) const;
  const SimulatedInode* At(std::string_view path) const;
  // REQUIRES: the inode exists. Returns a copy of its own, to be changed.
  SimulatedInode* Edit(InodeNumber number);
  InodeNumber Add(FileType type, uint32_t mode, int64_t now_ns);

  // --- files. REQUIRES: a regular file
  void WriteBytes(InodeNumber file, uint64_t offset, std::string_view data,
                  int64_t now_ns);
  void Truncate(InodeNumber file, uint64_t size_bytes, int64_t now_ns);
  void SyncFile(InodeNumber file);
  // A failed fsync of Linux does this: the pages count as clean.
  void DropWrites(InodeNumber file);
  // The bytes on the device, with those that are on their way to it.
  std::string DeviceBytes(InodeNumber file) const;

  // --- directories
  struct EntryChange {
    InodeNumber directory = 0;
    std::string name;
    InodeNumber now = 0;  // 0: gone
  };
  // One atomic operation. It keeps the counts of links right.
  void ChangeEntries(std::vector<EntryChange> changes, int64_t now_ns);
  void SyncDirectory(InodeNumber directory);

  // Everything becomes durable as it is.
  void SyncAll();
  // Would a power loss lose anything?
  bool HasUnsynced() const;
  // The power goes and comes back. With seed 0 all that may be lost is lost,
  // with seed 1 nothing, with other seeds some of it.
  void LosePower(uint64_t seed);

  // One line per path: what a second start must not change. Times are left
  // out.
  std::map<std::string, std::string> Describe() const;

 private:
  struct Operation {
    std::vector<EntryChange> changes;
    std::vector<InodeNumber> unsynced;  // directories
  };

  void Count(InodeNumber number, int difference);
  void FoldSynced();
  void LoseEntries(uint64_t seed);
  void LoseBytes(InodeNumber number, uint64_t seed);
  void DescribeBelow(InodeNumber directory, const std::string& path,
                     std::map<std::string, std::string>* lines) const;

  InodeNumber next_ = kRoot + 1;
  std::map<InodeNumber, std::shared_ptr<SimulatedInode>> inodes_;
  std::vector<Operation> operations_;  // not durable as a whole
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_SUPPORT_SIMULATED_STATE_H_
