// Checks of what LevelDB assumes about a table: that its keys are in order,
// within the range that the MANIFEST states, and no newer than the newest
// write. If an assumption is false, Get and a scan find different entries, and
// future writes can be hidden by older ones.

#ifndef LEVELKEEP_CHECK_TABLE_CHECKS_H_
#define LEVELKEEP_CHECK_TABLE_CHECKS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/posix_error.h"
#include "base/status_macros.h"
#include "dbfiles/coding.h"
#include "dbfiles/database_files.h"
#include "dbfiles/version.h"
#include "leveldb/comparator.h"
#include "leveldb/env.h"
#include "leveldb/iterator.h"
#include "leveldb/options.h"
#include "leveldb/table.h"
#include "levelkeep/status.h"

namespace levelkeep::check {

// An internal key in a LevelDB table: a user key, then 8 bytes with the
// sequence number of the write and its type. Source: LevelDB's db/dbformat.h.
// REQUIRES: at least kTrailerBytes long.
inline constexpr size_t kTrailerBytes = 8;
inline std::string_view UserKeyOf(std::string_view internal_key) {
  return internal_key.substr(0, internal_key.size() - kTrailerBytes);
}
inline uint64_t TrailerOf(std::string_view internal_key) {
  return DecodeFixed<uint64_t>(internal_key.data() + internal_key.size() -
                               kTrailerBytes);
}
inline bool IsValue(std::string_view internal_key) {
  return (TrailerOf(internal_key) & 0xff) == 1;  // 0 deletes
}
// Orders by user key, and the writes of one key from the newest to the oldest.
inline bool IsBefore(std::string_view a, std::string_view b) {
  const int order = UserKeyOf(a).compare(UserKeyOf(b));
  return order < 0 || (order == 0 && TrailerOf(a) > TrailerOf(b));
}

// A full or broken scratch directory is not the database's fault. Neither is a
// compression that this LevelDB was built without: the block's checksum, which
// covers its type, was right.
inline Status FailureOf(const std::string& what,
                        const leveldb::Status& failure) {
  const std::string text = failure.ToString();
  const std::string message = what + ": " + text;
  if (text.find("bad block type") != std::string::npos) {
    return Status(StatusCode::kUnsupported,
                  message + " (compressed in a way that this LevelDB lacks)",
                  "check it with a program whose LevelDB can read it");
  }
  if (!failure.IsIOError()) return Status(StatusCode::kCorruption, message);
  if (TellsOfNoSpace(text)) {
    return Status(StatusCode::kNoSpace, message,
                  "free some space on the disk of the storage directory");
  }
  return Status(StatusCode::kIoError, message);
}

// Checks that each range of the MANIFEST begins before it ends, and that the
// ranges of a level, except level 0, do not overlap. REQUIRES: keys are in
// bytewise order.
inline Status CheckRanges(const Version& version) {
  std::map<int, std::vector<const TableMeta*>> levels;
  for (const auto& [number, table] : version.tables()) {
    const std::string name = "table " + TableFileName(number);
    if (table.smallest.size() < kTrailerBytes ||
        table.largest.size() < kTrailerBytes) {
      return Status(StatusCode::kCorruption,
                    name + " has a malformed key range");
    }
    if (IsBefore(table.largest, table.smallest)) {
      return Status(StatusCode::kCorruption,
                    name + " ends before it begins, according to the MANIFEST");
    }
    if (table.level > 0) levels[table.level].push_back(&table);
  }
  for (auto& [level, tables] : levels) {
    std::sort(tables.begin(), tables.end(), [](const auto* a, const auto* b) {
      return IsBefore(a->smallest, b->smallest);
    });
    for (size_t i = 1; i < tables.size(); ++i) {
      if (IsBefore(tables[i - 1]->largest, tables[i]->smallest)) continue;
      return Status(StatusCode::kCorruption,
                    "tables " + TableFileName(tables[i - 1]->number) + " and " +
                        TableFileName(tables[i]->number) + " of level " +
                        std::to_string(level) + " overlap");
    }
  }
  return Status::Ok();
}

// User keys from `begin` (empty: the first key) to before `end` (empty: up to
// the last key).
struct KeySpan {
  std::string begin;
  std::string end;
};

// The spans of keys in which the ranges of several tables overlap, in order.
// `alone` gets the numbers of all other tables: a reader finds each of their
// keys in that table only. REQUIRES: CheckRanges found no fault.
inline std::vector<KeySpan> SharedSpans(const Version& version,
                                        std::set<uint64_t>* alone) {
  std::vector<const TableMeta*> tables;
  for (const auto& [number, table] : version.tables()) tables.push_back(&table);
  std::sort(tables.begin(), tables.end(), [](const auto* a, const auto* b) {
    return UserKeyOf(a->smallest) < UserKeyOf(b->smallest);
  });
  std::vector<KeySpan> spans;
  for (size_t i = 0; i < tables.size();) {
    const std::string_view begin = UserKeyOf(tables[i]->smallest);
    std::string_view largest = UserKeyOf(tables[i]->largest);
    size_t next = i + 1;
    while (next < tables.size() &&
           UserKeyOf(tables[next]->smallest) <= largest) {
      largest = std::max(largest, UserKeyOf(tables[next]->largest));
      ++next;
    }
    if (next == i + 1) {
      alone->insert(tables[i]->number);
    } else {
      spans.push_back({std::string(begin), ""});
      if (next < tables.size()) {
        spans.back().end = UserKeyOf(tables[next]->smallest);
      }
    }
    i = next;
  }
  return spans;
}

struct TableCounts {
  uint64_t values = 0;   // entries that store a value
  uint64_t entries = 0;  // keys whose newest entry stores a value
};

// Checks one table of a version, from its first entry to its last.
// Thread safety: one thread at a time.
class CheckedTable {
 public:
  // `meta` and `order` outlive this object. `order` compares user keys; null:
  // the comparator is not known.
  CheckedTable(const TableMeta& meta, uint64_t last_sequence,
               const leveldb::Comparator* order)
      : meta_(meta), last_sequence_(last_sequence), order_(order) {}

