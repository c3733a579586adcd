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
  // Appends the table as an encoded edit names an added table.
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

// The state that results from a sequence of edits. Value type.
class Version {
 public:
  // kCorruption if the edit contradicts the state: it adds a known table with
  // other properties, removes a table that does not exist, or uses a number not
  // below next_file_number. The state then stays unchanged. As in LevelDB, an
  // edit may add a known table again with equal properties: goleveldb does so
  // in the first edit of a MANIFEST.
  Status Apply(VersionEdit edit);
  // Corrects a size that the MANIFEST states wrongly.
  // REQUIRES: the version has the table.
  void SetTableSize(uint64_t number, uint64_t size_bytes);
  // kCorruption unless comparator, log number, next file number and last
  // sequence have all appeared. LevelDB opens no database without them.
  Status CheckComplete() const;

  // Empty or 0 if no edit has stated it.
  std::string comparator() const { return comparator_.value_or(""); }
  uint64_t log_number() const { return log_number_.value_or(0); }
  uint64_t previous_log_number() const { return previous_log_number_; }
  uint64_t next_file_number() const { return next_file_number_.value_or(0); }
  uint64_t last_sequence() const { return last_sequence_.value_or(0); }
  // By number. A table is on one level only.
  const std::map<uint64_t, TableMeta>& tables() const { return tables_; }

  // One encoded edit with the whole state, for a MANIFEST of one record.
  std::string EncodeAsEdit() const;

 private:
  Status Check(const VersionEdit& edit) const;

  std::optional<std::string> comparator_;
  std::optional<uint64_t> log_number_;
  uint64_t previous_log_number_ = 0;
  std::optional<uint64_t> next_file_number_;
  std::optional<uint64_t> last_sequence_;
  std::map<int, std::string> compact_pointers_;
  std::map<uint64_t, TableMeta> tables_;
};

// Reads the first `size_bytes` of a MANIFEST. Every record must be valid; a
// torn tail is ignored (a crash leaves it, or it is the MANIFEST of a live
// database, read in the middle of an append). kCorruption otherwise, or if
// comparator, log number, next file number or last sequence never appear.
struct ManifestContent {
  Version version;
  uint64_t boundary = 0;  // end of the last complete record
};
Result<ManifestContent> ReadManifest(const ByteSource& source,
                                     uint64_t size_bytes);

// The checked content of CURRENT: "MANIFEST-000005\n" -> "MANIFEST-000005".
Result<std::string> ParseCurrent(std::string_view contents);

}  // namespace levelkeep

#endif  // LEVELKEEP_DBFILES_VERSION_H_
