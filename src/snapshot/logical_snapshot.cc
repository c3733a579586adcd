// Snapshots of a database that is open through another Env than ours.

#include <utility>

#include "base/scratch_directory.h"
#include "base/status_macros.h"
#include "leveldb/comparator.h"
#include "leveldb/db.h"
#include "leveldb/write_batch.h"
#include "snapshot/snapshot.h"

namespace levelkeep {
namespace {

// At most two write buffers are in memory; larger ones would save little.
constexpr size_t kWriteBufferBytes = 8u << 20;
constexpr size_t kBatchBytes = 256u << 10;

Status FromLevelDbStatus(const leveldb::Status& status) {
  if (status.ok()) return Status::Ok();
  StatusCode code = StatusCode::kIoError;
  if (status.IsNotFound()) code = StatusCode::kNotFound;
  if (status.IsCorruption()) code = StatusCode::kCorruption;
  if (status.IsNotSupportedError()) code = StatusCode::kUnsupported;
  if (status.IsInvalidArgument()) code = StatusCode::kInvalidArgument;
  return Status(code, status.ToString());
}

Result<std::unique_ptr<leveldb::DB>> CreateCopy(const std::string& dir) {
  leveldb::Options options;
  options.create_if_missing = true;
  options.error_if_exists = true;
  options.write_buffer_size = kWriteBufferBytes;
  leveldb::DB* copy = nullptr;
  const leveldb::Status status = leveldb::DB::Open(options, dir, &copy);
  if (!status.ok()) return FromLevelDbStatus(status).WithContext(dir);
  return std::unique_ptr<leveldb::DB>(copy);
}

// Writes without syncing: the copy is read back right away, and a crash makes
// it worthless.
//
// LevelDB is compiled without exceptions: a std::bad_alloc that passes through
// an open database leaves its mutexes locked, and whoever calls it next waits
// for ever. So it ends the process (decision 0018).
Status CopyEntries(leveldb::DB* source, leveldb::DB* target,
                   std::stop_token stop) noexcept {
  const auto release = [source](const leveldb::Snapshot* snapshot) {
    source->ReleaseSnapshot(snapshot);
  };
  const std::unique_ptr<const leveldb::Snapshot, decltype(release)> now(
      source->GetSnapshot(), release);
  leveldb::ReadOptions options;
  options.snapshot = now.get();
  options.verify_checksums = true;
  options.fill_cache = false;
  const std::unique_ptr<leveldb::Iterator> it(source->NewIterator(options));
  leveldb::WriteBatch batch;
  const auto flush = [&]() -> Status {
    const leveldb::Status written =
        target->Write(leveldb::WriteOptions(), &batch);
    batch.Clear();
    return FromLevelDbStatus(written).WithContext("scratch copy");
  };
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    batch.Put(it->key(), it->value());
    if (batch.ApproximateSize() < kBatchBytes) continue;
    if (stop.stop_requested()) {
      return Status(StatusCode::kCancelled, "logical snapshot was cancelled");
    }
    LEVELKEEP_RETURN_IF_ERROR(flush());
  }
  LEVELKEEP_RETURN_IF_ERROR(
      FromLevelDbStatus(it->status()).WithContext("source database"));
  return flush();
}

}  // namespace

Result<std::unique_ptr<Snapshot>> TakeLogicalSnapshot(
    FileSystem* fs, leveldb::DB* db, const std::string& comparator_name,
    const std::string& scratch_dir, std::stop_token stop) {
  if (comparator_name != leveldb::BytewiseComparator()->Name()) {
    return Status(StatusCode::kUnsupported,
                  "a logical copy needs the comparator " +
                      std::string(leveldb::BytewiseComparator()->Name()) +
                      ", but the database has " + comparator_name,
                  "open the database with the manager's Env, whose snapshots "
                  "work with any comparator");
  }
  if (stop.stop_requested()) {
    return Status(StatusCode::kCancelled, "logical snapshot was cancelled");
  }
  LEVELKEEP_ASSIGN_OR_RETURN(std::unique_ptr<ScratchDirectory> scratch,
                             ScratchDirectory::Make(fs, scratch_dir));
  const std::string copy_dir = JoinPath(scratch->path(), "copy");
  {
    LEVELKEEP_ASSIGN_OR_RETURN(const std::unique_ptr<leveldb::DB> copy,
                               CreateCopy(copy_dir));
    LEVELKEEP_RETURN_IF_ERROR(CopyEntries(db, copy.get(), stop));
  }
  LEVELKEEP_ASSIGN_OR_RETURN(std::unique_ptr<Snapshot> snapshot,
                             TakeOfflineSnapshot(fs, copy_dir));
  snapshot->MakeLogical(std::move(scratch));
  return snapshot;
}

}  // namespace levelkeep