  // `name` is for messages. The message of kCorruption says what is wrong with
  // the table.
  Result<TableCounts> Run(std::string name,
                          std::unique_ptr<leveldb::RandomAccessFile> file) {
    name_ = std::move(name);
    leveldb::Options options;
    options.paranoid_checks = true;
    leveldb::Table* raw = nullptr;
    const leveldb::Status opened =
        leveldb::Table::Open(options, file.get(), meta_.size_bytes, &raw);
    const std::unique_ptr<leveldb::Table> table(raw);
    if (!opened.ok()) return Unreadable(opened);
    leveldb::ReadOptions read;
    read.verify_checksums = true;
    read.fill_cache = false;
    const std::unique_ptr<leveldb::Iterator> entry(table->NewIterator(read));
    for (entry->SeekToFirst(); entry->Valid(); entry->Next()) {
      LEVELKEEP_RETURN_IF_ERROR(Take(*entry));
    }
    if (!entry->status().ok()) return Unreadable(entry->status());
    if (key_.empty()) return Bad("holds no entries");
    if (key_ == meta_.largest) return counts_;
    return Bad("ends with another key than its MANIFEST says");
  }

 private:
  Status Bad(const std::string& what) const {
    return Status(StatusCode::kCorruption, "table " + name_ + " " + what);
  }
  Status Unreadable(const leveldb::Status& failure) const {
    return FailureOf("LevelDB can't read table " + name_, failure);
  }

  // Checks and counts the entry at which the iterator stands.
  Status Take(const leveldb::Iterator& entry) {
    const std::string_view key(entry.key().data(), entry.key().size());
    constexpr uint64_t kNewestType = 1;
    if (key.size() < kTrailerBytes) return Bad("holds a malformed key");
    const uint64_t trailer = TrailerOf(key);
    if ((trailer & 0xff) > kNewestType) {
      return Bad("holds a key of an unknown kind");
    }
    if (trailer >> 8 > last_sequence_) {
      return Bad("holds a write (" + std::to_string(trailer >> 8) +
                 ") that is newer than the newest one, " +
                 std::to_string(last_sequence_));
    }
    if (key_.empty()) {
      if (key != meta_.smallest) {
        // The iterator skips blocks that it can't read.
        if (!entry.status().ok()) return Unreadable(entry.status());
        return Bad("begins with another key than its MANIFEST says");
      }
    } else if (!Follows(key)) {
      return Bad("holds keys that are not in order");
    }
    Count(key);
    key_.assign(key);
    return Status::Ok();
  }

  void Count(std::string_view key) {
    if (!IsValue(key)) return;
    ++counts_.values;
    const bool newest = key_.empty() || UserKeyOf(key_) != UserKeyOf(key);
    if (newest) ++counts_.entries;
  }

  // Without the comparator, only the writes of one key have a known order.
  bool Follows(std::string_view key) const {
    const std::string_view before = UserKeyOf(key_);
    const std::string_view now = UserKeyOf(key);
    const bool newer_first = TrailerOf(key_) > TrailerOf(key);
    if (order_ == nullptr) return before != now || newer_first;
    const int order = order_->Compare({before.data(), before.size()},
                                      {now.data(), now.size()});
    return order < 0 || (order == 0 && newer_first);
  }

  const TableMeta& meta_;
  const uint64_t last_sequence_;
  const leveldb::Comparator* const order_;
  std::string name_;
  std::string key_;  // the previous key
  TableCounts counts_;
};

}  // namespace levelkeep::check

#endif  // LEVELKEEP_CHECK_TABLE_CHECKS_H_
