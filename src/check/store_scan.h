// Opens a database through OverlayEnv and reads every entry.

#ifndef LEVELKEEP_CHECK_STORE_SCAN_H_
#define LEVELKEEP_CHECK_STORE_SCAN_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "check/table_checks.h"
#include "dbfiles/version.h"
#include "leveldb/comparator.h"
#include "leveldb/db.h"
#include "leveldb/env.h"
#include "leveldb/iterator.h"
#include "leveldb/options.h"
#include "levelkeep/status.h"

namespace levelkeep::check {

// Keys that divide the database into `parts` of about equal size, in order;
// fewer keys if there are too few tables.
inline std::vector<std::string> CutKeys(
    std::vector<std::pair<std::string, uint64_t>> table_starts, size_t parts) {
  std::sort(table_starts.begin(), table_starts.end());
  uint64_t total = 0;
  for (const auto& [key, bytes] : table_starts) total += bytes;
  std::vector<std::string> cuts;
  uint64_t before = 0;
  for (const auto& [key, bytes] : table_starts) {
    if (before >= total / parts * (cuts.size() + 1) &&
        (cuts.empty() || cuts.back() < key) && cuts.size() + 1 < parts) {
      cuts.push_back(key);
    }
    before += bytes;
  }
  return cuts;
}

// If the host refuses another thread, the calling thread does the work.
inline constexpr auto kThreadIfAny = std::launch::async | std::launch::deferred;

// The result of one pass over a part of the keys.
struct PartScan {
  uint64_t entries = 0;
  std::string first;  // the first key at or behind `begin`; empty: none
  std::string stop;   // the first key of the next part; empty: the end
};

// Reads the keys from `begin` (empty: the first key) to before `end` (empty: up
// to the last key).
inline Result<PartScan> ScanPart(leveldb::DB* db,
                                 const leveldb::Comparator* comparator,
                                 const std::string& begin,
                                 const std::string& end) {
  leveldb::ReadOptions read;
  read.verify_checksums = true;
  read.fill_cache = false;
  const std::unique_ptr<leveldb::Iterator> entry(db->NewIterator(read));
  PartScan part;
  std::string previous;
  begin.empty() ? entry->SeekToFirst() : entry->Seek(begin);
  if (entry->Valid()) part.first = entry->key().ToString();
  for (; entry->Valid(); entry->Next()) {
    const leveldb::Slice key = entry->key();
    if (part.entries > 0 && comparator->Compare(key, previous) <= 0) {
      return Status(
          StatusCode::kCorruption,
          "keys are not in order after entry " + std::to_string(part.entries));
    }
    if (!end.empty() && comparator->Compare(key, end) >= 0) {
      part.stop = key.ToString();
      break;
    }
    previous.assign(key.data(), key.size());
    ++part.entries;
  }
  if (!entry->status().ok()) {
    return FailureOf("LevelDB can't read the database", entry->status());
  }
  return part;
}

// Reads all parts in parallel. Returns the first failure, or the entry count.
inline Result<uint64_t> ScanParts(leveldb::DB* db,
                                  const leveldb::Comparator* comparator,
                                  std::vector<std::string> cuts) {
  cuts.insert(cuts.begin(), "");
  cuts.emplace_back();
  std::vector<std::future<Result<PartScan>>> parts;
  for (size_t i = 0; i + 1 < cuts.size(); ++i) {
    parts.push_back(std::async(kThreadIfAny, ScanPart, db, comparator, cuts[i],
                               cuts[i + 1]));
  }
  uint64_t entries = 0;
  std::optional<std::string> stop;  // `stop` of the previous part
  Status verdict;
  for (auto& future : parts) {
    // get() rethrows an exception of the thread (out of memory).
    const Result<PartScan> part = future.get();
    if (!verdict.ok()) continue;
    verdict = part.status();
    if (!part.ok()) continue;
    // Two parts always meet unless an index is wrong.
    if (stop && *stop != part->first) {
      verdict =
          Status(StatusCode::kCorruption, "keys are not in order after entry " +
                                              std::to_string(entries));
    }
    entries += part->entries;
    stop = part->stop;
  }
  if (!verdict.ok()) return verdict;
  return entries;
}

// `env` is an OverlayEnv of `db_dir`; `comparator` is the database's own. If
// the DB opens, it stays open in `*db` (see OverlayEnv). `env`, `comparator`
// and `log` outlive the DB.
inline Status OpenStore(leveldb::Env* env, const std::string& db_dir,
                        const leveldb::Comparator* comparator,
                        leveldb::Logger* log, leveldb::DB** db) {
  leveldb::Options options;
  options.env = env;
  options.comparator = comparator;
  options.info_log = log;
  options.paranoid_checks = true;
  // Each open table needs a descriptor, because nothing is mapped.
  options.max_open_files = 200;
  const leveldb::Status opened = leveldb::DB::Open(options, db_dir, db);
  return opened.ok() ? Status::Ok()
                     : FailureOf("LevelDB can't open the database", opened);
}

// Reads every entry with LevelDB's own iterator and returns their number.
// `cuts` are keys from CutKeys.
inline Result<uint64_t> ScanStore(leveldb::DB* db,
                                  const leveldb::Comparator* comparator,
                                  const std::vector<std::string>& cuts) {
  // CutKeys uses the bytewise order, so its keys are useless in another order.
  const bool bytewise = comparator == leveldb::BytewiseComparator();
  return ScanParts(db, comparator,
                   bytewise ? cuts : std::vector<std::string>());
}

struct OpenedTable {
  std::string name;
  std::unique_ptr<leveldb::RandomAccessFile> file;
};
// Several threads call the opener.
using TableOpener = std::function<Result<OpenedTable>(const TableMeta&)>;

// Checks every table of the version from its first entry to its last
// (CheckedTable), `threads` tables at a time, and that the ranges of a level do
// not overlap. kCorruption or kIoError for the first bad table.
inline Status CheckEachTable(const Version& version, const TableOpener& open,
                             uint64_t last_sequence,
                             const leveldb::Comparator* comparator,
                             size_t threads) {
  // Only the database's own comparator could judge ranges in another order.
  if (comparator == leveldb::BytewiseComparator()) {
    LEVELKEEP_RETURN_IF_ERROR(CheckRanges(version));
  }
  std::vector<const TableMeta*> tables;
  for (const auto& [number, meta] : version.tables()) tables.push_back(&meta);
  std::atomic<size_t> next = 0;
  const auto check_some = [&]() -> Status {
    for (size_t i = next++; i < tables.size(); i = next++) {
      LEVELKEEP_ASSIGN_OR_RETURN(OpenedTable table, open(*tables[i]));
      CheckedTable checked(*tables[i], last_sequence, comparator);
      LEVELKEEP_RETURN_IF_ERROR(
          checked.Run(std::move(table.name), std::move(table.file)).status());
    }
    return Status::Ok();
  };
  std::vector<std::future<Status>> workers;
  for (size_t i = 0; i < threads; ++i) {
    workers.push_back(std::async(kThreadIfAny, check_some));
  }
  Status verdict;
  for (auto& worker : workers) {
    // get() rethrows an exception of the thread (out of memory).
    const Status status = worker.get();
    if (verdict.ok()) verdict = status;
  }
  return verdict;
}

}  // namespace levelkeep::check

#endif  // LEVELKEEP_CHECK_STORE_SCAN_H_
