#include "catalog/catalog.h"

#include <algorithm>
#include <utility>

#include "archive/archive_reader.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {

namespace {

// REQUIRES: `type` is not a regular file.
std::string_view TypeProblem(FileType type) {
  if (type == FileType::kDirectory) return "is a folder, not a backup";
  if (type == FileType::kSymlink) {
    return "is a symbolic link; put the archive itself here";
  }
  return "is not a regular file";
}

Status NoSuchBackup(const std::string& name) {
  return Status(StatusCode::kNotFound, "there is no backup " + name,
                "list the backups to see their names");
}

std::string PlacesOf(const CatalogEntry& entry) {
  std::vector<std::string> places;
  for (const BackupCopy& copy : entry.copies) {
    places.push_back(copy.destination);
  }
  return Join(places, " and ");
}

// True if only the owner and root could have written the file. NTFS and FAT
// show one mode for all files, in which everybody who may read may write: there
// only the owner counts.
bool IsUnforged(const FileInfo& state, uint32_t archive_mode) {
  const uint32_t writers = state.mode & 022;
  const uint32_t readers = (state.mode & 044) >> 1;
  const bool no_modes = state.mode == archive_mode && (writers & ~readers) == 0;
  return writers == 0 || no_modes;
}

// Existing backups may all be damaged, or unreadable for this user.
Status NoUsableBackup(const Listing& listing, const std::string& directory) {
  const auto& entries = listing.entries();
  const auto own = std::ranges::find_if(
      entries, [&](const auto& entry) { return listing.IsOwn(*entry); });
  if (own == entries.end()) {
    return Status(StatusCode::kNotFound, "there is no usable backup yet",
                  "create one first");
  }
  const std::string& problem = (*own)->problem;
  return Status(StatusCode::kNotFound,
                "no backup in " + directory + " is usable, beginning with " +
                    (*own)->name + (problem.empty() ? "" : ": " + problem),
                "levelkeep list shows them all");
}

// True if the record of a verification is about this very archive.
bool SpeaksOf(const BackupState& state, const CatalogEntry& entry) {
  return state.verification && state.size_bytes == entry.size_bytes &&
         state.mtime_ns == entry.mtime_ns && !state.sha256.empty() &&
         (entry.sha256.empty() || state.sha256 == entry.sha256);
}

// True if the facts are about the archive with the digest in its sidecar.
bool AreOf(const BackupState& state, const CatalogEntry& entry) {
  return state.facts && state.facts->size_bytes == entry.size_bytes &&
         state.facts->mtime_ns == entry.mtime_ns &&
         state.facts->sha256 == entry.sha256;
}

// Copies the state file's content to the entry if it is about this very
// archive.
void ApplyState(const BackupState& state, CatalogEntry* entry) {
  entry->pinned = state.pinned;
  entry->copies = state.copies;
  if (AreOf(state, *entry)) entry->warning = state.warning;
  if (SpeaksOf(state, *entry)) {
    entry->verification = state.verification;
    entry->verified_sha256 = state.sha256;
  }
  if (state.not_checked && state.not_checked->size_bytes == entry->size_bytes &&
      state.not_checked->mtime_ns == entry->mtime_ns) {
    entry->not_checked = state.not_checked;
  }
  if (state.covered && state.covered->size_bytes == entry->size_bytes &&
      state.covered->mtime_ns == entry->mtime_ns) {
    entry->covered_until = state.covered->until;
  }
}

// An archive that was made here under this name, and is no archive of ours any
// more, is not foreign but damaged, whatever was found out about it before.
void Accuse(const ManifestFacts& facts, CatalogEntry* entry) {
  entry->foreign = false;
  entry->problem.clear();
  entry->manifest = ManifestForListing(facts.manifest);
  VerifyRecord verdict;
  verdict.at = entry->created();
  verdict.message = "it has no table of contents any more, and " +
                    std::to_string(entry->size_bytes) + " bytes instead of " +
                    std::to_string(facts.size_bytes) +
                    ": it was cut off or overwritten";
  entry->verification = std::move(verdict);
}

}  // namespace

