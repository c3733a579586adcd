
#include "archive/readers.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "dbfiles/database_files.h"
#include "dbfiles/version.h"

namespace levelkeep {
namespace {

constexpr uint64_t kMaxContentBytes = 64u << 20;

Status Corrupt(const std::string& problem) {
  return Status(
      StatusCode::kCorruption, problem,
      "this is not a complete LevelDB database: pack the whole folder "
      "while no process has it open");
}

Status CheckTables(const Version& version,
                   const std::map<std::string, uint64_t>& sizes) {
  for (const auto& [number, table] : version.tables()) {
    auto found = sizes.find(TableFileName(number));
    if (found == sizes.end()) found = sizes.find(OldTableFileName(number));
    if (found == sizes.end()) {
      return Corrupt("table " + TableFileName(number) + " is missing");
    }
    if (found->second != table.size_bytes) {
      return Corrupt("table " + found->first + " has " +
                     std::to_string(found->second) + " bytes instead of " +
                     std::to_string(table.size_bytes));
    }
  }
  return Status::Ok();
}

}  // namespace

Result<std::string*> DatabaseCheck::Expect(const std::string& flat_name,
                                           uint64_t size_bytes) {
  const DbFileKind kind = ParseDbFileName(flat_name).kind;
  if (kind != DbFileKind::kCurrent && kind != DbFileKind::kManifest) {
    return nullptr;
  }
  if (size_bytes > kMaxContentBytes - content_bytes_) {
    return Status(
        StatusCode::kUnsupported,
        flat_name + " is larger than " + FormatBytes(kMaxContentBytes),
        "open the database once with LevelDB, which shortens it, "
        "and pack it again");
  }
  content_bytes_ += size_bytes;
  std::string& content = contents_[flat_name];
  // At once: growing takes twice the memory.
  content.reserve(static_cast<size_t>(size_bytes));
  return &content;
}

Status DatabaseCheck::Check(const std::vector<ManifestFile>& files) const {
  std::map<std::string, uint64_t> sizes;
  for (const ManifestFile& file : files) sizes[file.name] = file.size_bytes;
  if (files.empty()) return Corrupt("the archive holds no LevelDB database");
  const auto current = contents_.find("CURRENT");
  if (current == contents_.end()) return Corrupt("CURRENT is missing");
  const Result<std::string> name = ParseCurrent(current->second);
  if (!name.ok()) {
    return Corrupt("CURRENT is damaged: " + name.status().message());
  }
  const auto manifest = contents_.find(*name);
  if (manifest == contents_.end()) {
    return Corrupt(*name + ", which CURRENT names, is missing");
  }
  const std::unique_ptr<ByteSource> source = NewStringSource(manifest->second);
  const Result<ManifestContent> content =
      ReadManifest(*source, manifest->second.size());
  if (!content.ok()) {
    return Corrupt(*name + " is damaged: " + content.status().message());
  }
  LEVELKEEP_RETURN_IF_ERROR(CheckTables(content->version, sizes));
  // LevelDB opens without the log and silently lacks its writes. A repaired
  // database names log 0, which never exists.
  const uint64_t log = content->version.log_number();
  if (log != 0 && sizes.count(LogFileName(log)) == 0) {
    return Corrupt("log " + LogFileName(log) + " is missing");
  }
  return Status::Ok();
}

}  // namespace levelkeep
