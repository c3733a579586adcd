// One pass over every entry of every table, for what nobody vouches for: each
// table is checked (CheckedTable), and what a reader would find is counted as
// LevelDB's own iterator would, in the order of the keys.

#ifndef LEVELKEEP_CHECK_MERGED_SCAN_H_
#define LEVELKEEP_CHECK_MERGED_SCAN_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "check/table_checks.h"
#include "dbfiles/file_name.h"
#include "dbfiles/version.h"
#include "leveldb/env.h"
#include "levelkeep/status.h"

namespace levelkeep::check {

struct OpenedTable {
  std::string name;
  std::unique_ptr<leveldb::RandomAccessFile> file;
};
// Called by several threads.
using TableOpener = std::function<Result<OpenedTable>(const TableMeta&)>;

// Tables whose ranges follow each other: those of a level, or one of level 0.
using TableRun = std::vector<const TableMeta*>;

inline Status CheckRange(const TableMeta& table) {
  const auto bad = [&](const char* what) {
    return Status(StatusCode::kCorruption,
                  "table " + TableFileName(table.number) + what);
  };
  if (table.smallest.size() < kTrailerBytes ||
      table.largest.size() < kTrailerBytes) {
    return bad(" has a malformed key range");
  }
  return IsBefore(table.largest, table.smallest)
             ? bad(" ends before it begins, says the MANIFEST")
             : Status::Ok();
}

// A host that gives no more threads gets the same work done by this one.
inline constexpr auto kThreadIfAny = std::launch::async | std::launch::deferred;

// Each table of level 0 may have to be open at the same time as all others.
inline bool CanBeMerged(const Version& version) {
  constexpr std::ptrdiff_t kMostAtLevel0 = 64;
  return std::count_if(version.tables().begin(), version.tables().end(),
                       [](const auto& table) {
                         return table.second.level == 0;
                       }) <= kMostAtLevel0;
}

// Pointers into `version`. kCorruption: two tables of a level overlap.
// REQUIRES: keys are in bytewise order.
inline Result<std::vector<TableRun>> RunsOf(const Version& version) {
  std::vector<TableRun> runs;
  std::map<int, TableRun> levels;
  for (const auto& [number, table] : version.tables()) {
    LEVELKEEP_RETURN_IF_ERROR(CheckRange(table));
    if (table.level == 0) {
      runs.push_back({&table});
    } else {
      levels[table.level].push_back(&table);
    }
  }
  for (auto& [level, run] : levels) {
    std::sort(run.begin(), run.end(),
              [](const TableMeta* a, const TableMeta* b) {
                return IsBefore(a->smallest, b->smallest);
              });
    for (size_t i = 1; i < run.size(); ++i) {
      if (IsBefore(run[i - 1]->largest, run[i]->smallest)) continue;
      return Status(StatusCode::kCorruption,
                    "tables " + TableFileName(run[i - 1]->number) + " and " +
                        TableFileName(run[i]->number) + " of level " +
                        std::to_string(level) + " overlap");
    }
    runs.push_back(std::move(run));
  }
  return runs;
}

// User keys from `begin` (empty: the first) to before `end` (empty: the last).
struct KeyRange {
  std::string begin;
  std::string end;

  bool IsBehind(std::string_view user_key) const {
    return !end.empty() && user_key >= end;
  }
};

// The entries of a range, merged. A table that reaches into the range is read
// from its first entry on: no index has to be believed, and the range that
// holds a table's last key has checked all of it.
// Thread safety: one thread at a time.
class RangeMerge {
 public:
  // All outlive it.
  RangeMerge(const std::vector<TableRun>& runs, const KeyRange& range,
             const TableOpener& open, uint64_t last_sequence)
      : range_(range), open_(open), last_sequence_(last_sequence) {
    for (const TableRun& run : runs) AddSource(run);
  }

  // How many keys of the range have a value.
  Result<uint64_t> Run() {
    for (Source& source : sources_) Push(&source);
    while (!waiting_.empty()) {
      Source* const source = Pop();
      LEVELKEEP_RETURN_IF_ERROR(Drain(source));
      if (source->next != source->end) Push(source);
    }
    return entries_;
  }

 private:
  // A run's tables that reach into the range.
  struct Source {
    const TableMeta* const* next = nullptr;
    const TableMeta* const* end = nullptr;
    std::unique_ptr<CheckedTable> table;  // of *next, once it is its turn

