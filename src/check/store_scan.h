// Opens a database through OverlayEnv and reads every entry.

#ifndef LEVELKEEP_CHECK_STORE_SCAN_H_
#define LEVELKEEP_CHECK_STORE_SCAN_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/work.h"
#include "check/file_checks.h"
#include "check/overlay_env.h"
#include "check/table_checks.h"
#include "dbfiles/coding.h"
#include "dbfiles/database_files.h"
#include "dbfiles/log_format.h"
#include "dbfiles/version.h"
#include "leveldb/comparator.h"
#include "leveldb/db.h"
#include "leveldb/env.h"
#include "leveldb/iterator.h"
#include "leveldb/options.h"
#include "levelkeep/status.h"

namespace levelkeep::check {

// --- Every entry of a database whose comparator is not at hand. LevelDB would
// find only those that happen to follow each other in the order of another
// one, so here each table and each log is read by itself, from front to back.
// The order of keys is not judged, nor which write of a key is its last.

// The number of values in a write batch. kCorruption if the batch is malformed.
// Source of the encoding: LevelDB's db/write_batch.cc.
// REQUIRES: `batch` has at least kBatchHeaderSize bytes.
inline Result<uint64_t> CountValues(std::string_view batch) {
  const Status bad(StatusCode::kCorruption, "holds a malformed write batch");
  const uint32_t stated = DecodeFixed<uint32_t>(batch.data() + 8);
  batch.remove_prefix(kBatchHeaderSize);
  uint64_t entries = 0;
  uint64_t values = 0;
  for (; !batch.empty(); ++entries) {
    const char type = batch.front();
    batch.remove_prefix(1);
    std::string_view key, value;
    if (type != 0 && type != 1) return bad;
    if (!GetLengthPrefixed(&batch, &key)) return bad;
    if (type == 0) continue;
    if (!GetLengthPrefixed(&batch, &value)) return bad;
    ++values;
  }
  if (entries != stated) return bad;
  return values;
}

inline Result<uint64_t> ReadLog(const StoreFiles& files,
                                const std::string& name) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto file, files.Open(name));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, files.Stat(name));
  uint64_t values = 0;
  const auto count = [&](std::string_view batch) -> Status {
    LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t more, CountValues(batch));
    values += more;
    return Status::Ok();
  };
  LEVELKEEP_RETURN_IF_ERROR(
      ScanLog(*file, info.size_bytes, /*batches=*/true, count)
          .status()
          .WithContext("log " + name));
  return values;
}

inline Result<uint64_t> ReadTable(const StoreFiles& files,
                                  const TableMeta& meta,
                                  uint64_t last_sequence) {
  std::string name = TableFileName(meta.number);
  if (!files.Stat(name).ok()) name = OldTableFileName(meta.number);
  LEVELKEEP_ASSIGN_OR_RETURN(auto file, files.Open(name));
  BlockTypes types;  // outlives the table
  CheckedTable table(meta, last_sequence, /*order=*/nullptr);
  const auto counts = table.Run(
      name, std::make_unique<ReadFileAccess>(std::move(file), &types));
  if (!counts.ok()) return types.Explain(counts.status());
  return counts->values;
}

// The number of values; an overwritten value counts as long as it is stored.
// REQUIRES: FileChecks found no fault in `files`; `last_sequence` is its
// result.
inline Result<uint64_t> ReadUnordered(const StoreFiles& files,
                                      uint64_t last_sequence) {
  LEVELKEEP_ASSIGN_OR_RETURN(const CurrentVersion current,
                             ReadCurrentVersion(files));
  uint64_t values = 0;
  for (const auto& [number, meta] : current.version.tables()) {
    LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t more,
                               ReadTable(files, meta, last_sequence));
    values += more;
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, files.List());
  for (const std::string& name : names) {
    const DbFileName parsed = ParseDbFileName(name);
    if (parsed.kind != DbFileKind::kLog ||
        !IsReplayed(current.version, parsed.number)) {
      continue;
    }
    LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t more, ReadLog(files, name));
    values += more;
  }
  return values;
}

