#include "catalog/catalog.h"

#include <algorithm>

#include "archive/archive_reader.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "catalog/backup_state.h"
#include "catalog/sidecar.h"

namespace levelkeep {

namespace {

constexpr uint64_t kSmallFileLimit = 64 << 10;

std::string_view TypeProblem(FileType type) {
  switch (type) {
    case FileType::kRegular:
      return "";
    case FileType::kDirectory:
      return "is a folder, not a backup";
    case FileType::kSymlink:
      return "is a symbolic link; put the archive itself here";
    case FileType::kOther:
      return "is not a regular file";
  }
  return "is not a regular file";
}

Status NoSuchBackup(const std::string& name) {
  return Status(StatusCode::kNotFound, "there is no backup " + name,
                "list the backups to see their names");
}

// Applies what the state file says of this very archive.
void ApplyState(const BackupState& state, CatalogEntry* entry) {
  entry->pinned = state.pinned;
  if (state.verification && state.size_bytes == entry->size_bytes &&
      state.mtime_ns == entry->mtime_ns &&
      (state.sha256.empty() || state.sha256 == entry->sha256)) {
    entry->verification = state.verification;
  }
}

}  // namespace

Catalog::Catalog(FileSystem* fs, std::string directory)
    : fs_(fs), directory_(std::move(directory)) {}

std::string Catalog::StateDirectory() const {
  return JoinPath(directory_, ".levelkeep");
}

std::string Catalog::StatePath(const std::string& name) const {
  return JoinPath(StateDirectory(), name + ".json");
}

Catalog::Fingerprint Catalog::Probe(const std::string& path) const {
  const Result<FileInfo> info = fs_->Stat(path);
  if (!info.ok()) return Fingerprint();
  return {true, info->size_bytes, info->mtime_ns, info->inode};
}

bool Catalog::ReadArchive(CatalogEntry* entry) const {
  auto reader = ArchiveReader::Open(fs_, entry->path);
  if (!reader.ok()) {
    entry->problem = reader.status().message();
    // Bad bytes stay bad; a failing disk or a wrong mode may be mended
    // without a trace in size, mtime or inode.
    return reader.status().code() == StatusCode::kCorruption ||
           reader.status().code() == StatusCode::kUnsupported;
  }
  const ArchiveOutline& outline = (*reader)->outline();
  if (outline.own && outline.manifest) {
    entry->manifest = outline.manifest;
    entry->manifest->files = {};
  } else {
    entry->foreign = true;
    entry->problem = "was not made by LevelKeep: it has no manifest";
  }
  return true;
}

void Catalog::ReadCompanions(Cached* cached) const {
  CatalogEntry& entry = cached->entry;
  if (cached->sidecar.present) {
    const auto text = ReadFile(fs_, entry.path + ".sha256", kSmallFileLimit);
    if (text.ok()) entry.sha256 = ParseSha256Sidecar(*text, entry.name);
  }
  if (!cached->state.present) return;
  const auto text = ReadFile(fs_, StatePath(entry.name), kSmallFileLimit);
  const auto state =
      text.ok() ? DecodeBackupState(*text) : Result<BackupState>(text.status());
  if (state.ok()) {
    ApplyState(*state, &entry);
  } else {
    // Rotation must not take what somebody may have pinned.
    entry.pinned = true;
  }
}

std::shared_ptr<const Catalog::Cached> Catalog::Read(
    const std::string& name, const BackupName& parsed,
    const std::shared_ptr<const Cached>& old, bool sidecar_exists,
    bool state_exists) const {
  auto result = std::make_shared<Cached>();
  CatalogEntry& entry = result->entry;
  entry.name = name;
  entry.path = JoinPath(directory_, name);
  entry.parsed = parsed;
  const Result<FileInfo> info = fs_->Stat(entry.path);
  if (!info.ok() || info->type != FileType::kRegular) {
    if (info.status().code() == StatusCode::kNotFound) return nullptr;
    entry.problem =
        info.ok() ? TypeProblem(info->type) : info.status().message();
    result->final = false;
    return result;
  }
  result->archive = {true, info->size_bytes, info->mtime_ns, info->inode};
  if (sidecar_exists) result->sidecar = Probe(entry.path + ".sha256");
  if (state_exists) result->state = Probe(StatePath(name));
  const bool same_archive =
      old != nullptr && old->final && old->archive == result->archive;
  if (same_archive && old->sidecar == result->sidecar &&
      old->state == result->state) {
    return old;
  }
  entry.size_bytes = info->size_bytes;
  entry.mtime_ns = info->mtime_ns;
  entry.inode = info->inode;
  if (same_archive) {
    entry.manifest = old->entry.manifest;
    entry.foreign = old->entry.foreign;
    entry.problem = old->entry.problem;
  } else {
    result->final = ReadArchive(&entry);
  }
  ReadCompanions(result.get());
  return result;
}

Result<std::vector<CatalogEntry>> Catalog::List() {
  Cache old;
  {
    MutexLock lock(&mutex_);
    old = cache_;
  }
  const auto names = fs_->List(directory_);
  if (!names.ok()) {
    if (names.status().code() == StatusCode::kNotFound) {
      return std::vector<CatalogEntry>();
    }
    return names.status();
  }
  const auto state_names = fs_->List(StateDirectory());
  const auto has_sidecar = [&](const std::string& name) {
    return std::binary_search(names->begin(), names->end(), name + ".sha256");
  };
  const auto has_state = [&](const std::string& name) {
    return state_names.ok() &&
           std::binary_search(state_names->begin(), state_names->end(),
                              name + ".json");
  };
  // Disk work happens outside the mutex: two callers may read the same new
  // archive twice, but none waits for a slow disk because of the other.
  Cache fresh;
  std::vector<CatalogEntry> entries;
  for (const std::string& name : *names) {
    const std::optional<BackupName> parsed = ParseBackupName(name);
    if (!parsed) continue;
    const auto it = old.find(name);
    auto cached = Read(name, *parsed, it == old.end() ? nullptr : it->second,
                       has_sidecar(name), has_state(name));
    if (cached == nullptr) continue;  // removed since the directory was read
    entries.push_back(cached->entry);
    fresh.emplace(name, std::move(cached));
  }
  {
    MutexLock lock(&mutex_);
    cache_ = std::move(fresh);
  }
  SortNewestFirst(&entries);
  return entries;
}

Result<CatalogEntry> Catalog::Find(const std::string& name) {
  if (name == "latest") {
    LEVELKEEP_ASSIGN_OR_RETURN(auto entries, List());
    for (CatalogEntry& entry : entries) {
      if (entry.manifest && !entry.damaged()) return std::move(entry);
    }
    return Status(StatusCode::kNotFound, "there is no usable backup yet",
                  "create one first");
  }
  const std::optional<BackupName> parsed = ParseBackupName(name);
  if (!parsed) return RequireBackupName(name);
  std::shared_ptr<const Cached> old;
  {
    MutexLock lock(&mutex_);
    const auto it = cache_.find(name);
    if (it != cache_.end()) old = it->second;
  }
  auto cached = Read(name, *parsed, old, /*sidecar_exists=*/true,
                     /*state_exists=*/true);
  if (cached == nullptr) return NoSuchBackup(name);
  {
    MutexLock lock(&mutex_);
    cache_[name] = cached;
  }
  return cached->entry;
}

}  // namespace levelkeep
