// The MANIFEST: LevelDB's list of live tables, as a log of edits.
// Source of the encoding: LevelDB's db/version_edit.cc.

#ifndef LEVELKEEP_DBFILES_VERSION_H_
#define LEVELKEEP_DBFILES_VERSION_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

struct TableMeta {
  int level = 0;
  uint64_t number = 0;
  uint64_t size_bytes = 0;
  std::string smallest;  // internal keys, as encoded
  std::string largest;

  bool operator==(const TableMeta&) const = default;
  // As an encoded edit names a table that it adds.
  void AppendTo(std::string* edit) const;
};

struct VersionEdit {
  std::optional<std::string> comparator;
  std::optional<uint64_t> log_number;
  std::optional<uint64_t> previous_log_number;
  std::optional<uint64_t> next_file_number;
  std::optional<uint64_t> last_sequence;
  std::vector<std::pair<int, std::string>> compact_pointers;
  std::vector<std::pair<int, uint64_t>> removed_tables;  // level, number
  std::vector<TableMeta> added_tables;

  static Result<VersionEdit> Decode(std::string_view record);
  std::string Encode() const;
};

// The state that a sequence of edits adds up to. Value type.
class Version {
 public:
  // kCorruption if the edit contradicts the state (a table added as another
  // one than it is, one removed that is not there, a number not below
  // next_file_number); the state is then as before. A table that is named
  // again as it is changes nothing, as for LevelDB: goleveldb does so in the
  // first edit of a MANIFEST.
  Status Apply(VersionEdit edit);
  // For a MANIFEST that states another size than the file has.
  // REQUIRES: the table is there.
  void SetTableSize(uint64_t number, uint64_t size_bytes);
  // Have comparator, log number, next file number and last sequence all
  // appeared? LevelDB opens no database without them.
  Status CheckComplete() const;

  const std::string& comparator() const { return comparator_; }
  uint64_t log_number() const { return log_number_; }
  uint64_t previous_log_number() const { return previous_log_number_; }
  uint64_t next_file_number() const { return next_file_number_; }
  uint64_t last_sequence() const { return last_sequence_; }
  // By number. A table lives on one level only.
  const std::map<uint64_t, TableMeta>& tables() const { return tables_; }

  // One edit that makes the whole state: a MANIFEST of one record.
  VersionEdit AsEdit() const;
  // AsEdit().Encode(), without a copy of all tables.
  std::string EncodeAsEdit() const;

 private:
  Status Check(const VersionEdit& edit) const;
  VersionEdit EditWithoutTables() const;

  bool has_comparator_ = false;
  bool has_log_number_ = false;
  bool has_next_file_number_ = false;
  bool has_last_sequence_ = false;
  std::string comparator_;
  uint64_t log_number_ = 0;
  uint64_t previous_log_number_ = 0;
  uint64_t next_file_number_ = 0;
  uint64_t last_sequence_ = 0;
  std::map<int, std::string> compact_pointers_;
  std::map<uint64_t, TableMeta> tables_;
};

// Reads the first `size_bytes` of a MANIFEST. Every record must be whole and
// valid; a torn tail is allowed only with `allow_torn_tail` (a live
// database's MANIFEST caught in the middle of an append).
// kCorruption otherwise, or when comparator, log number, next file number or
// last sequence never appear.
struct ManifestContent {
  Version version;
  uint64_t boundary = 0;  // end of the last complete record
};
Result<ManifestContent> ReadManifest(const ByteSource& source,
                                     uint64_t size_bytes, bool allow_torn_tail);

// What CURRENT says, checked: "MANIFEST-000005\n" -> "MANIFEST-000005".
Result<std::string> ParseCurrent(std::string_view contents);

}  // namespace levelkeep

#endif  // LEVELKEEP_DBFILES_VERSION_H_
