#include "dbfiles/database_files.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "base/status_macros.h"
#include "base/text.h"
#include "dbfiles/coding.h"

namespace levelkeep {

namespace {

constexpr uint64_t kCurrentLimitBytes = 4096;

// LevelDB makes CURRENT before it writes any data. A MANIFEST alone is left by
// a crash while a database is created.
bool HoldsData(const std::vector<std::string>& names) {
  return std::ranges::any_of(names, [](const std::string& name) {
    const DbFileKind kind = ParseDbFileName(name).kind;
    return kind == DbFileKind::kTable || kind == DbFileKind::kLog;
  });
}

// RocksDB has written these files since 2015; LevelDB writes neither of them.
bool HoldsRocksDb(const std::vector<std::string>& names) {
  return std::ranges::find(names, "IDENTITY") != names.end() &&
         std::ranges::any_of(names, [](const std::string& name) {
           return name.starts_with("OPTIONS-");
         });
}

// "000012.ldb" of "000012.ldb.pin3", which a snapshot held: see
// snapshot/hot_database.h.
std::string WithoutPin(const std::string& name) {
  const size_t pin = name.rfind(".pin");
  const bool held =
      pin != std::string::npos && pin + 4 < name.size() &&
      name.find_first_not_of("0123456789", pin + 4) == std::string::npos;
  return held ? name.substr(0, pin) : name;
}

// Source: LevelDB's table/format.h.
constexpr uint64_t kFooterBytes = 48;
constexpr uint64_t kMagic = 0xdb4775248b80fb57;
// The size of an empty block; iq80 adds it to the size behind the footer.
constexpr uint64_t kMoreThanIq80Wrote = 4;

Result<bool> EndsAt(const ByteSource& file, uint64_t end) {
  if (end < kFooterBytes) return false;
  char magic[sizeof kMagic];
  LEVELKEEP_RETURN_IF_ERROR(
      ReadExactly(file, end - sizeof magic, magic, sizeof magic));
  return DecodeFixed<uint64_t>(magic) == kMagic;
}

constexpr std::string_view kManifestPrefix = "MANIFEST-";

// LevelDB pads numbers to six digits; larger numbers have more digits.
std::string Numbered(const char* prefix, uint64_t number, const char* suffix) {
  char text[64];
  std::snprintf(text, sizeof(text), "%s%06" PRIu64 "%s", prefix, number,
                suffix);
  return text;
}

DbFileKind KindOfSuffix(std::string_view suffix) {
  if (suffix == ".ldb" || suffix == ".sst") return DbFileKind::kTable;
  if (suffix == ".log") return DbFileKind::kLog;
  if (suffix == ".dbtmp") return DbFileKind::kTemp;
  return DbFileKind::kUnknown;
}

}  // namespace

Result<std::string> ReadCurrent(FileSystem* fs, const std::string& db_dir) {
  const Result<std::string> contents =
      ReadFile(fs, JoinPath(db_dir, "CURRENT"), kCurrentLimitBytes);
  if (contents.status().code() == StatusCode::kNotFound) {
    return Status(StatusCode::kNotFound,
                  "there is no database in " + db_dir + " (no CURRENT)",
                  "check the database's path");
  }
  LEVELKEEP_RETURN_IF_ERROR(contents.status());
  return ParseCurrent(*contents);
}

bool HoldsDatabase(FileSystem* fs, const std::string& db_dir) {
  if (PathExists(fs, JoinPath(db_dir, "CURRENT"))) return true;
  const auto names = fs->List(db_dir);
  return names.ok() && HoldsData(*names);
}

Result<std::vector<uint64_t>> ListLogs(FileSystem* fs,
                                       const std::string& db_dir) {
  LEVELKEEP_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                             fs->List(db_dir));
  std::vector<uint64_t> numbers;
  for (const std::string& name : names) {
    const DbFileName parsed = ParseDbFileName(name);
    // LevelDB builds a log's name from its number; other spellings are ignored.
    if (parsed.kind == DbFileKind::kLog && name == LogFileName(parsed.number)) {
      numbers.push_back(parsed.number);
    }
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

bool NeedsLog(const Version& version, uint64_t log_number) {
  return log_number >= version.log_number() ||
         (version.previous_log_number() != 0 &&
          log_number == version.previous_log_number());
}

std::vector<uint64_t> NamedLogs(const Version& version) {
  std::vector<uint64_t> numbers;
  for (const uint64_t number :
       {version.previous_log_number(), version.log_number()}) {
    if (number != 0) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

std::vector<std::string> MissingFiles(const Version& version,
                                      const std::vector<std::string>& names) {
  std::vector<std::string> sorted = names;
  std::sort(sorted.begin(), sorted.end());
  const auto is_there = [&sorted](const std::string& name) {
    return std::ranges::binary_search(sorted, name);
  };
  std::vector<std::string> missing;
  for (const auto& [number, table] : version.tables()) {
    if (is_there(TableFileName(number)) || is_there(OldTableFileName(number))) {
      continue;
    }
    missing.push_back(TableFileName(number));
  }
  for (const uint64_t number : NamedLogs(version)) {
    const std::string name = LogFileName(number);
    if (!is_there(name)) missing.push_back(name);
  }
  return missing;
}

Result<Version> ReadVersion(FileSystem* fs, const std::string& db_dir,
                            const std::string& manifest_name) {
  const std::string path = JoinPath(db_dir, manifest_name);
  const auto file = fs->Open(path, OpenMode::kRead);
  if (file.status().code() == StatusCode::kNotFound) {
    return MissingFile(path, "CURRENT");
  }
  LEVELKEEP_RETURN_IF_ERROR(file.status());
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, (*file)->Stat());
  auto content = ReadManifest(**file, info.size_bytes);
  if (content.ok()) return std::move(content->version);
  return content.status().WithContext(path).WithHint(kRestoreHint);
}

Status RefuseRocksDb(FileSystem* fs, const std::string& db_dir) {
  LEVELKEEP_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                             fs->List(db_dir));
  if (!HoldsRocksDb(names)) return Status::Ok();
  return Status(StatusCode::kUnsupported,
                db_dir + " holds a database of RocksDB, not of LevelDB",
                "use RocksDB's own backups; LevelKeep is for LevelDB");
}

Status MissingFile(const std::string& path, const std::string& names_it) {
  return Status(StatusCode::kCorruption,
                path + " is missing, but " + names_it + " names it",
                kRestoreHint);
}

Result<std::vector<std::string>> FindMissingFiles(FileSystem* fs,
                                                  const std::string& db_dir) {
  using Names = std::vector<std::string>;
  const Result<Names> names = fs->List(db_dir);
  if (names.status().code() == StatusCode::kNotFound) return Names();
  LEVELKEEP_RETURN_IF_ERROR(names.status());
  const Result<std::string> current = ReadCurrent(fs, db_dir);
  if (current.status().code() == StatusCode::kNotFound) {
    return HoldsData(*names) ? Names{"CURRENT"} : Names();
  }
  LEVELKEEP_RETURN_IF_ERROR(current.status());
  if (std::ranges::find(*names, *current) == names->end()) {
    return Names{*current};
  }
  LEVELKEEP_RETURN_IF_ERROR(RefuseRocksDb(fs, db_dir));
  LEVELKEEP_ASSIGN_OR_RETURN(const Version version,
                             ReadVersion(fs, db_dir, *current));
  return MissingFiles(version, *names);
}

Result<std::vector<std::string>> FindStrangers(FileSystem* fs,
                                               const std::string& db_dir) {
  LEVELKEEP_ASSIGN_OR_RETURN(auto names, fs->List(db_dir));
  std::erase_if(names, [](const std::string& name) {
    return ParseDbFileName(WithoutPin(name)).kind != DbFileKind::kUnknown ||
           name == "BACKUP_ID" || name == "DATABASE_ID" ||
           IsTemporaryName(name);
  });
  return names;
}

Result<uint64_t> FindTableEnd(const ByteSource& file, uint64_t file_bytes,
                              uint64_t named_bytes) {
  if (file_bytes == named_bytes) return named_bytes;
  if (named_bytes < file_bytes) {
    LEVELKEEP_ASSIGN_OR_RETURN(const bool as_named, EndsAt(file, named_bytes));
    if (as_named) return named_bytes;
  }
  if (named_bytes == file_bytes + kMoreThanIq80Wrote) {
    LEVELKEEP_ASSIGN_OR_RETURN(const bool at_end, EndsAt(file, file_bytes));
    if (at_end) return file_bytes;
  }
  return Status(StatusCode::kCorruption, "has " + std::to_string(file_bytes) +
                                             " bytes, but the manifest says " +
                                             std::to_string(named_bytes));
}

DbFileName ParseDbFileName(std::string_view name) {
  if (name == "CURRENT") return {DbFileKind::kCurrent, 0};
  if (name == "LOCK") return {DbFileKind::kLock, 0};
  if (name == "LOG" || name == "LOG.old") return {DbFileKind::kInfoLog, 0};

  DbFileKind kind = DbFileKind::kManifest;
  std::string_view digits = name;
  if (name.starts_with(kManifestPrefix)) {
    digits.remove_prefix(kManifestPrefix.size());
  } else {
    const size_t dot = name.find('.');
    if (dot == std::string_view::npos) return {};
    digits = name.substr(0, dot);
    kind = KindOfSuffix(name.substr(dot));
    if (kind == DbFileKind::kUnknown) return {};
  }
  const std::optional<uint64_t> number = ParseUint64(digits);
  if (!number.has_value()) return {};
  return {kind, *number};
}

bool IsBackedUp(DbFileKind kind) {
  return kind == DbFileKind::kCurrent || kind == DbFileKind::kManifest ||
         kind == DbFileKind::kTable || kind == DbFileKind::kLog;
}

std::string ManifestFileName(uint64_t number) {
  return Numbered("MANIFEST-", number, "");
}

std::string TableFileName(uint64_t number) {
  return Numbered("", number, ".ldb");
}

std::string OldTableFileName(uint64_t number) {
  return Numbered("", number, ".sst");
}

std::string LogFileName(uint64_t number) {
  return Numbered("", number, ".log");
}

}  // namespace levelkeep
