#include "hostile/table_bytes.h"

#include <string_view>

#include "base/hash.h"
#include "dbfiles/coding.h"
#include "dbfiles/database_files.h"
#include "dbfiles/log_format.h"

namespace levelkeep::test {
namespace {

constexpr uint64_t kTableMagic = 0xdb4775248b80fb57;
constexpr size_t kFooterHandles = 40;  // two handles and zeros

std::string LittleEndian(uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) {
    out += static_cast<char>(value >> (8 * i) & 0xff);
  }
  return out;
}

// Keys are written whole: one restart point, nothing shared.
std::string Block(const KeyValues& entries) {
  std::string block;
  for (const auto& [key, value] : entries) {
    PutVarint64(&block, 0);
    PutVarint64(&block, key.size());
    PutVarint64(&block, value.size());
    block += key + value;
  }
  return block + LittleEndian(0, 4) + LittleEndian(1, 4);
}

std::string Handle(uint64_t offset, uint64_t size) {
  std::string handle;
  PutVarint64(&handle, offset);
  PutVarint64(&handle, size);
  return handle;
}

// Appends the block with its trailer; returns its handle.
std::string AppendBlock(const std::string& block, char compression,
                        std::string* table) {
  const std::string handle = Handle(table->size(), block.size());
  const std::string covered = block + compression;
  *table += covered + LittleEndian(MaskCrc32c(Crc32c(0, covered)), 4);
  return handle;
}

}  // namespace

std::string InternalKey(const std::string& user_key, uint64_t sequence,
                        unsigned char type) {
  return user_key + LittleEndian(sequence << 8 | type, 8);
}

KeyValues TwoKeys() {
  return {{InternalKey("a", 1), "1"}, {InternalKey("b", 2), "2"}};
}

std::string TableBytes(const KeyValues& entries, const TableLies& lies) {
  std::string table;
  std::string block = Block(entries);
  if (lies.block) lies.block(&block);
  std::string handle = AppendBlock(block, lies.compression, &table);
  if (lies.offset != 0 || lies.size_is_set) {
    handle = Handle(lies.offset, lies.size_is_set ? lies.size : block.size());
  }
  const std::string meta = AppendBlock(Block({}), 0, &table);
  const std::string last = entries.empty() ? "" : entries.back().first;
  std::string index = Block(KeyValues(lies.repeat, {last, handle}));
  if (lies.index) lies.index(&index);
  std::string footer = meta + AppendBlock(index, 0, &table);
  footer.resize(kFooterHandles, '\0');
  footer += LittleEndian(kTableMagic, 8);
  if (lies.footer) lies.footer(&footer);
  return table + footer;
}

std::string BatchBytes(uint64_t sequence, const KeyValues& puts) {
  std::string batch = LittleEndian(sequence, 8) + LittleEndian(puts.size(), 4);
  for (const auto& [key, value] : puts) {
    batch += static_cast<char>(kTypeValue);
    PutLengthPrefixed(&batch, key);
    PutLengthPrefixed(&batch, value);
  }
  return batch;
}

std::string LogBytes(const std::vector<std::string>& records) {
  std::string log;
  for (const std::string& record : records) log += FrameAsLog(record);
  return log;
}

Files CraftedFiles(const std::vector<CraftedTable>& tables,
                   const std::function<void(VersionEdit*)>& change) {
  Files files;
  VersionEdit edit;
  edit.comparator = "leveldb.BytewiseComparator";
  edit.log_number = 3;
  edit.next_file_number = 100;
  edit.last_sequence = kCraftedSequence;
  uint64_t number = 5;
  for (const CraftedTable& table : tables) {
    TableMeta meta;
    meta.level = table.level;
    meta.number = number++;
    meta.size_bytes = table.bytes.size();
    meta.smallest = table.smallest;
    meta.largest = table.largest;
    edit.added_tables.push_back(meta);
    files[TableFileName(meta.number)] = table.bytes;
  }
  if (change) change(&edit);
  files["MANIFEST-000002"] = FrameAsLog(edit.Encode());
  files["CURRENT"] = "MANIFEST-000002\n";
  files["000003.log"] = "";
  return files;
}

}  // namespace levelkeep::test
