#include <algorithm>
#include <set>

#include "base/hash.h"
#include "base/status_macros.h"
#include "dbfiles/database_files.h"
#include "dbfiles/db_lock.h"
#include "dbfiles/log_format.h"
#include "leveldb/db.h"
#include "restore/staging.h"
#include "restore/store_check.h"

namespace levelkeep {
namespace {

// The name under which an undo lists the folder that remains were taken from.
constexpr char kRemainsName[] = "accept-loss";

std::vector<std::string> FilesOfKind(std::vector<std::string> names,
                                     DbFileKind kind) {
  std::erase_if(names, [&](const std::string& name) {
    return ParseDbFileName(name).kind != kind;
  });
  return names;
}

// The MANIFEST that CURRENT names comes first, then the newest.
std::vector<std::string> ManifestsOf(FileSystem* fs, const std::string& db_dir,
                                     const std::vector<std::string>& names) {
  auto manifests = FilesOfKind(names, DbFileKind::kManifest);
  const auto current = ReadCurrent(fs, db_dir);
  std::ranges::sort(manifests, [&](const std::string& a, const std::string& b) {
    if (current.ok() && (a == *current) != (b == *current)) {
      return a == *current;
    }
    return ParseDbFileName(a).number > ParseDbFileName(b).number;
  });
  return manifests;
}

// Those of `tables` that belong to `version`. The names are sorted: if a table
// has two files, the one with LevelDB's present suffix comes first.
std::vector<std::string> TablesOf(const Version& version,
                                  std::vector<std::string> tables) {
  std::set<uint64_t> found;
  std::erase_if(tables, [&](const std::string& name) {
    const uint64_t number = ParseDbFileName(name).number;
    return !version.tables().contains(number) || !found.insert(number).second;
  });
  return tables;
}

// The logs that `version` needs, up to the first log of a later state.
Result<std::vector<uint64_t>> LogsOf(const RestoreContext& context,
                                     const std::string& manifest,
                                     const Version& version) {
  const std::string db_dir = context.db_dir();
  LEVELKEEP_ASSIGN_OR_RETURN(
      const auto later, FindLaterState(context.fs, db_dir, manifest, version));
  LEVELKEEP_ASSIGN_OR_RETURN(auto logs, ListLogs(context.fs, db_dir));
  std::erase_if(logs, [&](uint64_t number) {
    return !NeedsLog(version, number) || (later != 0 && number >= later);
  });
  return logs;
}

Status CopyFile(FileSystem* fs, const std::string& from,
                const std::string& to) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto source,
                             fs->Open(from, OpenMode::kRead));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, source->Stat());
  return CopyDurably(fs, *source, info.size_bytes, to);
}

// Writes CURRENT and the MANIFEST. A missing log becomes an empty log.
Status WriteManifest(FileSystem* fs, const Remains& remains,
                     const std::string& target) {
  for (const uint64_t number : NamedLogs(remains.version)) {
    if (std::ranges::find(remains.logs, number) != remains.logs.end()) continue;
    LEVELKEEP_RETURN_IF_ERROR(
        WriteFileDurably(fs, JoinPath(target, LogFileName(number)), ""));
  }
  LEVELKEEP_RETURN_IF_ERROR(
      WriteFileDurably(fs, JoinPath(target, remains.manifest),
                       FrameAsLog(remains.version.EncodeAsEdit())));
  return WriteFileDurably(fs, JoinPath(target, "CURRENT"),
                          remains.manifest + "\n");
}

// LevelDB puts files it can't read into lost/, in the folder that is kept.
Status Repair(const RestoreContext& context, const Remains& remains,
              const std::string& target) {
  LEVELKEEP_RETURN_IF_ERROR(CheckRepairable(context, remains));
  leveldb::Options options;
  options.env = context.options.env;
  const leveldb::Status repaired = leveldb::RepairDB(target, options);
  if (!repaired.ok()) {
    return Status(
        StatusCode::kCorruption,
        "LevelDB can't repair the remaining files: " + repaired.ToString(),
        "restore a backup");
  }
  return RemoveTree(context.fs, JoinPath(target, "lost"));
}

// Links tables, because they are never written again, and copies logs.
Status Fill(const RestoreContext& context, const Remains& remains,
            const std::string& target) {
  FileSystem* const fs = context.fs;
  for (const std::string& table : remains.tables) {
    const std::string from = JoinPath(context.db_dir(), table);
    const std::string to = JoinPath(target, table);
    if (fs->Link(from, to).ok()) continue;
    LEVELKEEP_RETURN_IF_ERROR(CopyFile(fs, from, to));
  }
  for (const uint64_t log : remains.logs) {
    const std::string name = LogFileName(log);
    LEVELKEEP_RETURN_IF_ERROR(
        CopyFile(fs, JoinPath(context.db_dir(), name), JoinPath(target, name)));
  }
  LEVELKEEP_RETURN_IF_ERROR(remains.manifest.empty()
                                ? Repair(context, remains, target)
                                : WriteManifest(fs, remains, target));
  // Opening turns logs into tables, which allows a gap between the logs.
  return context.options.open_check ? context.options.open_check(target)
                                    : Status::Ok();
}

