#include "engine/engine.h"

#include <algorithm>
#include <utility>

#include "base/folder_probe.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/report_names.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "restore/context.h"

namespace levelkeep {

namespace {

bool IsScratchName(const std::string& name) {
  return name.starts_with(kScratchPrefix);
}

std::vector<std::string> NamesThatBegin(const Listing& listing,
                                        const std::string& text) {
  std::vector<std::string> names;
  for (const Listing::Entry& entry : listing.entries()) {
    if (!text.empty() && entry->name.starts_with(text)) {
      names.push_back(entry->name);
    }
  }
  return names;
}

// Completes "backup_2024" to the one backup whose name begins so, for callers
// that accept a beginning. REQUIRES: `names` is not empty.
Result<std::string> Complete(const std::string& text,
                             const std::vector<std::string>& names,
                             NameMatch match) {
  if (match == NameMatch::kWhole) {
    return Status(
        StatusCode::kInvalidArgument,
        "'" + Printable(text) + "' is only the beginning of a backup's name",
        "give the whole name, e.g. " + names.front());
  }
  if (names.size() == 1) return names.front();
  return Status(StatusCode::kInvalidArgument,
                "'" + Printable(text) + "' matches " +
                    std::to_string(names.size()) + " backups",
                "give more of the name, e.g. " + names.front());
}

// The entry that follows `after`. If `after` is gone, e.g. rotated away since
// the last page, the first older entry. Without `after`, the first entry.
auto FirstAfter(const std::vector<Listing::Entry>& entries,
                const std::string& after) {
  if (after.empty()) return entries.begin();
  const auto there = std::ranges::find_if(
      entries, [&](const auto& entry) { return entry->name == after; });
  if (there != entries.end()) return std::next(there);
  const Time time = ParseBackupName(after)->time;
  return std::ranges::find_if(
      entries, [&](const auto& entry) { return entry->created() < time; });
}

// Sets every member. A reused object keeps its memory, which saves 40,000
// allocations for a list of 10,000 backups.
void FillBackupInfo(const CatalogEntry& entry, bool other_database,
                    BackupInfo* info) {
  info->name = entry.name;
  info->path = entry.path;
  info->size_bytes = entry.size_bytes;
  info->created = entry.created();
  info->label = entry.parsed.label;
  info->sha256 = entry.sha256;
  info->status = entry.status();
  info->problem = entry.damaged() ? entry.verification->message : entry.problem;
  if (info->problem.empty() && entry.not_checked) {
    info->problem = "not checked: " + entry.not_checked->reason;
  }
  if (info->problem.empty() && !entry.is_local()) {
    info->problem = "its archive is in " + entry.copies.front().destination;
  }
  info->warning = entry.warning;
  info->pinned = entry.pinned;
  info->verified_at.reset();
  if (entry.verified()) info->verified_at = entry.verification->at;
  static const Manifest* const kNone = new Manifest;  // outlives all statics
  const Manifest& manifest = entry.manifest ? *entry.manifest : *kNone;
  info->trigger = manifest.trigger;
  info->last_sequence = manifest.last_sequence;
  info->event_count = manifest.events ? manifest.events->count : 0;
  info->source_bytes = manifest.source_bytes;
  info->duration_ms = manifest.took_ms;
  info->snapshot_method = ParseSnapshotMethod(manifest.snapshot_method);
  info->other_database = other_database;
}

}  // namespace

BackupInfo ToBackupInfo(const CatalogEntry& entry, bool other_database) {
  BackupInfo info;
  FillBackupInfo(entry, other_database, &info);
  return info;
}

Status CheckSidecar(const CatalogEntry& backup, const std::string& sha256) {
  if (backup.sha256.empty() || backup.sha256 == sha256) return Status::Ok();
  return Status(StatusCode::kCorruption,
                "its SHA-256 is not the one in " + backup.name + ".sha256",
                "the archive was changed or damaged: use another backup");
}

Engine::Engine(const BackupOptions& options, const Platform& platform,
               Database* database)
    : options_(options),
      live_(options),
      platform_(platform),
      fs_(platform.fs),
      clock_(platform.clock),
      outside_(database != nullptr
                   ? nullptr
                   : std::make_unique<Database>(options, platform)),
      database_(database != nullptr ? database : outside_.get()),
      records_(platform.fs, options.backup_dir),
      catalog_(platform.fs, options.backup_dir, platform.clock,
               [this] { return ReadOwner(); }),
      chain_(platform.fs, platform.clock, &catalog_, &records_, StatePath("")),
      in_use_(platform.fs, catalog_.folder(), options.backup_dir) {
  PrepareDigests();
}

std::string Engine::StatePath(std::string_view name) const {
  return JoinPath(JoinPath(options_.backup_dir, kStateFolder), name);
}

// Users can put links into BACKUP_DIR, and root works there, too: following a
// link would make us write elsewhere.
Status Engine::RefuseStateLink() const {
  for (const std::string& path :
       {JoinPath(options_.backup_dir, kStateFolder), records_.directory()}) {
    const auto info = fs_->Stat(path);
    if (!info.ok() || info->type != FileType::kSymlink) continue;
    return Status(StatusCode::kRefused,
                  path + " is a symbolic link, which is not followed",
                  "remove it, or set BACKUP_DIR to where the backups are");
  }
  return Status::Ok();
}

Status Engine::Prepare(const Walk& walk) {
  LEVELKEEP_RETURN_IF_ERROR(RefuseStateLink());
  return walk.MakeFolder(fs_, JoinPath(options_.backup_dir, kStateFolder));
}

// If the folder is not writable, the store continues without backups, and
// health reports that.
Status Engine::CheckBackupFolder(const Walk& walk) {
  if (!platform_.tries_folders) return Status::Ok();
  const Status can = RequireFolder(fs_, "BACKUP_DIR", options_.backup_dir,
                                   {.locks = true, .keeps_time = !walk.acts()});
  if (can.code() != StatusCode::kPermissionDenied) return can;
  walk.Warn(kEngineLogTag,
            "no backups can be made: " + can.message() + "; " + can.hint());
  return Status::Ok();
}

Result<std::unique_ptr<FileLock>> Engine::LockForWriting() {
  LEVELKEEP_RETURN_IF_ERROR(Prepare());
  const std::string id = ReadOwner().id;
  auto lock = id.empty() ? fs_->Lock(StatePath("create.lock"))
                         : records_.Lock(id, DatabaseRecords::kCreate);
  if (!lock.ok() && lock.status().code() == StatusCode::kBusy) {
    return Status(StatusCode::kBusy,
                  "another process is changing the backups of this database "
                  "in " +
                      options_.backup_dir + ": " + lock.status().message(),
                  "try again when it has ended");
  }
  return lock;
}

Result<std::vector<std::string>> Engine::Sweep(const Walk& walk) {
  LEVELKEEP_RETURN_IF_ERROR(Prepare(walk));
  const auto lock = walk.Lock(fs_, StatePath("create.lock"));
  // Version 0.1.0 is running, which does not lock the parts that it writes.
  if (lock.status().code() == StatusCode::kBusy) {
    return std::vector<std::string>();
  }
  LEVELKEEP_RETURN_IF_ERROR(lock.status());
  std::vector<std::string> swept;
  if (!walk.acts()) {
    LEVELKEEP_RETURN_IF_ERROR(walk.Lock(fs_, StatePath("state.lock")).status());
    LEVELKEEP_ASSIGN_OR_RETURN(const auto looked, records_.ListFolders());
    for (const std::string& folder : looked) {
      LEVELKEEP_RETURN_IF_ERROR(fs_->List(folder).status());
    }
    return swept;
  }
  LEVELKEEP_ASSIGN_OR_RETURN(swept, catalog_.Sweep());
  {
    LEVELKEEP_ASSIGN_OR_RETURN(auto state_lock, catalog_.folder()->LockState());
    LEVELKEEP_ASSIGN_OR_RETURN(auto more, records_.Sweep());
    swept.insert(swept.end(), more.begin(), more.end());
  }
  LEVELKEEP_RETURN_IF_ERROR(in_use_.Names(InUse::LeftOvers::kRemove).status());
  LEVELKEEP_ASSIGN_OR_RETURN(auto folders, records_.ListFolders());
  folders.push_back(StatePath(""));
  for (const std::string& folder : folders) {
    LEVELKEEP_RETURN_IF_ERROR(SweepScratch(folder, &swept));
  }
  return swept;
}

void Engine::SweepParts() {
  if (!catalog_.folder()->HasPart()) return;
  const auto swept = Sweep();
  if (!swept.ok()) {
    LogWarn(kEngineLogTag, "left-over files could not be removed: " +
                               swept.status().ToString());
    return;
  }
  for (const std::string& name : *swept) {
    LogInfo(kEngineLogTag, name + ": left-over removed");
  }
}

Status Engine::SweepScratch(const std::string& folder,
                            std::vector<std::string>* swept) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, fs_->List(folder));
  if (std::ranges::none_of(names, IsScratchName)) {
    return Status::Ok();
  }
  const auto lock = fs_->Lock(JoinPath(folder, kVerifyLock));
  return lock.ok() ? RemoveScratch(folder, swept) : Status::Ok();
}