Catalog::Catalog(FileSystem* fs, std::string directory, Clock* clock,
                 OwnerSource owner)
    : fs_(fs),
      directory_(std::move(directory)),
      clock_(clock),
      owner_(std::move(owner)),
      folder_(fs, directory_,
              [this](const std::string& name) { return IsKnown(name); }) {}

Status Catalog::RequireDirectory() const {
  const auto info = fs_->StatFollowing(directory_);
  if (info.status().code() != StatusCode::kNotFound) return info.status();
  return Status(StatusCode::kNotFound,
                "BACKUP_DIR (" + directory_ + ") does not exist",
                "is its volume mounted? levelkeep serve and levelkeep create "
                "make the folder");
}

std::string Catalog::StateDirectory() const {
  return JoinPath(directory_, kStateFolder);
}

std::string Catalog::StatePath(const std::string& name) const {
  return JoinPath(StateDirectory(), name + ".json");
}

Catalog::Fingerprint Catalog::Probe(const std::string& path,
                                    bool with_owner) const {
  const Result<FileInfo> info = fs_->Stat(path);
  if (!info.ok()) {
    // A file that can't be examined is not missing: its state may hold a pin.
    // This fingerprint differs from any real one, so that the next scan looks
    // again.
    Fingerprint unknown;
    unknown.present = info.status().code() != StatusCode::kNotFound;
    return unknown;
  }
  Fingerprint found{true, info->size_bytes, info->mtime_ns, info->inode};
  if (with_owner) {
    found.mode = info->mode;
    found.owner = info->owner;
  }
  return found;
}

bool Catalog::ReadArchive(CatalogEntry* entry) const {
  auto reader = ArchiveReader::Open(fs_, entry->path);
  if (!reader.ok()) {
    entry->problem = reader.status().message();
    if (reader.status().code() == StatusCode::kPermissionDenied) {
      entry->problem += " (" + reader.status().hint() + ")";
    }
    // Bad bytes stay bad; but a failing disk or a wrong mode may be repaired
    // without a change of size, mtime or inode.
    return reader.status().code() == StatusCode::kCorruption ||
           reader.status().code() == StatusCode::kUnsupported;
  }
  const ArchiveOutline& outline = (*reader)->outline();
  if (outline.own && outline.manifest) {
    entry->manifest = ManifestForListing(*outline.manifest);
  } else {
    entry->foreign = true;
    entry->problem = "was not made by LevelKeep: it has no manifest";
  }
  return true;
}

// Uses one descriptor, so that the file that is judged is the file that is
// read.
Result<BackupState> Catalog::LoadState(const std::string& name,
                                       uint32_t archive_mode) const {
  const std::string path = StatePath(name);
  LEVELKEEP_ASSIGN_OR_RETURN(const auto file, fs_->Open(path, OpenMode::kRead));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, file->Stat());
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string text,
                             ReadAll(*file, path, kSmallFileLimit));
  LEVELKEEP_ASSIGN_OR_RETURN(BackupState state, DecodeBackupState(text));
  if (!IsOurOwn(fs_, info, directory_) || !IsUnforged(info, archive_mode)) {
    const bool pinned = state.pinned;
    state = BackupState();
    state.pinned = pinned;
  }
  return state;
}

void Catalog::ReadCompanions(uint32_t archive_mode, Cached* cached,
                             BackupState* state) const {
  CatalogEntry& entry = cached->entry;
  if (cached->sidecar.present) entry.sha256 = SidecarOf(entry.name);
  if (!cached->state.present) return;
  auto known = LoadState(entry.name, archive_mode);
  if (known.ok()) {
    *state = std::move(*known);
    ApplyState(*state, &entry);
  } else {
    // Rotation must not remove a backup that may be pinned. A failing disk may
    // be repaired without a change of the file.
    entry.pinned = true;
    cached->final = known.status().code() == StatusCode::kCorruption;
  }
}