// --- Everything else.

// The comparator of an application, which may throw. LevelDB is compiled
// without exceptions: one that passes through it would look like a crash, and
// that like a damaged database. Thread safety: as of `own`.
class HostComparator : public leveldb::Comparator {
 public:
  // `own` outlives this object. `end` gets the exception and must not return.
  HostComparator(const leveldb::Comparator* own, void (*end)(const Status&))
      : own_(own), end_(end) {}

  const char* Name() const override { return own_->Name(); }
  int Compare(const leveldb::Slice& a, const leveldb::Slice& b) const override {
    int order = 0;
    Guard([&] { order = own_->Compare(a, b); });
    return order;
  }
  void FindShortestSeparator(std::string* start,
                             const leveldb::Slice& limit) const override {
    Guard([&] { own_->FindShortestSeparator(start, limit); });
  }
  void FindShortSuccessor(std::string* key) const override {
    Guard([&] { own_->FindShortSuccessor(key); });
  }

 private:
  template <typename Call>
  void Guard(const Call& call) const {
    const Status called = CallHost("the application's comparator", [&] {
      call();
      return Status::Ok();
    });
    if (!called.ok()) end_(called);
  }

  const leveldb::Comparator* const own_;
  void (*const end_)(const Status&);
};

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

// Divides each span at those `cuts` (from CutKeys) that lie inside of it.
// REQUIRES: spans and cuts are in bytewise order.
inline std::vector<KeySpan> Divide(const std::vector<KeySpan>& spans,
                                   const std::vector<std::string>& cuts) {
  std::vector<KeySpan> parts;
  for (KeySpan span : spans) {
    for (const std::string& cut : cuts) {
      if (cut <= span.begin || (!span.end.empty() && cut >= span.end)) continue;
      parts.push_back({std::move(span.begin), cut});
      span.begin = cut;
    }
    parts.push_back(std::move(span));
  }
  return parts;
}

// Calls `body` with each number below `count`, on `threads` threads. Returns
// the first failure, after which no new call begins. If the host refuses
// another thread, the calling thread does the work.
inline Status ForEach(size_t count, size_t threads,
                      const std::function<Status(size_t)>& body) {
  std::atomic<size_t> next = 0;
  const auto work = [&]() -> Status {
    for (size_t i = next++; i < count; i = next++) {
      const Status status = body(i);
      if (status.ok()) continue;
      next = count;
      return status;
    }
    return Status::Ok();
  };
  std::vector<std::future<Status>> workers;
  for (size_t i = 0; i < std::min(count, threads); ++i) {
    workers.push_back(
        std::async(std::launch::async | std::launch::deferred, work));
  }
  Status verdict;
  for (auto& worker : workers) {
    // get() rethrows an exception of the thread (out of memory).
    const Status status = worker.get();
    if (verdict.ok()) verdict = status;
  }
  return verdict;
}

// The result of one pass over a span.
struct SpanScan {
  uint64_t entries = 0;
  std::string first;  // the first key at or behind `begin`; empty: none
  std::string stop;   // the first key at or behind `end`; empty: none
};

inline Result<SpanScan> ScanSpan(leveldb::DB* db,
                                 const leveldb::Comparator* comparator,
                                 const KeySpan& span, bool verify_checksums) {
  leveldb::ReadOptions read;
  read.verify_checksums = verify_checksums;
  read.fill_cache = false;
  const std::unique_ptr<leveldb::Iterator> entry(db->NewIterator(read));
  SpanScan scan;
  std::string previous;
  span.begin.empty() ? entry->SeekToFirst() : entry->Seek(span.begin);
  if (entry->Valid()) scan.first = entry->key().ToString();
  for (; entry->Valid(); entry->Next()) {
    const leveldb::Slice key = entry->key();
    if (scan.entries > 0 && comparator->Compare(key, previous) <= 0) {
      return Status(
          StatusCode::kCorruption,
          "keys are not in order after entry " + std::to_string(scan.entries));
    }
    if (!span.end.empty() && comparator->Compare(key, span.end) >= 0) {
      scan.stop = key.ToString();
      break;
    }
    previous.assign(key.data(), key.size());
    ++scan.entries;
  }
  if (!entry->status().ok()) {
    return FailureOf("LevelDB can't read the database", entry->status());
  }
  return scan;
}

