// A snapshot: a consistent, readable, pinned set of a database's files.
//
// There are four methods; each yields the same kind of object. The manager
// prefers them in this order:
//   hot       the DB is open through SnapshotEnv in this process
//   offline   nobody has the DB open: we hold LOCK until its files are held
//   external  another process has the DB open (stock LevelDB, local disk)
//   logical   the DB is open in this process through another Env: a scratch
//             copy is written through DB::GetSnapshot

#ifndef LEVELKEEP_SNAPSHOT_SNAPSHOT_H_
#define LEVELKEEP_SNAPSHOT_SNAPSHOT_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "dbfiles/database_files.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"
#include "snapshot/snapshot_env.h"

namespace leveldb {
class DB;
}

namespace levelkeep {

struct SnapshotFile {
  std::string name;  // the file's name in the archive: "000012.ldb"
  DbFileKind kind = DbFileKind::kUnknown;
  uint64_t size_bytes = 0;  // exactly this many bytes belong to the snapshot
  // The file's identity, for reuse; 0 if its bytes are generated or a prefix.
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t mtime_ns = 0;
};

struct SnapshotInfo {
  SnapshotMethod method = SnapshotMethod::kHot;
  // The exact sequence number of the last write in the snapshot. A logical
  // snapshot has the sequence numbers of its scratch copy.
  uint64_t last_sequence = 0;
  std::string comparator;
  // Order: tables by number, then logs, MANIFEST, CURRENT.
  std::vector<SnapshotFile> files;

  uint64_t total_bytes() const;
};

// The destructor releases the pins, links, lock or scratch directory.
// Thread safety: const methods from several threads.
class Snapshot {
 public:
  // Opens the given file. An opener that captures at most two pointers needs no
  // memory of its own; it may point to objects that the keeper owns.
  using Opener =
      std::function<Result<std::unique_ptr<ByteSource>>(const SnapshotFile&)>;

  // `openers` has one for each file. `keeper` is destroyed with the snapshot.
  Snapshot(SnapshotInfo info, std::vector<Opener> openers,
           std::shared_ptr<const void> keeper)
      : keeper_(std::move(keeper)),
        info_(std::move(info)),
        openers_(std::move(openers)) {}

  const SnapshotInfo& info() const { return info_; }
  // REQUIRES: `index` < info().files.size(). Reads exactly size_bytes.
  Result<std::unique_ptr<ByteSource>> Open(size_t index) const {
    return openers_[index](info_.files[index]);
  }
  // This is the snapshot of a copy that was made in `scratch`.
  void MakeLogical(std::shared_ptr<const void> scratch) {
    scratch_ = std::move(scratch);
    info_.method = SnapshotMethod::kLogical;
  }

 private:
  std::shared_ptr<const void> scratch_;  // destroyed last
  const std::shared_ptr<const void> keeper_;
  SnapshotInfo info_;
  const std::vector<Opener> openers_;
};

// Snapshots a database that nobody has open. kBusy if a process has it open,
// kNotFound if there is none, kCorruption if a file that its MANIFEST names is
// missing (LevelDB itself may not notice). Hard-links the tables into
// `scratch_dir` (created, and removed with the snapshot) and keeps the logs
// open, so that LOCK is free on return: a process that then opens the database
// can't change the snapshot. If tables can't be linked, or `scratch_dir` is
// empty, LOCK is held as long as the snapshot lives.
Result<std::unique_ptr<Snapshot>> TakeOfflineSnapshot(
    FileSystem* fs, const std::string& db_dir,
    const std::string& scratch_dir = "");

// Snapshots a database that another process has open. Hard-links the tables
// into `scratch_dir` (created, and removed with the snapshot; on another file
// system than the database, descriptors are kept open instead). kCorruption as
// above, but not for files that the other process has just removed.
// kUnsupported if tables vanish faster than they can be linked, for all of
// `patience`.
struct ExternalSnapshotOptions {
  std::string scratch_dir;
  std::chrono::milliseconds patience{10'000};  // at least one try is made
  std::stop_token stop;
  // Called before each step; tests change the database in it.
  std::function<void(int step)> before_step;
};
Result<std::unique_ptr<Snapshot>> TakeExternalSnapshot(
    FileSystem* fs, const std::string& db_dir,
    const ExternalSnapshotOptions& options);

// Everyone can use `db` during the call. Writes a compact copy into
// `scratch_dir` (created, and removed with the snapshot). If memory runs out
// meanwhile, the process ends (decision 0018).
Result<std::unique_ptr<Snapshot>> TakeLogicalSnapshot(
    FileSystem* fs, leveldb::DB* db, const std::string& comparator_name,
    const std::string& scratch_dir, std::stop_token stop);

}  // namespace levelkeep

#endif  // LEVELKEEP_SNAPSHOT_SNAPSHOT_H_