// A state file without an archive is a backup if it names a copy elsewhere.
Catalog::CachedPtr Catalog::ReadElsewhere(const std::string& name,
                                          const BackupName& parsed,
                                          const CachedPtr& old) const {
  auto result = std::make_shared<Cached>();
  result->state = Probe(StatePath(name), true);
  if (!result->state.present) return nullptr;
  if (old != nullptr && !old->entry.is_local() && old->state == result->state) {
    return old;
  }
  const auto state = LoadState(name, 0);
  if (!state.ok() || !state->facts || state->copies.empty()) return nullptr;
  CatalogEntry& entry = result->entry;
  entry.name = name;
  entry.parsed = parsed;
  entry.size_bytes = state->facts->size_bytes;
  entry.mtime_ns = state->facts->mtime_ns;
  entry.sha256 = state->facts->sha256;
  entry.manifest = ManifestForListing(state->facts->manifest);
  ApplyState(*state, &entry);
  return result;
}

Catalog::CachedPtr Catalog::Read(const std::string& name,
                                 const BackupName& parsed, const CachedPtr& old,
                                 bool sidecar_exists, bool state_exists) const {
  const std::string path = JoinPath(directory_, name);
  const Result<FileInfo> info = fs_->Stat(path);
  if (info.status().code() == StatusCode::kNotFound) {
    return state_exists ? ReadElsewhere(name, parsed, old) : nullptr;
  }
  Fingerprint archive, sidecar, state;
  const bool regular = info.ok() && info->type == FileType::kRegular;
  if (regular) {
    archive = {true, info->size_bytes, info->mtime_ns, info->inode, info->mode};
    if (sidecar_exists) sidecar = Probe(path + ".sha256", false);
    if (state_exists) state = Probe(StatePath(name), true);
    // Another process is giving the archive its name now, or was killed while
    // it did.
    if (IsClaim(*info) && !sidecar.present && !state.present &&
        folder_.HasPart()) {
      return nullptr;
    }
  }
  const bool same_archive =
      regular && old != nullptr && old->final && old->archive == archive;
  if (same_archive && old->sidecar == sidecar && old->state == state) {
    return old;
  }
  auto result = std::make_shared<Cached>();
  CatalogEntry& entry = result->entry;
  entry.name = name;
  entry.path = path;
  entry.parsed = parsed;
  if (!regular) {
    entry.problem =
        info.ok() ? TypeProblem(info->type) : info.status().message();
    result->final = false;
    return Unchanged(old, *result) ? old : result;
  }
  result->archive = archive;
  result->sidecar = sidecar;
  result->state = state;
  entry.size_bytes = info->size_bytes;
  entry.mtime_ns = info->mtime_ns;
  entry.inode = info->inode;
  BackupState known;
  ReadCompanions(info->mode, result.get(), &known);
  if (same_archive) {
    entry.manifest = old->entry.manifest;
    entry.foreign = old->entry.foreign;
    entry.problem = old->entry.problem;
    result->lost_manifest = old->lost_manifest;
  } else if (AreOf(known, entry) &&
             fs_->CheckAccess(path, Access::kRead).ok()) {
    entry.manifest = ManifestForListing(known.facts->manifest);
  } else {
    result->final = ReadArchive(&entry) && result->final;
    result->lost_manifest = entry.foreign && known.facts.has_value();
  }
  if (result->lost_manifest && known.facts) Accuse(*known.facts, &entry);
  return Unchanged(old, *result) ? old : result;
}

bool Catalog::Unchanged(const CachedPtr& old, const Cached& fresh) {
  return !fresh.final && old != nullptr && !old->final &&
         old->archive == fresh.archive && old->sidecar == fresh.sidecar &&
         old->state == fresh.state && old->entry.problem == fresh.entry.problem;
}

