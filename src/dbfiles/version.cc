#include "dbfiles/version.h"

#include <algorithm>
#include <set>

#include "base/status_macros.h"
#include "base/text.h"
#include "dbfiles/coding.h"
#include "dbfiles/database_files.h"

namespace levelkeep {

namespace {

Status Contradiction(uint64_t number, const char* problem) {
  return Status(StatusCode::kCorruption,
                "version edit contradicts itself: " + TableFileName(number) +
                    " " + problem);
}

Status Missing(const char* field) {
  return Status(StatusCode::kCorruption,
                std::string("manifest never states its ") + field);
}

constexpr uint32_t kLevels = 7;
// An internal key ends with eight bytes: sequence number and type.
constexpr size_t kMinimumKeySize = 8;
// Limit for one list of one edit, against exhausting the memory with entries of
// a few bytes. A MANIFEST's first edit names all tables; no backup has as many.
constexpr size_t kMostInEdit = 200'000;

enum Tag : uint32_t {
  kComparator = 1,
  kLogNumber = 2,
  kNextFileNumber = 3,
  kLastSequence = 4,
  kCompactPointer = 5,
  kRemovedTable = 6,
  kAddedTable = 7,
  kPreviousLogNumber = 9,
};

bool GetLevel(std::string_view* input, int* level) {
  uint32_t value = 0;
  if (!GetVarint32(input, &value) || value >= kLevels) return false;
  *level = static_cast<int>(value);
  return true;
}

bool GetKey(std::string_view* input, std::string* key) {
  std::string_view bytes;
  if (!GetLengthPrefixed(input, &bytes)) return false;
  if (bytes.size() < kMinimumKeySize) return false;
  key->assign(bytes);
  return true;
}

bool GetNumber(std::string_view* input, std::optional<uint64_t>* number) {
  uint64_t value = 0;
  if (!GetVarint64(input, &value)) return false;
  *number = value;
  return true;
}

bool GetTable(std::string_view* input, TableMeta* table) {
  return GetLevel(input, &table->level) && GetVarint64(input, &table->number) &&
         GetVarint64(input, &table->size_bytes) &&
         GetKey(input, &table->smallest) && GetKey(input, &table->largest);
}

// Decodes the value of `tag`. Null on success, else the name of the bad field.
const char* GetField(uint32_t tag, std::string_view* input, VersionEdit* edit) {
  std::string_view bytes;
  int level = 0;
  switch (tag) {
    case kComparator:
      if (!GetLengthPrefixed(input, &bytes)) return "comparator name";
      edit->comparator = std::string(bytes);
      return nullptr;
    case kLogNumber:
      return GetNumber(input, &edit->log_number) ? nullptr : "log number";
    case kPreviousLogNumber:
      return GetNumber(input, &edit->previous_log_number)
                 ? nullptr
                 : "previous log number";
    case kNextFileNumber:
      return GetNumber(input, &edit->next_file_number) ? nullptr
                                                       : "next file number";
    case kLastSequence:
      return GetNumber(input, &edit->last_sequence) ? nullptr
                                                    : "last write number";
    case kCompactPointer: {
      std::string key;
      if (!GetLevel(input, &level) || !GetKey(input, &key)) {
        return "compaction pointer";
      }
      edit->compact_pointers.emplace_back(level, std::move(key));
      return nullptr;
    }
    case kRemovedTable: {
      uint64_t number = 0;
      if (!GetLevel(input, &level) || !GetVarint64(input, &number)) {
        return "removed table";
      }
      edit->removed_tables.emplace_back(level, number);
      return nullptr;
    }
    case kAddedTable: {
      TableMeta table;
      if (!GetTable(input, &table)) return "added table";
      edit->added_tables.push_back(std::move(table));
      return nullptr;
    }
    default:
      return "tag";
  }
}

void PutNumber(std::string* out, Tag tag,
               const std::optional<uint64_t>& number) {
  if (!number.has_value()) return;
  PutVarint64(out, tag);
  PutVarint64(out, *number);
}

}  // namespace

// LevelDB applies an edit's removals before its additions: both lists hold a
// table that only changes its level.
Status Version::Check(const VersionEdit& edit) const {
  if (edit.comparator && comparator_ && *edit.comparator != *comparator_) {
    return Status(StatusCode::kCorruption,
                  "version edit changes the comparator from " +
                      Printable(*comparator_) + " to " +
                      Printable(*edit.comparator));
  }
  std::set<uint64_t> removed;
  for (const auto& [level, number] : edit.removed_tables) {
    const auto found = tables_.find(number);
    if (found == tables_.end() || found->second.level != level) {
      return Contradiction(number, "is removed from a level that lacks it");
    }
    if (!removed.insert(number).second) {
      return Contradiction(number, "is removed twice");
    }
  }
  uint64_t highest = tables_.empty() ? 0 : tables_.rbegin()->first;
  std::map<uint64_t, const TableMeta*> added;
  for (const TableMeta& table : edit.added_tables) {
    const auto live = tables_.find(table.number);
    const bool stays = live != tables_.end() && !removed.contains(live->first);
    const TableMeta* const known =
        added.emplace(table.number, stays ? &live->second : &table)
            .first->second;
    if (*known != table) {
      return Contradiction(table.number,
                           "is added twice with different content");
    }
    highest = std::max(highest, table.number);
  }
  // In a MANIFEST, LevelDB's first record names tables, the second record the
  // next file number.
  const std::optional<uint64_t> next =
      edit.next_file_number ? edit.next_file_number : next_file_number_;
  const bool any = !tables_.empty() || !edit.added_tables.empty();
  if (next && any && highest >= *next) {
    return Contradiction(highest, "is not below the next file number");
  }
  return Status::Ok();
}

Status Version::Apply(VersionEdit edit) {
  LEVELKEEP_RETURN_IF_ERROR(Check(edit));
  if (edit.comparator) comparator_ = edit.comparator;
  if (edit.log_number) log_number_ = edit.log_number;
  if (edit.previous_log_number)
    previous_log_number_ = *edit.previous_log_number;
  if (edit.next_file_number) next_file_number_ = edit.next_file_number;
  if (edit.last_sequence) last_sequence_ = edit.last_sequence;
  for (const auto& [level, key] : edit.compact_pointers) {
    compact_pointers_[level] = key;
  }
  for (const auto& [level, number] : edit.removed_tables) {
    tables_.erase(number);
  }
  for (TableMeta& table : edit.added_tables) {
    const uint64_t number = table.number;
    tables_[number] = std::move(table);
  }
  return Status::Ok();
}

void Version::SetTableSize(uint64_t number, uint64_t size_bytes) {
  tables_.at(number).size_bytes = size_bytes;
}

Status Version::CheckComplete() const {
  if (!comparator_) return Missing("comparator");
  if (!log_number_) return Missing("log number");
  if (!next_file_number_) return Missing("next file number");
  if (!last_sequence_) return Missing("last write number");
  return Status::Ok();
}

std::string Version::EncodeAsEdit() const {
  VersionEdit edit;
  edit.comparator = comparator_;
  edit.log_number = log_number_;
  edit.previous_log_number = previous_log_number_;
  edit.next_file_number = next_file_number_;
  edit.last_sequence = last_sequence_;
  edit.compact_pointers.assign(compact_pointers_.begin(),
                               compact_pointers_.end());
  std::string encoded = edit.Encode();
  // Without a copy of all tables in the edit.
  for (const auto& [number, table] : tables_) table.AppendTo(&encoded);
  return encoded;
}

Result<ManifestContent> ReadManifest(const ByteSource& source,
                                     uint64_t size_bytes) {
  ManifestContent content;
  const auto apply = [&content](std::string_view record) -> Status {
    LEVELKEEP_ASSIGN_OR_RETURN(VersionEdit edit, VersionEdit::Decode(record));
    return content.version.Apply(std::move(edit));
  };
  LEVELKEEP_ASSIGN_OR_RETURN(const LogScan scan,
                             ScanLog(source, size_bytes, false, apply));
  if (scan.corrupt) {
    return Status(StatusCode::kCorruption, "manifest is damaged after " +
                                               std::to_string(scan.boundary) +
                                               " bytes");
  }
  LEVELKEEP_RETURN_IF_ERROR(content.version.CheckComplete());
  content.boundary = scan.boundary;
  return content;
}

Result<std::string> ParseCurrent(std::string_view contents) {
  const Status bad(
      StatusCode::kCorruption,
      "CURRENT does not name a manifest: \"" + Printable(contents) + "\"");
  if (!contents.ends_with('\n')) return bad;
  contents.remove_suffix(1);
  if (ParseDbFileName(contents).kind != DbFileKind::kManifest) return bad;
  return std::string(contents);
}

Result<VersionEdit> VersionEdit::Decode(std::string_view record) {
  VersionEdit edit;
  while (!record.empty()) {
    uint32_t tag = 0;
    const char* problem =
        GetVarint32(&record, &tag) ? GetField(tag, &record, &edit) : "tag";
    if (std::max({edit.added_tables.size(), edit.removed_tables.size(),
                  edit.compact_pointers.size()}) > kMostInEdit) {
      return Status(StatusCode::kCorruption, "version edit names more than " +
                                                 std::to_string(kMostInEdit) +
                                                 " tables or keys");
    }
    if (problem != nullptr) {
      return Status(StatusCode::kCorruption,
                    std::string("version edit has a bad ") + problem);
    }
  }
  return edit;
}

std::string VersionEdit::Encode() const {
  std::string out;
  if (comparator.has_value()) {
    PutVarint64(&out, kComparator);
    PutLengthPrefixed(&out, *comparator);
  }
  PutNumber(&out, kLogNumber, log_number);
  PutNumber(&out, kPreviousLogNumber, previous_log_number);
  PutNumber(&out, kNextFileNumber, next_file_number);
  PutNumber(&out, kLastSequence, last_sequence);
  for (const auto& [level, key] : compact_pointers) {
    PutVarint64(&out, kCompactPointer);
    PutVarint64(&out, static_cast<uint64_t>(level));
    PutLengthPrefixed(&out, key);
  }
  for (const auto& [level, number] : removed_tables) {
    PutVarint64(&out, kRemovedTable);
    PutVarint64(&out, static_cast<uint64_t>(level));
    PutVarint64(&out, number);
  }
  for (const TableMeta& table : added_tables) table.AppendTo(&out);
  return out;
}

void TableMeta::AppendTo(std::string* edit) const {
  PutVarint64(edit, kAddedTable);
  PutVarint64(edit, static_cast<uint64_t>(level));
  PutVarint64(edit, number);
  PutVarint64(edit, size_bytes);
  PutLengthPrefixed(edit, smallest);
  PutLengthPrefixed(edit, largest);
}

}  // namespace levelkeep
