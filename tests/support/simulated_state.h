// What is on a simulated disk: what processes see, what has reached the
// medium, and what a power loss may leave of the difference.
//
// The rules, all of them harsher than any one real file system:
// - Bytes that were not synced are kept or lost per sector of 512 bytes, each
//   in the order of its writes. The size ends up anywhere in between; sectors
//   that never arrived read as zeros or as somebody's old bytes.
// - Changes of directory entries survive once their directory was synced;
//   before that, each directory keeps the first so many of them. A rename or
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

// What files and directories are made of. Value type; copies share contents.
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

  // Regular files. What `writes` did to `durable` makes `bytes`, unless a
  // failed sync dropped some of them: then `durable` will never have those.
  Bytes bytes = std::make_shared<std::string>();
  Bytes durable = bytes;
  std::vector<Write> writes;
  bool lost_writes = false;

  // Directories.
  std::map<std::string, InodeNumber> entries;
  std::map<std::string, InodeNumber> durable_entries;

  uint32_t durable_mode = 0;
  int64_t durable_mtime_ns = 0;
};

// Value type; copies share what none of them changes.
// Thread safety: as std::map.
class SimulatedState {
 public:
  static constexpr InodeNumber kRoot = 1;
  static constexpr uint64_t kSectorBytes = 512;

  SimulatedState();

  // Null if there is none.
  const SimulatedInode* Find(InodeNumber number) const;
  const SimulatedInode* At(std::string_view path) const;
  // REQUIRES: it exists. A copy of its own, to be changed.
  SimulatedInode* Edit(InodeNumber number);
  InodeNumber Add(FileType type, uint32_t mode, int64_t now_ns);

  // --- files. REQUIRES: a regular file
  void WriteBytes(InodeNumber file, uint64_t offset, std::string_view data,
                  int64_t now_ns);
  void Truncate(InodeNumber file, uint64_t size_bytes, int64_t now_ns);
  void SyncFile(InodeNumber file);
  // What fsync does on Linux when it fails: the pages count as clean.
  void DropWrites(InodeNumber file);
  // What the device would give, with what is on its way to it.
  std::string DeviceBytes(InodeNumber file) const;

  // --- directories
  struct EntryChange {
    InodeNumber directory = 0;
    std::string name;
    InodeNumber now = 0;  // 0: gone
  };
  // One atomic operation. Keeps the counts of links.
  void ChangeEntries(std::vector<EntryChange> changes, int64_t now_ns);
  void SyncDirectory(InodeNumber directory);

  // Everything as it is becomes durable.
  void SyncAll();
  // Is anything at stake in a power loss?
  bool HasUnsynced() const;
  // The power goes and comes back. Seed 0 loses all that may be lost, seed 1
  // nothing, others something in between.
  void LosePower(uint64_t seed);

  // One line per path: what a start must not change when done again. Times
  // are left out.
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
