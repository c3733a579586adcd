#include <algorithm>
#include <memory>
#include <set>

#include "base/hash.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "dbfiles/database_files.h"
#include "dbfiles/db_lock.h"
#include "dbfiles/identity.h"
#include "dbfiles/log_format.h"
#include "dbfiles/look.h"
#include "leveldb/db.h"
#include "restore/staging.h"
#include "restore/store_check.h"

namespace levelkeep {
namespace {

constexpr char kBytewise[] = "leveldb.BytewiseComparator";

// kOk if no file is missing.
Status FindFault(const RestoreContext& context) {
  LEVELKEEP_RETURN_IF_ERROR(RequireWhole(context.fs, context.db_dir()));
  // Files that can't be decoded are lost, too.
  return FindMissingFiles(context.fs, context.db_dir()).status();
}

// The MANIFEST that CURRENT names comes first, then the newest.
std::vector<std::string> ManifestsOf(FileSystem* fs, const std::string& db_dir,
                                     const std::vector<std::string>& names) {
  std::vector<std::string> manifests;
  for (const std::string& name : names) {
    if (ParseDbFileName(name).kind == DbFileKind::kManifest) {
      manifests.push_back(name);
    }
  }
  const auto current = ReadCurrent(fs, db_dir);
  std::sort(manifests.begin(), manifests.end(),
            [&](const std::string& a, const std::string& b) {
              if (current.ok() && (a == *current) != (b == *current)) {
                return a == *current;
              }
              return ParseDbFileName(a).number > ParseDbFileName(b).number;
            });
  return manifests;
}

std::vector<std::string> TablesIn(const std::vector<std::string>& names) {
  std::vector<std::string> tables;
  for (const std::string& name : names) {
    if (ParseDbFileName(name).kind == DbFileKind::kTable) {
      tables.push_back(name);
    }
  }
  return tables;
}

// The `names` that are tables of `version`. The names are sorted: if a table
// has two files, the one with LevelDB's present suffix comes first.
std::vector<std::string> TablesOf(const Version& version,
                                  const std::vector<std::string>& names) {
  std::vector<std::string> tables;
  std::set<uint64_t> found;
  for (const std::string& name : TablesIn(names)) {
    const uint64_t number = ParseDbFileName(name).number;
    if (version.tables().contains(number) && found.insert(number).second) {
      tables.push_back(name);
    }
  }
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

// Puts files of the database into the staged one: tables as links, because they
// are never written again, and logs as copies.
class Copier {
 public:
  Copier(const RestoreContext& context, std::string target)
      : fs_(context.fs),
        source_(context.db_dir()),
        target_(std::move(target)) {}

  Status Link(const std::string& name) const {
    const Status linked =
        fs_->Link(JoinPath(source_, name), JoinPath(target_, name));
    return linked.ok() ? linked : Copy(name);
  }

  Status Copy(const std::string& name) const {
    LEVELKEEP_ASSIGN_OR_RETURN(
        const auto source, fs_->Open(JoinPath(source_, name), OpenMode::kRead));
    LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, source->Stat());
    return CopyDurably(fs_, *source, info.size_bytes, JoinPath(target_, name));
  }

 private:
  FileSystem* const fs_;
  const std::string source_;
  const std::string target_;
};

// Writes CURRENT and the MANIFEST. A missing log becomes an empty log.
Status WriteManifest(FileSystem* fs, const Remains& remains,
                     const std::string& target) {
  for (const uint64_t number : NamedLogs(remains.version)) {
    if (std::find(remains.logs.begin(), remains.logs.end(), number) !=
        remains.logs.end()) {
      continue;
    }
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

Status Fill(const RestoreContext& context, const Remains& remains,
            const std::string& target) {
  const Copier copier(context, target);
  for (const std::string& table : remains.tables) {
    LEVELKEEP_RETURN_IF_ERROR(copier.Link(table));
  }
  for (const uint64_t log : remains.logs) {
    LEVELKEEP_RETURN_IF_ERROR(copier.Copy(LogFileName(log)));
  }
  LEVELKEEP_RETURN_IF_ERROR(remains.manifest.empty()
                                ? Repair(context, remains, target)
                                : WriteManifest(context.fs, remains, target));
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
                 context.InWork(std::string(kScratchPrefix) + staged.id),
                 work.stop, Vouched::kNo));
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

// The remains without a MANIFEST: every table, for LevelDB's repair.
Remains WithoutManifest(const Remains& remains) {
  Remains rest = remains;
  rest.manifest.clear();
  return rest;
}

}  // namespace

Result<Remains> FindRemains(const RestoreContext& context) {
  const Status fault = FindFault(context);
  if (fault.ok()) {
    return Status(StatusCode::kNotFound,
                  context.db_dir() +
                      " lacks no files: there is no loss to "
                      "accept");
  }
  if (fault.code() != StatusCode::kCorruption) return fault;
  FileSystem* const fs = context.fs;
  Remains remains;
  remains.fault = fault.message();
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, fs->List(context.db_dir()));
  LEVELKEEP_ASSIGN_OR_RETURN(remains.logs, ListLogs(fs, context.db_dir()));
  remains.tables = TablesIn(names);
  for (const std::string& name : ManifestsOf(fs, context.db_dir(), names)) {
    const auto version = ReadVersion(fs, context.db_dir(), name);
    if (!version.ok()) continue;
    if (remains.comparator.empty()) remains.comparator = version->comparator();
    auto tables = TablesOf(*version, names);
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
    outcome = MakeIn(context, WithoutManifest(remains), staged, work);
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
