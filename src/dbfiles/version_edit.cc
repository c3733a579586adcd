// VersionEdit: one record of the MANIFEST.

#include <algorithm>

#include "dbfiles/coding.h"
#include "dbfiles/version.h"

namespace levelkeep {
namespace {

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
