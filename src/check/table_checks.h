// What LevelDB believes a table without looking: that its keys are in order,
// within the range that the MANIFEST gives, and no newer than the newest
// write. Where one of these is a lie, Get and a scan find different entries,
// and writes to come can vanish behind older ones.

#ifndef LEVELKEEP_CHECK_TABLE_CHECKS_H_
#define LEVELKEEP_CHECK_TABLE_CHECKS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/status_macros.h"
#include "check/overlay_env.h"
#include "check/store_files.h"
#include "dbfiles/coding.h"
#include "dbfiles/version.h"
#include "leveldb/iterator.h"
#include "leveldb/options.h"
#include "leveldb/table.h"
#include "levelkeep/status.h"

namespace levelkeep::check {

// One table of a version, from its first entry to its last.
// Thread safety: one thread at a time.
class TableCheck {
 public:
  // Both outlive it. `name` is for messages. `ordered`: user keys are in
  // bytewise order.
  TableCheck(const TableMeta& meta, std::string name, uint64_t last_sequence,
             bool ordered)
      : meta_(meta),
        name_(std::move(name)),
        last_sequence_(last_sequence),
        ordered_(ordered) {}

  Status Run(std::unique_ptr<ByteSource> file) {
    const ReadFileAccess access(std::move(file));
    leveldb::Options options;
    options.paranoid_checks = true;
    leveldb::Table* raw = nullptr;
    const leveldb::Status opened = leveldb::Table::Open(
        options, const_cast<ReadFileAccess*>(&access), meta_.size_bytes, &raw);
    const std::unique_ptr<leveldb::Table> table(raw);
    if (!opened.ok()) return Unreadable(opened);
    leveldb::ReadOptions read;
    read.verify_checksums = true;
    read.fill_cache = false;
    const std::unique_ptr<leveldb::Iterator> entry(table->NewIterator(read));
    for (entry->SeekToFirst(); entry->Valid(); entry->Next()) {
      LEVELKEEP_RETURN_IF_ERROR(Take(entry->key()));
    }
    if (!entry->status().ok()) return Unreadable(entry->status());
    if (previous_ == meta_.largest) return Status::Ok();
    return Bad("ends with another key than its MANIFEST says");
  }

 private:
  static constexpr size_t kTrailerBytes = 8;  // sequence number and type

  Status Bad(const std::string& what) const {
    return Status(StatusCode::kCorruption, "table " + name_ + " " + what);
  }
  Status Unreadable(const leveldb::Status& failure) const {
    return Status(
        failure.IsIOError() ? StatusCode::kIoError : StatusCode::kCorruption,
        "LevelDB can't read it: table " + name_ + ": " + failure.ToString());
  }

  Status Take(const leveldb::Slice& key) {
    constexpr uint64_t kNewestType = 1;  // 0 deletes, 1 is a value
    if (key.size() < kTrailerBytes) return Bad("holds a key that is none");
    const uint64_t trailer =
        DecodeFixed64(key.data() + key.size() - kTrailerBytes);
    if ((trailer & 0xff) > kNewestType) {
      return Bad("holds a key of an unknown kind");
    }
    if (trailer >> 8 > last_sequence_) {
      return Bad("holds a write (" + std::to_string(trailer >> 8) +
                 ") that is newer than the newest one, " +
                 std::to_string(last_sequence_));
    }
    if (previous_.empty()) {
      if (key != leveldb::Slice(meta_.smallest)) {
        return Bad("begins with another key than its MANIFEST says");
      }
    } else if (!Follows(key, trailer)) {
      return Bad("holds keys that are not in order");
    }
    previous_.assign(key.data(), key.size());
    return Status::Ok();
  }

  // By user key, and of one key the newest write first.
  bool Follows(const leveldb::Slice& key, uint64_t trailer) const {
    const leveldb::Slice before(previous_.data(),
                                previous_.size() - kTrailerBytes);
    const leveldb::Slice now(key.data(), key.size() - kTrailerBytes);
    const int order = before.compare(now);
    if (order == 0) {
      return trailer < DecodeFixed64(before.data() + before.size());
    }
    return order < 0 || !ordered_;
  }

  const TableMeta& meta_;
  const std::string name_;
  const uint64_t last_sequence_;
  const bool ordered_;
  std::string previous_;  // the key before
};

}  // namespace levelkeep::check

#endif  // LEVELKEEP_CHECK_TABLE_CHECKS_H_
