// Checks of a database before anything opens it.

#include <algorithm>

#include "base/status_macros.h"
#include "base/text.h"
#include "dbfiles/database_files.h"
#include "dbfiles/db_lock.h"

namespace levelkeep {
namespace {

constexpr char kWaysOut[] =
    "put these files back, or restore the last verified backup (levelkeep "
    "restore latest); without a backup, levelkeep accept-loss makes a database "
    "of the remaining files and keeps the old folder";

// False after a usual start; then no MANIFEST needs to be read twice.
bool HasTwoManifests(FileSystem* fs, const std::string& db_dir) {
  const auto names = fs->List(db_dir);
  return !names.ok() ||
         std::ranges::count_if(*names, [](const auto& name) {
           return ParseDbFileName(name).kind == DbFileKind::kManifest;
         }) > 1;
}

bool IsRead(const std::string& name) {
  return IsBackedUp(ParseDbFileName(name).kind) || name == "BACKUP_ID" ||
         name == "DATABASE_ID";
}

// The first log, from number `first` on, that holds a record.
const ScannedLog* FirstWrittenFrom(const std::vector<ScannedLog>& logs,
                                   uint64_t first) {
  const auto found = std::ranges::find_if(logs, [first](const ScannedLog& log) {
    return log.number >= first && log.scan.records > 0;
  });
  return found == logs.end() ? nullptr : &*found;
}

}  // namespace

Result<std::vector<ScannedLog>> ScanNeededLogs(FileSystem* fs,
                                               const std::string& db_dir,
                                               const Version& version) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto numbers, ListLogs(fs, db_dir));
  std::vector<ScannedLog> logs;
  for (const uint64_t number : numbers) {
    if (!NeedsLog(version, number)) continue;
    LEVELKEEP_ASSIGN_OR_RETURN(
        const auto file,
        fs->Open(JoinPath(db_dir, LogFileName(number)), OpenMode::kRead));
    LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, file->Stat());
    LEVELKEEP_ASSIGN_OR_RETURN(
        const LogScan scan,
        ScanLog(*file, info.size_bytes, /*batches=*/true, nullptr));
    logs.push_back({number, scan});
  }
  return logs;
}

const ScannedLog* FindGap(const Version& version,
                          const std::vector<ScannedLog>& logs) {
  bool first = true;
  uint64_t last = version.last_sequence();
  for (const ScannedLog& log : logs) {
    if (log.scan.records == 0) continue;
    // The MANIFEST may count writes of the first log, but may not lack any
    // write before it.
    const bool follows = first ? log.scan.first_sequence <= last + 1
                               : log.scan.first_sequence == last + 1;
    if (!follows || log.scan.sequence_gap) return &log;
    last = log.scan.last_sequence;
    first = false;
  }
  return nullptr;
}

// A crash while LevelDB opens or closes a database also leaves a second
// MANIFEST, but LevelDB writes data only after CURRENT names the new MANIFEST.
// If a power failure undid that change of CURRENT, the new writes still follow
// the older ones: nothing is lost or mixed.
Result<uint64_t> FindLaterState(FileSystem* fs, const std::string& db_dir,
                                const std::string& manifest_name,
                                const Version& version) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, fs->List(db_dir));
  for (const std::string& name : names) {
    if (name == manifest_name ||
        ParseDbFileName(name).kind != DbFileKind::kManifest) {
      continue;
    }
    const auto other = ReadVersion(fs, db_dir, name);
    if (!other.ok() || other->log_number() <= version.log_number()) continue;
    LEVELKEEP_ASSIGN_OR_RETURN(const auto logs,
                               ScanNeededLogs(fs, db_dir, version));
    const ScannedLog* const later = FirstWrittenFrom(logs, other->log_number());
    if (later == nullptr ||
        logs.back().scan.last_sequence <= other->last_sequence()) {
      continue;
    }
    if (FindGap(version, logs) != nullptr) return later->number;
  }
  return uint64_t{0};
}

Status RequireAccess(FileSystem* fs, const std::string& db_dir) {
  const auto names = fs->List(db_dir);
  if (names.status().code() == StatusCode::kNotFound) return Status::Ok();
  LEVELKEEP_RETURN_IF_ERROR(names.status());
  LEVELKEEP_RETURN_IF_ERROR(fs->CheckAccess(db_dir, Access::kChange));
  for (const std::string& name : *names) {
    if (!IsRead(name)) continue;
    LEVELKEEP_RETURN_IF_ERROR(
        fs->CheckAccess(JoinPath(db_dir, name), Access::kRead));
  }
  return DbLock::Judge(fs, db_dir);
}

Status RequireWhole(FileSystem* fs, const std::string& db_dir) {
  const auto missing = FindMissingFiles(fs, db_dir);
  if (missing.status().code() == StatusCode::kCorruption) return Status::Ok();
  LEVELKEEP_RETURN_IF_ERROR(missing.status());
  if (!missing->empty()) {
    return Status(StatusCode::kCorruption,
                  "the database in " + db_dir +
                      " lacks files that it needs: " + NamesOf(*missing),
                  kWaysOut);
  }
  if (!HasTwoManifests(fs, db_dir)) return Status::Ok();
  const auto current = ReadCurrent(fs, db_dir);
  if (current.status().code() == StatusCode::kNotFound) return Status::Ok();
  LEVELKEEP_RETURN_IF_ERROR(current.status());
  LEVELKEEP_ASSIGN_OR_RETURN(const Version version,
                             ReadVersion(fs, db_dir, *current));
  LEVELKEEP_ASSIGN_OR_RETURN(const auto later,
                             FindLaterState(fs, db_dir, *current, version));
  if (later == 0) return Status::Ok();
  return Status(
      StatusCode::kCorruption,
      "two states of a database are mixed in " + db_dir + ": CURRENT names " +
          *current + ", but " + LogFileName(later) +
          " belongs to a later state",
      "move the folder away and unpack the backup again (levelkeep restore "
      "does that by itself); or levelkeep accept-loss uses the older state and "
      "keeps the old folder");
}

}  // namespace levelkeep
