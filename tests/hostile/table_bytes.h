// Files of LevelDB made by hand, with right checksums and any content.
// Source of the formats: LevelDB's doc/table_format.md, doc/log_format.md.

#ifndef LEVELKEEP_TESTS_HOSTILE_TABLE_BYTES_H_
#define LEVELKEEP_TESTS_HOSTILE_TABLE_BYTES_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "dbfiles/version.h"
#include "support/tar_bytes.h"

namespace levelkeep::test {

using KeyValues = std::vector<std::pair<std::string, std::string>>;

inline constexpr unsigned char kTypeDeletion = 0;
inline constexpr unsigned char kTypeValue = 1;

std::string InternalKey(const std::string& user_key, uint64_t sequence,
                        unsigned char type = kTypeValue);

// Changes during the build of a table; each may be empty.
struct TableLies {
  using Edit = std::function<void(std::string* bytes)>;

  Edit block;            // the data block, without its trailer
  char compression = 0;  // the type in its trailer
  Edit index;            // the index block
  Edit footer;
  // The block's place in the index; 0: the true place.
  uint64_t offset = 0;
  uint64_t size = 0;
  bool size_is_set = false;
  size_t repeat = 1;  // entries of the index that name the block
};

// The keys a and b, written as 1 and 2; their values are the same.
KeyValues TwoKeys();

// A table of one data block with these internal keys, in the order given.
std::string TableBytes(const KeyValues& entries, const TableLies& lies = {});

// A write batch as it stands in a log.
std::string BatchBytes(uint64_t sequence, const KeyValues& puts);
// Records that follow each other; less than 32 KiB in all.
std::string LogBytes(const std::vector<std::string>& records);

// A database made of one table, by hand; last sequence 5, log 3 empty.
struct CraftedTable {
  std::string bytes;
  std::string smallest;  // internal keys, as the MANIFEST has them
  std::string largest;
  int level = 0;
};
Files CraftedFiles(const std::vector<CraftedTable>& tables,
                   const std::function<void(VersionEdit*)>& change = nullptr);
inline constexpr uint64_t kCraftedSequence = 5;

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_HOSTILE_TABLE_BYTES_H_