// Reads every entry of the spans with LevelDB's own iterator, `threads` spans
// at a time. Returns the first failure, or the number of entries.
inline Result<uint64_t> ScanSpans(leveldb::DB* db,
                                  const leveldb::Comparator* comparator,
                                  const std::vector<KeySpan>& spans,
                                  size_t threads, bool verify_checksums) {
  std::vector<SpanScan> scans(spans.size());
  LEVELKEEP_RETURN_IF_ERROR(
      ForEach(spans.size(), threads, [&](size_t i) -> Status {
        LEVELKEEP_ASSIGN_OR_RETURN(
            scans[i], ScanSpan(db, comparator, spans[i], verify_checksums));
        return Status::Ok();
      }));
  uint64_t entries = 0;
  for (size_t i = 0; i < spans.size(); ++i) {
    // Two spans that follow each other always meet unless an index is wrong.
    if (i > 0 && spans[i].begin == spans[i - 1].end &&
        scans[i].first != scans[i - 1].stop) {
      return Status(
          StatusCode::kCorruption,
          "keys are not in order after entry " + std::to_string(entries));
    }
    entries += scans[i].entries;
  }
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

struct OpenedTable {
  std::string name;
  std::unique_ptr<leveldb::RandomAccessFile> file;
};
// Several threads call the opener.
using TableOpener = std::function<Result<OpenedTable>(const TableMeta&)>;

// What reading each table by itself leaves to a scan by LevelDB.
struct EachTable {
  uint64_t entries = 0;         // of the tables that share no key with another
  std::vector<KeySpan> shared;  // the spans that hold all other entries
};

// Checks every table of the version from its first entry to its last
// (CheckedTable), `threads` tables at a time, and that the ranges of a level do
// not overlap. kCorruption or kIoError for the first bad table.
inline Result<EachTable> CheckEachTable(const Version& version,
                                        const TableOpener& open,
                                        uint64_t last_sequence,
                                        const leveldb::Comparator* comparator,
                                        size_t threads) {
  EachTable result;
  std::set<uint64_t> alone;
  if (comparator == leveldb::BytewiseComparator()) {
    LEVELKEEP_RETURN_IF_ERROR(CheckRanges(version));
    result.shared = SharedSpans(version, &alone);
  } else {
    // Only the database's own comparator could judge ranges in another order.
    result.shared.emplace_back();
  }
  std::vector<const TableMeta*> tables;
  for (const auto& [number, meta] : version.tables()) tables.push_back(&meta);
  std::atomic<uint64_t> entries = 0;
  LEVELKEEP_RETURN_IF_ERROR(
      ForEach(tables.size(), threads, [&](size_t i) -> Status {
        LEVELKEEP_ASSIGN_OR_RETURN(OpenedTable table, open(*tables[i]));
        CheckedTable checked(*tables[i], last_sequence, comparator);
        LEVELKEEP_ASSIGN_OR_RETURN(
            const TableCounts counts,
            checked.Run(std::move(table.name), std::move(table.file)));
        if (alone.contains(tables[i]->number)) entries += counts.entries;
        return Status::Ok();
      }));
  result.entries = entries;
  return result;
}

}  // namespace levelkeep::check

#endif  // LEVELKEEP_CHECK_STORE_SCAN_H_