Status Engine::RemoveScratch(const std::string& folder,
                             std::vector<std::string>* swept) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, fs_->List(folder));
  for (const std::string& name : names) {
    if (!IsScratchName(name)) continue;
    LEVELKEEP_RETURN_IF_ERROR(RemoveTree(fs_, JoinPath(folder, name)));
    swept->push_back(name);
  }
  return Status::Ok();
}

std::string Engine::VerifyFolder(const CatalogEntry& backup) const {
  const std::string id = backup.manifest ? backup.manifest->db_id : "";
  const std::string folder = records_.Folder(id);
  return !id.empty() && PathExists(fs_, folder) ? folder : StatePath("");
}

std::vector<std::string> Engine::JobsFolders() const {
  const auto folders = records_.ListFolders();
  std::vector<std::string> jobs;
  for (const std::string& folder :
       folders.ok() ? *folders : std::vector<std::string>()) {
    jobs.push_back(JoinPath(folder, kJobs));
  }
  return jobs;
}

Result<std::vector<BackupInfo>> Engine::List() {
  LEVELKEEP_ASSIGN_OR_RETURN(auto listing, catalog_.ListRecent());
  std::vector<BackupInfo> backups;
  backups.reserve(listing->size());
  for (const Listing::Entry& entry : listing->entries()) {
    backups.push_back(ToBackupInfo(*entry, listing->IsOther(*entry)));
  }
  return backups;
}

