// The ledger of removed backups, and what the chain of backups proves.

#include "engine/chain.h"

#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/log.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "catalog/removal_totals.h"
#include "engine/database.h"

namespace levelkeep {

namespace {

// The manifest of an archive, with the backup before it, which listings leave
// out; null: it has none.
std::shared_ptr<const Manifest> WholeManifest(FileSystem* fs,
                                              const CatalogEntry& entry) {
  if (!entry.manifest || !entry.is_local()) return nullptr;
  const auto reader = ArchiveReader::Open(fs, entry.path);
  return reader.ok() ? (*reader)->outline().manifest : nullptr;
}

std::string WhyUnchained(const CatalogEntry& entry,
                         const std::shared_ptr<const Manifest>& manifest) {
  if (!entry.is_local()) return "its archive is in another destination";
  if (entry.foreign) return "LevelKeep did not make it";
  if (!entry.manifest) return "it is unreadable: " + entry.problem;
  return manifest ? "" : "its manifest can't be read";
}

// The databases that the backups are of, besides those that name none.
std::set<std::string> DatabasesOf(const Listing& listing) {
  std::set<std::string> ids;
  for (const Listing::Entry& entry : listing.entries()) {
    if (entry->manifest && !entry->manifest->db_id.empty()) {
      ids.insert(entry->manifest->db_id);
    }
  }
  return ids;
}

}  // namespace

std::string BackupChain::FolderOf(const std::string& database_id) const {
  const std::string folder = records_->Folder(database_id);
  const bool named = !database_id.empty() && PathExists(fs_, folder);
  return named ? folder : nameless_folder_;
}

Result<std::vector<RemovalTotal>> BackupChain::Totals(
    const std::string& database_id) const {
  return RemovalTotals(fs_, FolderOf(database_id)).Load();
}

// The ledger knows what is removed from now on. Backups that are there already
// may have been made before this version, and gone before it.
void BackupChain::BeginLedger(const std::string& database_id,
                              const Listing& listing) const {
  Time since = std::chrono::floor<std::chrono::seconds>(clock_->Now()) -
               std::chrono::seconds(1);
  since = std::max(since, listing.latest_created());
  const Status begun = RemovalLedger(fs_, FolderOf(database_id)).Begin(since);
  if (begun.ok()) return;
  LogWarn(kEngineLogTag,
          "the ledger of removed backups was not begun: " + begun.ToString());
}

Removal BackupChain::DescribeRemoval(const CatalogEntry& entry,
                                     const std::string& act,
                                     const std::string& reason) const {
  Removal removal;
  removal.at = clock_->Now();
  removal.act = act;
  removal.by = "process " + std::to_string(::getpid()) + " on " + HostName();
  removal.reason = reason;
  removal.name = entry.name;
  removal.sha256 = entry.sha256;
  if (const auto manifest = WholeManifest(fs_, entry)) {
    removal.id = manifest->id;
    removal.epoch = manifest->db_epoch;
    removal.previous_name = manifest->previous_name;
    removal.previous_sha256 = manifest->previous_sha256;
  }
  return removal;
}

// 1. the ledger   2. the archive   3. the count. If we die in between: the
// ledger has a backup that is still there, which is no contradiction. On a full
// disk the ledger comes after the archive, whose removal makes the space.
Status BackupChain::Remove(const std::string& name, const std::string& act,
                           const std::string& reason) const {
  LEVELKEEP_ASSIGN_OR_RETURN(const CatalogEntry entry, catalog_->Find(name));
  const Removal removal = DescribeRemoval(entry, act, reason);
  const std::string folder =
      FolderOf(entry.manifest ? entry.manifest->db_id : "");
  const auto append = [&]() -> Status {
    LEVELKEEP_ASSIGN_OR_RETURN(const auto lock,
                               catalog_->folder()->LockState());
    return RemovalLedger(fs_, folder).Append(removal);
  };
  const Status appended = append();
  if (!appended.ok() && appended.code() != StatusCode::kNoSpace) {
    return appended.WithContext("the ledger of removed backups");
  }
  LEVELKEEP_RETURN_IF_ERROR(catalog_->Remove(name));
  const auto warn = [&](const char* what, const Status& status) {
    if (status.ok()) return;
    LogWarn(kEngineLogTag, name + " was removed, but " + what +
                               " does not say so: " + status.ToString());
  };
  if (!appended.ok()) warn("the ledger of removed backups", append());
  warn("the count of removed backups",
       RemovalTotals(fs_, folder).Add(act, entry.size_bytes));
  return Status::Ok();
}

ChainItem BackupChain::DescribeLink(const CatalogEntry& entry) const {
  ChainItem item;
  item.name = entry.name;
  item.sha256 = entry.sha256;
  item.recorded_sha256 = catalog_->RecordedSha256(entry.name);
  if (entry.damaged()) item.damage = entry.verification->message;
  const auto manifest = WholeManifest(fs_, entry);
  item.problem = WhyUnchained(entry, manifest);
  if (!manifest) return item;
  item.epoch = manifest->db_epoch;
  item.previous_name = manifest->previous_name;
  item.previous_sha256 = manifest->previous_sha256;
  return item;
}

Result<ChainReport> BackupChain::JudgeDatabase(const Listing& listing,
                                               const std::string& database_id,
                                               bool nameless_too) const {
  ChainReport report;
  report.database_id = database_id;
  std::vector<ChainItem> items;
  for (const Listing::Entry& entry : listing.entries()) {
    const std::string id = entry->manifest ? entry->manifest->db_id : "";
    const bool wanted = id.empty() ? nameless_too : id == database_id;
    if (wanted) items.push_back(DescribeLink(*entry));
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const Removals removals,
                             RemovalLedger(fs_, FolderOf(database_id)).Load());
  report.since = removals.since;
  report.damaged_lines = removals.damaged_lines;
  report.links = JudgeChain(items, removals);
  return report;
}

Result<std::vector<ChainReport>> BackupChain::Verify() const {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto listing, catalog_->List());
  std::set<std::string> ids = DatabasesOf(*listing);
  const Owner& owner = listing->owner();
  if (owner.known) ids = {owner.id};
  if (ids.empty()) ids.insert("");
  const bool alone = ids.size() == 1 && (!owner.known || owner.alone);
  std::vector<ChainReport> reports;
  for (const std::string& id : ids) {
    LEVELKEEP_ASSIGN_OR_RETURN(auto report, JudgeDatabase(*listing, id, alone));
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace levelkeep
