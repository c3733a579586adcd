// Which database the backups belong to: the identity of the database, whether
// it is still the one that BACKUP_DIR remembers, and whether folders lead into
// each other under different names.

#include <unistd.h>

#include <algorithm>
#include <set>
#include <thread>
#include <utility>

#include "base/hash.h"
#include "base/log.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "dbfiles/database_files.h"
#include "dbfiles/db_lock.h"
#include "engine/engine.h"
#include "restore/context.h"

namespace levelkeep {

namespace {

// A process that only looks for a writer holds the writer's lock for an
// instant.
constexpr int kWriterAttempts = 50;
constexpr std::chrono::milliseconds kWriterDelay{20};

std::string Describe(const DatabaseHead& head) {
  return "write " + std::to_string(head.sequence) + " (MANIFEST " +
         std::to_string(head.manifest_number) + ")";
}

// Why the history that `identity` names does not continue; empty: it does.
// `head` is null if it is not known.
std::string WhyForked(const DatabaseIdentity& identity,
                      const DatabaseHead* head, const DatabaseRecord* record,
                      const Listing* listing) {
  const bool as_recorded =
      record != nullptr && identity.epoch == record->identity.epoch;
  const bool as_expected =
      record != nullptr && identity.epoch == record->expected_epoch;
  if (record != nullptr && !as_recorded && !as_expected) {
    return "its folder was put back or replaced since the last start";
  }
  DatabaseHead reached;
  if (as_recorded) reached = record->head;
  const CatalogEntry* const newest =
      listing == nullptr ? nullptr : listing->NewestOfEpoch(identity.epoch);
  if (newest != nullptr) {
    const Manifest& manifest = *newest->manifest;
    reached.sequence = std::max(reached.sequence, manifest.last_sequence);
    reached.manifest_number =
        std::max(reached.manifest_number, manifest.manifest_number);
  }
  if (head == nullptr || (head->sequence >= reached.sequence &&
                          head->manifest_number >= reached.manifest_number)) {
    return "";
  }
  return "it stands at " + Describe(*head) + ", but had reached " +
         Describe(reached) +
         ": it was put back, repaired, created again, or lost writes";
}

using FolderId = std::pair<uint64_t, uint64_t>;  // device, inode

// A limit that is higher than any real path needs.
constexpr int kMostParents = 256;

// Nothing: the path does not exist or can't be read.
std::optional<FolderId> IdOf(FileSystem* fs, const std::string& path) {
  const auto info = fs->StatFollowing(path);
  if (!info.ok() || info->type != FileType::kDirectory) return std::nullopt;
  return FolderId{info->device, info->inode};
}

// The folder (or the nearest parent that exists) and all folders above it. ".."
// is the parent of the real folder, not of a link to it.
std::set<FolderId> FolderAndParents(FileSystem* fs, std::string path) {
  while (!IdOf(fs, path) && path != ParentPath(path)) path = ParentPath(path);
  std::set<FolderId> folders;
  for (int i = 0; i < kMostParents; ++i) {
    const auto id = IdOf(fs, path);
    if (!id || !folders.insert(*id).second) break;
    path = JoinPath(path, "..");
  }
  return folders;
}

// The database's folder and its subfolders, because a subfolder may also be
// mounted at another place.
std::vector<std::string> FoldersOfDatabase(FileSystem* fs,
                                           const std::string& db_dir) {
  std::vector<std::string> folders = {db_dir};
  const auto names = fs->List(db_dir);
  if (!names.ok()) return folders;
  for (const std::string& name : *names) {
    if (ParseDbFileName(name).kind != DbFileKind::kUnknown) continue;
    const std::string path = JoinPath(db_dir, name);
    const auto info = fs->Stat(path);
    if (info.ok() && info->type == FileType::kDirectory) {
      folders.push_back(path);
    }
  }
  return folders;
}

}  // namespace

std::string Engine::Place() const {
  return AbsolutePath(options_.storage_path());
}

bool Engine::DatabasePresent() const {
  return HoldsDatabase(fs_, options_.storage_path());
}

std::string Engine::RememberedId() const {
  const auto id = records_.FindPlace(Place());
  return id.ok() ? *id : "";
}

Owner Engine::ReadOwner() const {
  Owner owner;
  if (!platform_.has_storage) return owner;
  const auto identity = ReadIdentity(fs_, options_.storage_path());
  if (identity.ok()) {
    owner.id = identity->id;
    if (owner.id.empty()) {
      owner.id = RememberedId();
    }
    owner.known = !owner.id.empty() || DatabasePresent();
  }
  owner.alone = !records_.HasOther(owner.id);
  return owner;
}

Status Engine::RequireDatabase() const {
  if (DatabasePresent()) return Status::Ok();
  const std::string place = Place();
  LEVELKEEP_ASSIGN_OR_RETURN(const auto records, records_.List());
  const bool remembered = std::ranges::any_of(
      records, [&](const auto& record) { return record.IsAt(place); });
  if (!remembered) return Status::Ok();
  return Status(StatusCode::kRefused,
                "there is no database in " + place + ", but " +
                    options_.backup_dir + " remembers one there",
                "mount its volume, or restore a backup (levelkeep restore "
                "latest), or set ALLOW_NEW_DATABASE=true to begin anew");
}

Result<bool> Engine::IsCopy(const std::string& id, bool attach) {
  if (writer_ != nullptr && writer_id_ == id) return false;  // that is us
  for (int attempt = 1;; ++attempt) {
    auto lock = records_.Lock(id, DatabaseRecords::kWriter);
    if (lock.ok()) {
      if (attach) {
        writer_ = std::move(*lock);
        writer_id_ = id;
      }
      return false;
    }
    if (lock.status().code() != StatusCode::kBusy) {
      LogWarn(kEngineLogTag,
              "a second database with the same identity would "
              "not be noticed: " +
                  lock.status().ToString());
      return false;
    }
    if (attempt == kWriterAttempts) break;
    std::this_thread::sleep_for(kWriterDelay);
  }
  return true;
}

// A process that has this very database open is not a copy of it.
Result<bool> Engine::MayBeCopy(const std::optional<DatabaseRecord>& record) {
  if (!record || record->places.empty() || record->places.front() == Place()) {
    return false;
  }
  std::string holder;
  LEVELKEEP_ASSIGN_OR_RETURN(
      const DbLock::State state,
      DbLock::Probe(fs_, options_.storage_path(), &holder));
  return state == DbLock::State::kFree;
}

// Identifies the database by its folder, or by its place, or gives it a new
// identity.
Status Engine::NameDatabase(Finding* finding) const {
  DatabaseIdentity& identity = finding->identity;
  if (identity.epoch.empty()) identity.epoch = RandomId();
  if (identity.id.empty()) {
    LEVELKEEP_ASSIGN_OR_RETURN(identity.id, records_.FindPlace(Place()));
    if (identity.id.empty()) {
      identity.id = RandomId();
    } else {
      finding->forked = "another database was here before";
    }
  }
  if (auto loaded = records_.Load(identity.id); loaded.ok()) {
    finding->record = std::move(*loaded);
  }
  return Status::Ok();
}

// A copy that is in use at the same time as its original gets a new identity.
Status Engine::PartFromOriginal(bool attach, Finding* finding) {
  DatabaseIdentity& identity = finding->identity;
  // A caller that does not attach may work beside the writer of this very
  // database, and has no reason to look for another writer.
  LEVELKEEP_ASSIGN_OR_RETURN(
      const bool possible,
      attach ? Result<bool>(true) : MayBeCopy(finding->record));
  if (!possible) return Status::Ok();
  LEVELKEEP_ASSIGN_OR_RETURN(const bool copy, IsCopy(identity.id, attach));
  if (!copy) return Status::Ok();
  const std::optional<DatabaseRecord>& original = finding->record;
  const bool placed = original && !original->places.empty();
  finding->forked =
      "it is a copy of the database in " +
      (placed ? original->places.front() : std::string("another place")) +
      ", which " +
      (original && !original->writer.empty() ? original->writer
                                             : std::string("another process")) +
      " has open: it is a database of its own now";
  identity.id = RandomId();
  finding->record.reset();
  return attach ? IsCopy(identity.id, true).status() : Status::Ok();
}

// 1. read the folder   2. identify the database   3. is it a copy?
// 4. does its history continue where it ended?   5. record the changes
Result<Adoption> Engine::Adopt(bool attach) {
  const std::string db_dir = options_.storage_path();
  MutexLock lock(&writer_mutex_);
  Finding finding;
  LEVELKEEP_ASSIGN_OR_RETURN(finding.identity, ReadIdentity(fs_, db_dir));
  const DatabaseIdentity before = finding.identity;
  if (auto head = ReadHead(fs_, db_dir, &finding.gap); head.ok()) {
    finding.head = *head;
  }
  LEVELKEEP_RETURN_IF_ERROR(NameDatabase(&finding));
  // All backups were listed when the database was attached.
  const bool known = writer_ != nullptr && writer_id_ == finding.identity.id;
  LEVELKEEP_RETURN_IF_ERROR(PartFromOriginal(attach, &finding));
  if (finding.forked.empty()) {
    std::shared_ptr<const Listing> listing;
    if (!known) {
      if (auto listed = catalog_.List(); listed.ok()) listing = *listed;
    }
    finding.forked =
        WhyForked(finding.identity, finding.head ? &*finding.head : nullptr,
                  finding.record ? &*finding.record : nullptr, listing.get());
  }
  if (!finding.forked.empty()) {
    BeginEpoch(&finding.identity);
    LogWarn(kEngineLogTag, "database " + db_dir + " begins a new history: " +
                               finding.forked + "; its earlier backups stay");
  }
  if (finding.identity != before) {
    LEVELKEEP_RETURN_IF_ERROR(WriteIdentity(fs_, db_dir, finding.identity));
    catalog_.ForgetOwner();
  }
  return Conclude(finding, attach);
}

Adoption Engine::Conclude(const Finding& finding, bool attach) {
  DatabaseRecord next = finding.record.value_or(DatabaseRecord());
  if (next.identity.epoch != finding.identity.epoch) {
    next.head = {};
    next.forked.clear();
  }
  next.identity = finding.identity;
  if (finding.head) next.head = *finding.head;
  if (!finding.forked.empty()) next.forked = finding.forked;
  next.expected_epoch.clear();
  next.PutPlace(Place(), attach);
  if (attach) {
    next.writer = "process " + std::to_string(::getpid()) + " on " + HostName();
  }
  // If we die here: the next start compares with an older record.
  if (next != finding.record) StoreDatabase(next);
  return {finding.identity, next.forked, !finding.forked.empty(), finding.gap};
}

bool Engine::IsAdopted() const {
  MutexLock lock(&writer_mutex_);
  return writer_ != nullptr;
}

// A failure here is only logged: the database's own folder holds its identity.
void Engine::StoreDatabase(const DatabaseRecord& record) {
  const auto store = [&]() -> Status {
    LEVELKEEP_RETURN_IF_ERROR(Prepare());
    LEVELKEEP_ASSIGN_OR_RETURN(auto state_lock, catalog_.folder()->LockState());
    return records_.Store(record);
  };
  const Status stored = store();
  if (stored.ok()) return;
  LogWarn(kEngineLogTag, options_.backup_dir +
                             " does not remember what the database has "
                             "reached: " +
                             stored.ToString());
}

void Engine::RememberHead(const DatabaseHead& head) {
  const auto identity = ReadIdentity(fs_, options_.storage_path());
  if (!identity.ok() || identity->id.empty()) return;
  auto record = records_.Load(identity->id);
  if (!record.ok() || record->identity.epoch != identity->epoch ||
      record->head == head) {
    return;
  }
  record->head = head;
  StoreDatabase(*record);
}

void Engine::ExpectHistory(const DatabaseIdentity& coming) {
  auto record = records_.Load(coming.id);
  if (!record.ok()) return;
  record->expected_epoch = coming.epoch;
  StoreDatabase(*record);
}

void Engine::Release() {
  MutexLock lock(&writer_mutex_);
  if (writer_ == nullptr) return;
  const auto head = ReadHead(fs_, options_.storage_path());
  if (head.ok()) RememberHead(*head);
  writer_.reset();
}

// A restore replaces the database's folder as a whole, and the contents of our
// work folder come and go.
Status Engine::RefuseInside(const std::string& what,
                            const std::string& folder) const {
  auto forbidden = FoldersOfDatabase(fs_, options_.storage_path());
  forbidden.push_back(WorkDirOf(options_.storage_dir, options_.db_name));
  const std::set<FolderId> above = FolderAndParents(fs_, folder);
  for (const std::string& path : forbidden) {
    const auto id = IdOf(fs_, path);
    if (!id || !above.contains(*id)) continue;
    return Status(StatusCode::kInvalidArgument,
                  what + " (" + folder + ") leads into " + path +
                      ", which a restore replaces",
                  "use a folder outside of the database's own");
  }
  return Status::Ok();
}

Status Engine::CheckFolders() const {
  LEVELKEEP_RETURN_IF_ERROR(RefuseInside("BACKUP_DIR", options_.backup_dir));
  return RefuseInside("RESTORE_DIR", options_.restore_dir);
}

}  // namespace levelkeep
