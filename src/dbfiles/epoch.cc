#include "dbfiles/epoch.h"

#include <algorithm>
#include <string_view>

#include "base/ascii.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "dbfiles/file_name.h"
#include "dbfiles/log_format.h"
#include "dbfiles/version.h"

namespace levelkeep {
namespace {

constexpr size_t kEpochLength = 32;

std::string EpochPath(const std::string& db_dir) {
  return JoinPath(db_dir, "BACKUP_ID");
}

Result<uint64_t> LastSequenceOf(FileSystem* fs, const std::string& db_dir) {
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string current,
                             ReadFile(fs, JoinPath(db_dir, "CURRENT"), 4096));
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string manifest_name,
                             ParseCurrent(current));
  LEVELKEEP_ASSIGN_OR_RETURN(
      const auto manifest,
      fs->Open(JoinPath(db_dir, manifest_name), OpenMode::kRead));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo manifest_info, manifest->Stat());
  LEVELKEEP_ASSIGN_OR_RETURN(
      const ManifestContent content,
      ReadManifest(*manifest, manifest_info.size_bytes, true));
  uint64_t last = content.version.last_sequence();
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, fs->List(db_dir));
  for (const std::string& name : names) {
    const DbFileName parsed = ParseDbFileName(name);
    if (parsed.kind != DbFileKind::kLog) continue;
    if (parsed.number < content.version.log_number() &&
        parsed.number != content.version.previous_log_number()) {
      continue;
    }
    LEVELKEEP_ASSIGN_OR_RETURN(
        const auto log, fs->Open(JoinPath(db_dir, name), OpenMode::kRead));
    LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, log->Stat());
    LEVELKEEP_ASSIGN_OR_RETURN(const LogScan scan,
                               ScanLog(*log, info.size_bytes, true, nullptr));
    last = std::max(last, scan.last_sequence);
  }
  return last;
}

}  // namespace

Status WriteEpoch(FileSystem* fs, const std::string& db_dir,
                  const std::string& epoch) {
  return WriteFileDurably(fs, EpochPath(db_dir), epoch + "\n");
}

Result<std::string> ReadEpoch(FileSystem* fs, const std::string& db_dir) {
  auto text = ReadFile(fs, EpochPath(db_dir), 4096);
  if (text.status().code() == StatusCode::kNotFound ||
      text.status().code() == StatusCode::kInvalidArgument) {
    return std::string();
  }
  if (!text.ok()) return text.status();
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) {
    text->pop_back();
  }
  return IsLowerHex(*text, kEpochLength) ? *text : std::string();
}

Result<std::string> ReadOrCreateEpoch(FileSystem* fs,
                                      const std::string& db_dir) {
  LEVELKEEP_ASSIGN_OR_RETURN(std::string epoch, ReadEpoch(fs, db_dir));
  if (!epoch.empty()) return epoch;
  epoch = RandomId();
  LEVELKEEP_RETURN_IF_ERROR(WriteEpoch(fs, db_dir, epoch));
  return epoch;
}

uint64_t ReadLastSequence(FileSystem* fs, const std::string& db_dir) {
  const auto last = LastSequenceOf(fs, db_dir);
  return last.ok() ? *last : 0;
}

}  // namespace levelkeep