Result<RestoreOutcome> MakeIn(const RestoreContext& context,
                              const Remains& remains,
                              const Restorer::Staged& staged,
                              const Work& work) {
  FileSystem* const fs = context.fs;
  LEVELKEEP_RETURN_IF_ERROR(RemoveTree(fs, staged.directory));
  LEVELKEEP_RETURN_IF_ERROR(fs->CreateDirectory(staged.directory));
  LEVELKEEP_RETURN_IF_ERROR(Fill(context, remains, staged.directory));
  LEVELKEEP_ASSIGN_OR_RETURN(
      const StoreCheck check,
      CheckStore(context, staged.directory,
                 context.InWork(kScratchPrefix + staged.id), work.stop,
                 Vouched::kNo));
  LEVELKEEP_ASSIGN_OR_RETURN(DatabaseIdentity identity,
                             ReadIdentity(fs, context.db_dir()));
  if (identity.id.empty()) identity.id = context.options.remembered_id;
  if (identity.id.empty()) identity.id = RandomId();
  BeginEpoch(&identity);
  LEVELKEEP_RETURN_IF_ERROR(WriteIdentity(fs, staged.directory, identity));
  RestoreOutcome outcome;
  outcome.archive_name = kRemainsName;
  outcome.epoch = identity.epoch;
  outcome.last_sequence = check.last_sequence;
  LEVELKEEP_ASSIGN_OR_RETURN(outcome.content_bytes,
                             FolderBytes(fs, staged.directory));
  return outcome;
}

}  // namespace

Result<Remains> FindRemains(const RestoreContext& context) {
  FileSystem* const fs = context.fs;
  Status fault = RequireWhole(fs, context.db_dir());
  // Files that can't be decoded are lost, too.
  if (fault.ok()) fault = FindMissingFiles(fs, context.db_dir()).status();
  if (fault.ok()) {
    return Status(StatusCode::kNotFound,
                  context.db_dir() +
                      " lacks no files: there is no loss to "
                      "accept");
  }
  if (fault.code() != StatusCode::kCorruption) return fault;
  Remains remains;
  remains.fault = fault.message();
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, fs->List(context.db_dir()));
  LEVELKEEP_ASSIGN_OR_RETURN(remains.logs, ListLogs(fs, context.db_dir()));
  const auto all_tables = FilesOfKind(names, DbFileKind::kTable);
  remains.tables = all_tables;
  for (const std::string& name : ManifestsOf(fs, context.db_dir(), names)) {
    const auto version = ReadVersion(fs, context.db_dir(), name);
    if (!version.ok()) continue;
    if (remains.comparator.empty()) remains.comparator = version->comparator();
    auto tables = TablesOf(*version, all_tables);
    if (tables.size() != version->tables().size()) continue;
    remains.manifest = name;
    remains.version = *version;
    remains.tables = std::move(tables);
    LEVELKEEP_ASSIGN_OR_RETURN(remains.logs, LogsOf(context, name, *version));
    break;
  }
  return remains;
}

Status CheckRepairable(const RestoreContext& context, const Remains& remains) {
  const bool listed = !remains.manifest.empty();
  const bool bytewise =
      context.options.comparator_name == kBytewise &&
      (remains.comparator.empty() || remains.comparator == kBytewise);
  if (listed || bytewise) return Status::Ok();
  return Status(StatusCode::kUnsupported,
                "the list of tables is lost, and a new one needs the "
                "database's own comparator, which only the application has",
                "restore a backup, or let the application repair it");
}

Result<Restorer::Staged> StageRemains(const RestoreContext& context,
                                      const Remains& remains,
                                      const Work& work) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto lock,
                             DbLock::Acquire(context.fs, context.db_dir()));
  Restorer::Staged staged = NewStaged(context);
  // If we die here: the next start sweeps staging and scratch.
  auto outcome = MakeIn(context, remains, staged, work);
  if (outcome.status().code() == StatusCode::kCorruption &&
      !remains.manifest.empty()) {
    Remains rest = remains;
    rest.manifest.clear();  // for LevelDB's repair
    outcome = MakeIn(context, rest, staged, work);
  }
  if (!outcome.ok()) {
    (void)RemoveTree(context.fs, staged.directory);
    return outcome.status();
  }
  staged.outcome = std::move(*outcome);
  LEVELKEEP_RETURN_IF_ERROR(FinishStaging(context, staged));
  return staged;
}

}  // namespace levelkeep
