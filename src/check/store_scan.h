// Opens a database through OverlayEnv and reads every entry.

#ifndef LEVELKEEP_CHECK_STORE_SCAN_H_
#define LEVELKEEP_CHECK_STORE_SCAN_H_

#include <cstdint>
#include <memory>
#include <string>

#include "check/overlay_env.h"
#include "leveldb/comparator.h"
#include "leveldb/db.h"
#include "leveldb/iterator.h"
#include "leveldb/options.h"
#include "levelkeep/status.h"

namespace levelkeep::check {

// An application's comparator, known by name only. Bytewise order is wrong
// for its keys, but good enough to read every block once.
class NamedComparator : public leveldb::Comparator {
 public:
  explicit NamedComparator(std::string name) : name_(std::move(name)) {}
  int Compare(const leveldb::Slice& a, const leveldb::Slice& b) const override {
    return a.compare(b);
  }
  const char* Name() const override { return name_.c_str(); }
  void FindShortestSeparator(std::string* /*start*/,
                             const leveldb::Slice& /*limit*/) const override {}
  void FindShortSuccessor(std::string* /*key*/) const override {}

 private:
  const std::string name_;
};

// A full or broken scratch directory is not the database's fault.
inline StatusCode CodeOf(const leveldb::Status& failure) {
  if (!failure.IsIOError()) return StatusCode::kCorruption;
  return failure.ToString().find("No space left") != std::string::npos
             ? StatusCode::kNoSpace
             : StatusCode::kIoError;
}

// Returns the number of entries. Leaves the DB open: see OverlayEnv.
inline Result<uint64_t> ScanStore(const std::string& db_dir,
                                  const std::string& scratch_dir,
                                  const std::string& comparator_name) {
  const leveldb::Comparator* const bytewise = leveldb::BytewiseComparator();
  const bool ordered = comparator_name == bytewise->Name();
  leveldb::Options options;
  options.env = new OverlayEnv(leveldb::Env::Default(), db_dir, scratch_dir);
  options.comparator =
      ordered ? bytewise : new NamedComparator(comparator_name);
  options.info_log = new SilentLogger;
  options.paranoid_checks = true;
  leveldb::DB* db = nullptr;
  const leveldb::Status opened = leveldb::DB::Open(options, db_dir, &db);
  if (!opened.ok()) {
    return Status(CodeOf(opened),
                  "LevelDB can't open it: " + opened.ToString());
  }

  leveldb::ReadOptions read;
  read.verify_checksums = true;
  read.fill_cache = false;
  const std::unique_ptr<leveldb::Iterator> entry(db->NewIterator(read));
  uint64_t entries = 0;
  std::string previous;
  for (entry->SeekToFirst(); entry->Valid(); entry->Next()) {
    const leveldb::Slice key = entry->key();
    if (ordered && entries > 0 && key.compare(previous) <= 0) {
      return Status(
          StatusCode::kCorruption,
          "keys are not in order after entry " + std::to_string(entries));
    }
    previous.assign(key.data(), key.size());
    ++entries;
  }
  if (!entry->status().ok()) {
    return Status(CodeOf(entry->status()),
                  "LevelDB can't read it: " + entry->status().ToString());
  }
  return entries;
}

}  // namespace levelkeep::check

#endif  // LEVELKEEP_CHECK_STORE_SCAN_H_