    std::string_view key() const {
      return table == nullptr ? std::string_view((*next)->smallest)
                              : table->key();
    }
  };

  void AddSource(const TableRun& run) {
    Source source;
    const TableMeta* const* const all = run.data();
    source.next = std::find_if(all, all + run.size(), [&](const auto* table) {
      return UserKeyOf(table->largest) >= range_.begin;
    });
    source.end =
        std::find_if(source.next, all + run.size(), [&](const auto* table) {
          return range_.IsBehind(UserKeyOf(table->smallest));
        });
    if (source.next != source.end) sources_.push_back(std::move(source));
  }

  // A heap whose front has the smallest key.
  static bool IsLater(const Source* a, const Source* b) {
    return IsBefore(b->key(), a->key());
  }
  void Push(Source* source) {
    waiting_.push_back(source);
    std::push_heap(waiting_.begin(), waiting_.end(), IsLater);
  }
  Source* Pop() {
    std::pop_heap(waiting_.begin(), waiting_.end(), IsLater);
    Source* const source = waiting_.back();
    waiting_.pop_back();
    return source;
  }

  // Takes entries for as long as no other source has a smaller one.
  Status Drain(Source* source) {
    while (source->next != source->end) {
      if (!waiting_.empty() && IsLater(source, waiting_.front())) break;
      if (source->table == nullptr) {
        LEVELKEEP_RETURN_IF_ERROR(OpenNext(source));
        continue;
      }
      if (range_.IsBehind(UserKeyOf(source->key()))) return Leave(source);
      Count(source->key());
      LEVELKEEP_RETURN_IF_ERROR(source->table->Next());
      if (!source->table->at_end()) continue;
      source->table.reset();
      ++source->next;
    }
    return Status::Ok();
  }

  Status OpenNext(Source* source) {
    const TableMeta& meta = **source->next;
    LEVELKEEP_ASSIGN_OR_RETURN(OpenedTable opened, open_(meta));
    source->table = std::make_unique<CheckedTable>(
        meta, last_sequence_, leveldb::BytewiseComparator());
    return source->table->Open(std::move(opened.name), std::move(opened.file));
  }

  // The rest belongs to the ranges behind, unless the table should have ended.
  Status Leave(Source* source) {
    const bool reaches_on =
        range_.IsBehind(UserKeyOf((*source->next)->largest));
    const Status verdict =
        reaches_on ? Status::Ok() : source->table->EndsWrongly();
    source->table.reset();
    source->next = source->end;
    return verdict;
  }

  // The newest write of a key, which comes first, decides.
  void Count(std::string_view key) {
    const std::string_view user_key = UserKeyOf(key);
    if (any_ && user_key == user_key_) return;
    any_ = true;
    user_key_.assign(user_key);
    if (user_key >= range_.begin && IsValue(key)) ++entries_;
  }

  const KeyRange& range_;
  const TableOpener& open_;
  const uint64_t last_sequence_;
  std::deque<Source> sources_;
  std::vector<Source*> waiting_;
  bool any_ = false;  // is user_key_ one?
  std::string user_key_;
  uint64_t entries_ = 0;
};

// All ranges between `cuts` (user keys in order) at the same time. Returns the
// number of keys that have a value; kCorruption or kIoError of the first range
// that failed. REQUIRES: CanBeMerged, and keys are in bytewise order.
inline Result<uint64_t> ScanMerged(const Version& version,
                                   const TableOpener& open,
                                   uint64_t last_sequence,
                                   const std::vector<std::string>& cuts) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto runs, RunsOf(version));
  std::vector<KeyRange> ranges(1);
  for (const std::string& cut : cuts) {
    ranges.back().end = cut;
    ranges.push_back({cut, ""});
  }
  std::vector<std::future<Result<uint64_t>>> merges;
  merges.reserve(ranges.size());
  for (const KeyRange& range : ranges) {
    merges.push_back(std::async(kThreadIfAny, [&] {
      return RangeMerge(runs, range, open, last_sequence).Run();
    }));
  }
  Result<uint64_t> sum = uint64_t{0};
  for (auto& merge : merges) {
    // An exception of the thread (no memory) comes out here.
    const Result<uint64_t> entries = merge.get();
    if (!sum.ok()) continue;
    sum = entries.ok() ? Result<uint64_t>(*sum + *entries) : entries;
  }
  return sum;
}

}  // namespace levelkeep::check

#endif  // LEVELKEEP_CHECK_MERGED_SCAN_H_