Result<uint64_t> Engine::Visit(
    const std::function<bool(const BackupInfo&)>& visit,
    const std::string& after) {
  if (!after.empty()) LEVELKEEP_RETURN_IF_ERROR(RequireBackupName(after));
  LEVELKEEP_ASSIGN_OR_RETURN(auto listing, catalog_.ListRecent());
  const auto& entries = listing->entries();
  BackupInfo info;
  for (auto it = FirstAfter(entries, after); it != entries.end(); ++it) {
    FillBackupInfo(**it, listing->IsOther(**it), &info);
    if (!visit(info)) break;
  }
  return uint64_t{listing->size()};
}

// A whole name needs no list of backups.
Result<FoundBackup> Engine::Find(const std::string& name, NameMatch match) {
  auto entry = catalog_.Find(name);
  if (entry.ok()) return FoundBackup{std::move(*entry)};
  const bool unknown = entry.status().code() == StatusCode::kNotFound ||
                       entry.status().code() == StatusCode::kInvalidArgument;
  if (name == "latest" || !unknown) return entry.status();
  LEVELKEEP_ASSIGN_OR_RETURN(auto listing, catalog_.ListRecent());
  const auto names = NamesThatBegin(*listing, name);
  if (names.empty()) return entry.status();
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string whole,
                             Complete(name, names, match));
  LEVELKEEP_ASSIGN_OR_RETURN(CatalogEntry completed, catalog_.Find(whole));
  return FoundBackup{std::move(completed)};
}

Result<FoundBackup> Engine::Locate(const std::string& source, NameMatch match) {
  if (source.find('/') == std::string::npos) {
    auto found = Find(source, match);
    if (found.ok() || !PathExists(fs_, source)) return found;
  }
  FoundBackup file;
  file.name = BaseName(source);
  file.path = source;
  file.by_path = true;
  return file;
}

Result<std::vector<std::string>> Engine::PendingVerification() {
  LEVELKEEP_ASSIGN_OR_RETURN(auto listing, catalog_.ListRecent());
  const auto& entries = listing->entries();
  std::vector<std::string> names;
  for (auto it = entries.rbegin(); it != entries.rend(); ++it) {
    const CatalogEntry& entry = **it;
    if (entry.manifest && !entry.judged() && entry.is_local() &&
        !listing->IsOther(entry)) {
      names.push_back(entry.name);
    }
  }
  return names;
}

Status Engine::Delete(const std::string& name, bool force,
                      bool other_database) {
  LEVELKEEP_RETURN_IF_ERROR(catalog_.RequireDirectory());
  LEVELKEEP_ASSIGN_OR_RETURN(auto lock, LockForWriting());
  LEVELKEEP_ASSIGN_OR_RETURN(CatalogEntry entry, catalog_.Find(name));
  LEVELKEEP_RETURN_IF_ERROR(RefuseOther({entry}, other_database));
  if (entry.pinned) {
    return Status(StatusCode::kRefused, entry.name + " is pinned",
                  "unpin it before you delete it");
  }
  LEVELKEEP_ASSIGN_OR_RETURN(auto listing, catalog_.List());
  const CatalogEntry* const newest = listing->newest_verified();
  if (!force && newest != nullptr && newest->name == entry.name) {
    return Status(StatusCode::kRefused,
                  entry.name + " is the newest verified backup",
                  "verify a newer one first, or delete it with force");
  }
  LEVELKEEP_RETURN_IF_ERROR(chain_.Remove(
      entry.name, "delete", force ? "on request, forced" : "on request"));
  LogInfo(kEngineLogTag, entry.name + ": deleted on request");
  return Status::Ok();
}

void Engine::NoteCovered(const std::string& name) {
  const Status noted = catalog_.RecordCovered(name, clock_->Now());
  if (noted.ok()) return;
  LogWarn(kEngineLogTag, name +
                             ": that it still has every write was not "
                             "recorded: " +
                             noted.ToString());
}

Status Engine::Pin(const std::string& name, bool pinned) {
  LEVELKEEP_ASSIGN_OR_RETURN(CatalogEntry entry, catalog_.Find(name));
  return catalog_.SetPinned(entry.name, pinned);
}

}  // namespace levelkeep
