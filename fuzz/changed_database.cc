#include "changed_database.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "base/hash.h"
#include "dbfiles/coding.h"
#include "dbfiles/database_files.h"
#include "log_builder.h"
#include "sample_database.h"

namespace levelkeep::fuzz {
namespace {

struct Extent {
  uint64_t offset = 0;
  uint64_t size = 0;
};

// The footer of a table: two varint extents, padding, 8 bytes of magic number.
constexpr size_t kFooterSize = 48;
// After each block come its compression and a checksum.
constexpr size_t kBlockTrailer = 5;

std::optional<Extent> GetExtent(std::string_view* input) {
  Extent extent;
  if (!GetVarint64(input, &extent.offset) ||
      !GetVarint64(input, &extent.size)) {
    return std::nullopt;
  }
  return extent;
}

// Repairs checksums. The sample's tables are small: one data block, and the two
// blocks that the footer names.
void RepairTable(std::string* table) {
  if (table->size() < kFooterSize) return;
  std::string_view footer =
      std::string_view(*table).substr(table->size() - kFooterSize);
  const auto meta = GetExtent(&footer);
  const auto index = GetExtent(&footer);
  if (!meta || !index || meta->offset < kBlockTrailer) return;
  for (const Extent& block :
       {Extent{0, meta->offset - kBlockTrailer}, *meta, *index}) {
    if (block.offset > table->size() || block.size > table->size() ||
        block.offset + block.size + kBlockTrailer > table->size()) {
      continue;
    }
    const std::string_view covered =
        std::string_view(*table).substr(block.offset, block.size + 1);
    std::string crc;
    PutFixed<uint32_t>(&crc, MaskCrc32c(Crc32c(0, covered)));
    table->replace(block.offset + block.size + 1, crc.size(), crc);
  }
}

// Repairs the checksums of fragments; the sample's records have one each.
void RepairLog(std::string* log) {
  for (size_t at = 0; at + kLogHeaderSize <= log->size();) {
    const size_t length =
        static_cast<uint8_t>((*log)[at + 4]) |
        static_cast<size_t>(static_cast<uint8_t>((*log)[at + 5])) << 8;
    if (at + kLogHeaderSize + length > log->size()) return;
    std::string crc;
    PutFixed<uint32_t>(&crc, MaskCrc32c(Crc32c(0, std::string_view(*log).substr(
                                                      at + 6, length + 1))));
    log->replace(at, crc.size(), crc);
    at += kLogHeaderSize + length;
  }
}

std::string Records(FuzzedBytes* input) {
  LogBuilder builder;
  std::string_view rest = input->Piece();
  while (!rest.empty()) {
    const size_t size =
        std::min<size_t>(static_cast<uint8_t>(rest.front()), rest.size() - 1);
    builder.AddRecord(rest.substr(1, size));
    rest.remove_prefix(1 + size);
  }
  return builder.log();
}

// The kind of a change; its file and a place in the file follow.
enum Action : uint8_t {
  kFlip,
  kFlipUnnoticed,
  kCut,
  kInsert,
  kRemove,
  kReplace,
  kReplaceByRecords,
  kCopy,
  kActions
};

void Change(FuzzedBytes* input, Files* files) {
  const uint8_t what = input->Byte();
  auto file = files->begin();
  if (!files->empty()) std::advance(file, input->Byte() % files->size());
  if (file == files->end()) return;
  std::string& content = file->second;
  const size_t at = (static_cast<size_t>(input->Byte()) << 8 | input->Byte()) %
                    (content.size() + 1);
  const DbFileKind kind = ParseDbFileName(file->first).kind;
  switch (what % kActions) {
    case kFlip:
      if (at < content.size()) content[at] = static_cast<char>(input->Byte());
      break;
    case kFlipUnnoticed:
      if (at < content.size()) content[at] = static_cast<char>(input->Byte());
      kind == DbFileKind::kTable ? RepairTable(&content) : RepairLog(&content);
      break;
    case kCut:
      content.resize(at);
      break;
    case kInsert:
      content.insert(at, input->Piece());
      break;
    case kRemove:
      files->erase(file);
      break;
    case kReplace:
      content = input->Piece();
      break;
    case kReplaceByRecords:
      content = Records(input);
      break;
    default: {
      const std::string copy = content;
      (*files)[std::string(input->Piece())] = copy;
    }
  }
}

std::string ChangeAt(Action action, size_t file, std::string_view piece) {
  const std::string place(2, '\0');
  return std::string({static_cast<char>(action), static_cast<char>(file)}) +
         place + std::string(piece) +
         std::string(action == kRemove ? "" : FuzzedBytes::kCut);
}

size_t IndexOf(const Files& files, const std::string& name) {
  return static_cast<size_t>(std::distance(files.begin(), files.find(name)));
}

}  // namespace

Files ChangedDatabase(FuzzedBytes* input) {
  Files files = SampleDatabase();
  while (!input->empty()) Change(input, &files);
  // Removes files that neither a file system nor an archive of ours can hold.
  std::erase_if(files, [](const auto& file) {
    return !IsBackedUp(ParseDbFileName(file.first).kind) ||
           file.first.size() > 200;
  });
  return files;
}

std::optional<std::string> ChangesTo(const Files& wanted) {
  Files files = SampleDatabase();
  std::string changes;
  for (const auto& [name, content] : wanted) {
    if (files.contains(name)) continue;
    changes += ChangeAt(kCopy, 0, name);
    files[name] = files.begin()->second;
  }
  for (const auto& [name, content] : SampleDatabase()) {
    if (wanted.contains(name)) continue;
    changes += ChangeAt(kRemove, IndexOf(files, name), "");
    files.erase(name);
  }
  for (const auto& [name, content] : wanted) {
    if (files[name] == content) continue;
    changes += ChangeAt(kReplace, IndexOf(files, name), content);
  }
  // Not possible with a kCut in a name or a content, or with too many files.
  FuzzedBytes input(reinterpret_cast<const uint8_t*>(changes.data()),
                    changes.size());
  if (ChangedDatabase(&input) != wanted) return std::nullopt;
  return changes;
}

}  // namespace levelkeep::fuzz
