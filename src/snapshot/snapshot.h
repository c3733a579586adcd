// A snapshot: a consistent, readable, pinned set of a database's files.
//
// Four ways to take one; each yields the same kind of object. In the order
// in which the manager prefers them:
//   hot       the DB is open through SnapshotEnv in this process
//   offline   nobody has it open: we hold LOCK until its files are held
//   external  another process has it open (stock LevelDB, local disk)
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
#include "levelkeep/snapshot_env.h"
#include "levelkeep/status.h"

namespace leveldb {
class DB;
}

namespace levelkeep {

enum class SnapshotMethod { kHot, kOffline, kExternal, kLogical };
// "hot", "offline", "external", "logical".
std::string SnapshotMethodName(SnapshotMethod method);

struct SnapshotFile {
  std::string name;  // as it will stand in the archive: "000012.ldb"
  DbFileKind kind = DbFileKind::kUnknown;
  uint64_t size_bytes = 0;  // exactly this many bytes belong to it
  // Identity for reuse; 0 where the bytes are generated or a prefix.
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t mtime_ns = 0;
};

struct SnapshotInfo {
  SnapshotMethod method = SnapshotMethod::kHot;
  // Exact: the sequence number of the last write that it holds. For logical
  // snapshots, the scratch copy's own.
  uint64_t last_sequence = 0;
  std::string comparator;
  // Tables by number, then logs, MANIFEST, CURRENT.
  std::vector<SnapshotFile> files;

  uint64_t total_bytes() const;
};

// Releases its pins, links, lock or scratch directory when destroyed.
// Thread safety: const methods from several threads.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  virtual const SnapshotInfo& info() const = 0;
  // REQUIRES: `index` < info().files.size(). Reads exactly size_bytes.
  virtual Result<std::unique_ptr<ByteSource>> Open(size_t index) const = 0;
};

// Implemented by SnapshotEnv.
class HotSnapshotSource {
 public:
  virtual ~HotSnapshotSource() = default;
  // Is a DB on `db_dir` open through this Env now?
  virtual bool IsAttached(const std::string& db_dir) const = 0;
  // kIoError if a log write failed before ("reopen the database"),
  // kNotFound if it is not attached. Every write acknowledged before the
  // call is in it, whole batches only.
  virtual Result<std::unique_ptr<Snapshot>> Take(const std::string& db_dir) = 0;
};

// Of a database that nobody has open: kBusy if anyone has it open, kNotFound
// if there is none. kCorruption if a file that its MANIFEST names is missing,
// though LevelDB may pass over that. Hard-links tables into `scratch_dir`
// (created, removed again with the snapshot) and keeps logs open, so that LOCK
// is free on return: whoever opens the database then does not change what is
// read. Where tables can't be linked, or with an empty `scratch_dir`, LOCK is
// held for as long as the snapshot lives.
Result<std::unique_ptr<Snapshot>> TakeOfflineSnapshot(
    FileSystem* fs, const std::string& db_dir,
    const std::string& scratch_dir = "");

// Of a database that another process has open. Hard-links tables into
// `scratch_dir` (created, removed again with the snapshot; same file system
// as the database, else descriptors are kept open). kCorruption as above, told
// from what goes away because the database is written to. kUnsupported if
// tables vanish faster than they can be linked for all of `patience`.
struct ExternalSnapshotOptions {
  std::string scratch_dir;
  std::chrono::milliseconds patience{10'000};  // one try at least
  std::stop_token stop;
  // Called before each step; tests make the window wide with it.
  std::function<void(int step)> before_step;
};
Result<std::unique_ptr<Snapshot>> TakeExternalSnapshot(
    FileSystem* fs, const std::string& db_dir,
    const ExternalSnapshotOptions& options);

// `db` stays usable by everyone meanwhile. Writes a compact copy into
// `scratch_dir` (created, removed again with the snapshot). Memory that ends
// meanwhile ends the process (decision 0018).
Result<std::unique_ptr<Snapshot>> TakeLogicalSnapshot(
    FileSystem* fs, leveldb::DB* db, const std::string& comparator_name,
    const std::string& scratch_dir, std::stop_token stop);

}  // namespace levelkeep

#endif  // LEVELKEEP_SNAPSHOT_SNAPSHOT_H_