Catalog::CachedPtr Catalog::Known(const std::string& name) const {
  if (const auto it = found_.find(name); it != found_.end()) return it->second;
  return last_ == nullptr ? nullptr : FindIn(last_->content->by_name, name);
}

Catalog::CachedPtr Catalog::FindIn(const std::vector<CachedPtr>& by_name,
                                   const std::string& name) {
  const auto it = std::ranges::lower_bound(
      by_name, name, {}, [](const CachedPtr& cached) -> const std::string& {
        return cached->entry.name;
      });
  return it != by_name.end() && (*it)->entry.name == name ? *it : nullptr;
}

Catalog::CachedPtr Catalog::Lookup(const std::string& name,
                                   const BackupName& parsed) {
  CachedPtr known;
  {
    MutexLock lock(&mutex_);
    known = Known(name);
  }
  CachedPtr cached = Read(name, parsed, known, /*sidecar_exists=*/true,
                          /*state_exists=*/true);
  if (cached == known) return cached;
  MutexLock lock(&mutex_);
  ++changes_;
  if (cached == nullptr) {
    found_.erase(name);
  } else {
    found_[name] = cached;
  }
  return cached;
}

Result<CatalogEntry> Catalog::Find(const std::string& name) {
  if (name != "latest") {
    const std::optional<BackupName> parsed = ParseBackupName(name);
    if (!parsed) return RequireBackupName(name);
    const CachedPtr cached = Lookup(name, *parsed);
    if (cached == nullptr) return NoSuchBackup(name);
    return cached->entry;
  }
  LEVELKEEP_ASSIGN_OR_RETURN(auto listing, ListRecent());
  if (const CatalogEntry* newest = listing->newest_usable()) {
    const CachedPtr cached = Lookup(newest->name, newest->parsed);
    if (cached != nullptr && &cached->entry == newest) return cached->entry;
  }
  // The cached answer is outdated or missing: look at all files.
  LEVELKEEP_ASSIGN_OR_RETURN(listing, List());
  if (listing->newest_usable() != nullptr) return *listing->newest_usable();
  if (listing->ambiguous()) {
    return Status(StatusCode::kInvalidArgument,
                  directory_ +
                      " has backups of several databases, and no database here "
                      "shows which of them is meant",
                  "give the backup's name: levelkeep list shows them");
  }
  return NoUsableBackup(*listing, directory_);
}

Result<Catalog::OpenedBackup> Catalog::Open(const CatalogEntry& entry,
                                            const Work& work) {
  if (!entry.is_local()) return OpenElsewhere(entry, work);
  OpenedBackup opened;
  LEVELKEEP_ASSIGN_OR_RETURN(opened.object, folder_.Stat(entry.name, work));
  LEVELKEEP_ASSIGN_OR_RETURN(
      opened.bytes, folder_.Open(entry.name, opened.object.version, work));
  return opened;
}

// Opens the first available copy, or returns the error of the last one.
Result<Catalog::OpenedBackup> Catalog::OpenElsewhere(const CatalogEntry& entry,
                                                     const Work& work) {
  Status why(
      StatusCode::kUnsupported,
      entry.name + " lies in " + PlacesOf(entry) +
          ", which is not configured here",
      "configure that destination, or copy the archive into " + directory_);
  for (const BackupCopy& copy : entry.copies) {
    for (Destination* const destination : destinations_) {
      if (destination->Id() != copy.destination) continue;
      auto bytes = destination->Open(copy.object, copy.version, work);
      if (bytes.ok()) {
        return OpenedBackup{
            std::move(*bytes),
            {copy.object, copy.size_bytes, copy.version, copy.sha256}};
      }
      why = bytes.status().WithContext(copy.destination);
    }
  }
  return why;
}

}  // namespace levelkeep
