#include "dbfiles/identity.h"

#include <algorithm>

#include "base/hash.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "dbfiles/database_files.h"

namespace levelkeep {
namespace {

constexpr size_t kIdLength = 32;
constexpr uint64_t kMostText = 4096;

std::string IdPath(const std::string& db_dir) {
  return JoinPath(db_dir, "DATABASE_ID");
}
std::string EpochPath(const std::string& db_dir) {
  return JoinPath(db_dir, "BACKUP_ID");
}

std::string IdOrNothing(std::string_view text) {
  return IsEpoch(text) ? std::string(text) : std::string();
}

// The first line, without its line end. Empty if the file is missing or is much
// too large to be ours.
Result<std::string> ReadLine(FileSystem* fs, const std::string& path) {
  auto text = ReadFile(fs, path, kMostText);
  if (text.status().code() == StatusCode::kNotFound ||
      text.status().code() == StatusCode::kInvalidArgument) {
    return std::string();
  }
  if (!text.ok()) return text.status();
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) {
    text->pop_back();
  }
  return text;
}

Status WriteEpoch(FileSystem* fs, const std::string& db_dir,
                  const std::string& epoch) {
  return WriteFileDurably(fs, EpochPath(db_dir), epoch + "\n");
}

}  // namespace

Result<DatabaseIdentity> ReadIdentity(FileSystem* fs,
                                      const std::string& db_dir) {
  DatabaseIdentity identity;
  LEVELKEEP_ASSIGN_OR_RETURN(identity.epoch, ReadEpoch(fs, db_dir));
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string line,
                             ReadLine(fs, IdPath(db_dir)));
  const std::string_view text = line;
  identity.id = ParseDatabaseId(text);
  const size_t blank = text.find(' ');
  if (identity.id.empty() || blank == std::string_view::npos) return identity;
  identity.parent = IdOrNothing(text.substr(blank + 1));
  // A crash prevented the epoch that should have followed the present one.
  if (identity.parent == identity.epoch) identity.parent.clear();
  return identity;
}

Status WriteIdentity(FileSystem* fs, const std::string& db_dir,
                     const DatabaseIdentity& identity) {
  std::string line = identity.id;
  if (!identity.parent.empty()) line += " " + identity.parent;
  LEVELKEEP_RETURN_IF_ERROR(WriteFileDurably(fs, IdPath(db_dir), line + "\n"));
  // If we die here: the old epoch stays and names itself as its parent.
  return WriteEpoch(fs, db_dir, identity.epoch);
}

bool IsEpoch(std::string_view text) { return IsLowerHex(text, kIdLength); }

std::string ParseDatabaseId(std::string_view text) {
  return IdOrNothing(text.substr(0, text.find_first_of(" \r\n")));
}

Result<std::string> ReadEpoch(FileSystem* fs, const std::string& db_dir) {
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string line,
                             ReadLine(fs, EpochPath(db_dir)));
  return IdOrNothing(line);
}

Result<std::string> ReadOrCreateEpoch(FileSystem* fs,
                                      const std::string& db_dir) {
  LEVELKEEP_ASSIGN_OR_RETURN(std::string epoch, ReadEpoch(fs, db_dir));
  if (!epoch.empty()) return epoch;
  epoch = RandomId();
  LEVELKEEP_RETURN_IF_ERROR(WriteEpoch(fs, db_dir, epoch));
  return epoch;
}

void BeginEpoch(DatabaseIdentity* identity) {
  identity->parent = identity->epoch;
  identity->epoch = RandomId();
}

Result<std::string> BeginEpoch(FileSystem* fs, const std::string& db_dir) {
  LEVELKEEP_ASSIGN_OR_RETURN(DatabaseIdentity identity,
                             ReadIdentity(fs, db_dir));
  BeginEpoch(&identity);
  if (identity.id.empty()) {
    LEVELKEEP_RETURN_IF_ERROR(WriteEpoch(fs, db_dir, identity.epoch));
  } else {
    LEVELKEEP_RETURN_IF_ERROR(WriteIdentity(fs, db_dir, identity));
  }
  return identity.epoch;
}

Result<DatabaseHead> ReadHead(FileSystem* fs, const std::string& db_dir,
                              std::string* gap) {
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string manifest_name,
                             ReadCurrent(fs, db_dir));
  LEVELKEEP_ASSIGN_OR_RETURN(const Version version,
                             ReadVersion(fs, db_dir, manifest_name));
  DatabaseHead head;
  head.manifest_number = ParseDbFileName(manifest_name).number;
  head.sequence = version.last_sequence();
  LEVELKEEP_ASSIGN_OR_RETURN(const auto logs,
                             ScanNeededLogs(fs, db_dir, version));
  for (const ScannedLog& log : logs) {
    head.sequence = std::max(head.sequence, log.scan.last_sequence);
  }
  if (gap != nullptr) {
    const ScannedLog* const missing = FindGap(version, logs);
    *gap = missing == nullptr ? std::string() : LogFileName(missing->number);
  }
  return head;
}

uint64_t ReadLastSequence(FileSystem* fs, const std::string& db_dir) {
  const auto head = ReadHead(fs, db_dir);
  return head.ok() ? head->sequence : 0;
}

}  // namespace levelkeep
