// Changes of backups/: state files, sidecars, publishing, removal, sweeping.

#include <algorithm>

#include "archive/archive_reader.h"
#include "base/status_macros.h"
#include "catalog/catalog.h"

namespace levelkeep {

namespace {

constexpr int kMaxNameAttempts = 1000;

// True if a copy remains when the archive is removed from the folder.
bool IsElsewhere(const BackupState& state) {
  return state.facts && !state.copies.empty();
}

Status RemoveIfPresent(FileSystem* fs, const std::string& path) {
  const Status status = fs->RemoveFile(path);
  return status.code() == StatusCode::kNotFound ? Status::Ok() : status;
}

}  // namespace

template <typename Change>
Status Catalog::ChangeState(const std::string& name, Change change) {
  LEVELKEEP_RETURN_IF_ERROR(RequireBackupName(name));
  MutexLock lock(&state_mutex_);
  const auto file = fs_->Stat(JoinPath(directory_, name));
  const bool is_local = file.status().code() != StatusCode::kNotFound;
  if (is_local) LEVELKEEP_RETURN_IF_ERROR(file.status());
  if (is_local && file->type != FileType::kRegular) {
    return Status(StatusCode::kRefused, name + " is not a regular file");
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const auto state_lock, folder_.LockState());
  BackupState state;
  if (const auto known = LoadState(name, is_local ? file->mode : 0);
      known.ok()) {
    state = *known;
  } else if (known.status().code() == StatusCode::kCorruption) {
    state.pinned = true;  // as the listing shows it
  } else if (known.status().code() != StatusCode::kNotFound) {
    return known.status();
  }
  if (is_local) {
    change({file->size_bytes, file->mtime_ns, SidecarOf(name)}, &state);
  } else if (IsElsewhere(state)) {
    change(
        {state.facts->size_bytes, state.facts->mtime_ns, state.facts->sha256},
        &state);
  } else {
    return file.status();
  }
  // If we die here: the old state file stays complete, and the temporary file
  // is swept.
  const Status written =
      WriteFileDurably(fs_, StatePath(name), EncodeBackupState(state));
  NoteChange();
  return written;
}

void Catalog::NoteChange() {
  MutexLock lock(&mutex_);
  ++changes_;
}

Status Catalog::RecordVerification(const std::string& name,
                                   const VerifyRecord& record,
                                   const std::string& checked_sha256) {
  return ChangeState(name, [&](const Archive& archive, BackupState* state) {
    const std::string sha256 =
        checked_sha256.empty() ? archive.sha256 : checked_sha256;
    const bool same_bytes = state->size_bytes == archive.size_bytes &&
                            state->mtime_ns == archive.mtime_ns &&
                            state->sha256 == sha256;
    if (state->verification && same_bytes &&
        !SupersedesVerification(*state->verification, record)) {
      return;
    }
    state->verification = record;
    state->size_bytes = archive.size_bytes;
    state->mtime_ns = archive.mtime_ns;
    state->sha256 = sha256;
    if (!record.passed || record.depth == VerifyDepth::kFull) {
      state->not_checked.reset();
    }
  });
}

Status Catalog::RecordNotChecked(const std::string& name,
                                 const std::string& reason, Time at) {
  return ChangeState(name, [&](const Archive& archive, BackupState* state) {
    const bool again = state->not_checked &&
                       state->not_checked->size_bytes == archive.size_bytes &&
                       state->not_checked->mtime_ns == archive.mtime_ns;
    const uint64_t times = again ? state->not_checked->times + 1 : 1;
    state->not_checked =
        NotChecked{at, reason, times, archive.size_bytes, archive.mtime_ns};
  });
}

Status Catalog::RecordCovered(const std::string& name, Time until) {
  return ChangeState(name, [&](const Archive& archive, BackupState* state) {
    state->covered = {until, archive.size_bytes, archive.mtime_ns};
  });
}

Status Catalog::SetPinned(const std::string& name, bool pinned) {
  return ChangeState(name, [&](const Archive&, BackupState* state) {
    state->pinned = pinned;
  });
}

Status Catalog::AddCopy(const std::string& name, const BackupCopy& copy) {
  return ChangeState(name, [&](const Archive& archive, BackupState* state) {
    std::erase_if(state->copies, [&](const BackupCopy& known) {
      return known.destination == copy.destination;
    });
    state->copies.push_back(copy);
    // The facts show the copy when the archive is gone.
    if (state->facts) return;
    const auto reader = ArchiveReader::Open(fs_, JoinPath(directory_, name));
    if (!reader.ok() || !(*reader)->outline().manifest) return;
    Manifest manifest = *(*reader)->outline().manifest;
    manifest.files.clear();
    state->facts = {std::move(manifest), archive.size_bytes, archive.mtime_ns,
                    archive.sha256};
  });
}

Status Catalog::Remove(const std::string& name) {
  LEVELKEEP_RETURN_IF_ERROR(RequireBackupName(name));
  const std::string path = JoinPath(directory_, name);
  const bool elsewhere = HasCopies(name);
  const auto file = fs_->Stat(path);
  if (elsewhere && file.status().code() == StatusCode::kNotFound) {
    return Status(StatusCode::kRefused,
                  name + " is not in " + directory_ + " any more",
                  "remove its copies in their destinations");
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, file);
  if (info.type != FileType::kRegular) {
    return Status(StatusCode::kRefused, name + " is not a regular file",
                  "remove it by hand if it should go");
  }
  LEVELKEEP_RETURN_IF_ERROR(fs_->RemoveFile(path));
  NoteChange();
  LEVELKEEP_RETURN_IF_ERROR(fs_->SyncDirectory(directory_));
  // If we die here: sidecars and state file have no archive; they have no
  // effect, and Sweep removes them at the next start.
  for (const char* suffix : {".sha256", ".md5"}) {
    LEVELKEEP_RETURN_IF_ERROR(RemoveIfPresent(fs_, path + suffix));
  }
  if (!elsewhere) {
    LEVELKEEP_RETURN_IF_ERROR(RemoveIfPresent(fs_, StatePath(name)));
  }
  return fs_->SyncDirectory(directory_);
}

bool Catalog::HasCopies(const std::string& name) const {
  const auto state = LoadState(name, 0);
  return state.ok() && IsElsewhere(*state);
}

std::string Catalog::RecordedSha256(const std::string& name) const {
  const auto file = fs_->Stat(JoinPath(directory_, name));
  const auto state = LoadState(name, file.ok() ? file->mode : 0);
  return state.ok() && state->facts ? state->facts->sha256 : "";
}

std::string Catalog::SidecarOf(const std::string& name) const {
  const auto text =
      ReadFile(fs_, JoinPath(directory_, name + ".sha256"), kSmallFileLimit);
  return text.ok() ? ParseSha256Sidecar(*text, name) : "";
}

bool Catalog::IsKnown(const std::string& name) const {
  const auto there = [this](const std::string& companion) {
    return fs_->Stat(companion).status().code() != StatusCode::kNotFound;
  };
  return !ParseBackupName(name) ||
         there(JoinPath(directory_, name + ".sha256")) ||
         there(StatePath(name));
}

// 1. parts of archives that crashes left   2. temporary files and orphans
// beside the archives   3. temporary files and orphans among the state files
Result<std::vector<std::string>> Catalog::Sweep() {
  const auto state_lock = folder_.LockState();
  if (state_lock.status().code() == StatusCode::kNotFound) {
    return std::vector<std::string>();  // there is no such folder
  }
  LEVELKEEP_RETURN_IF_ERROR(state_lock.status());
  LEVELKEEP_ASSIGN_OR_RETURN(std::vector<std::string> removed, folder_.Sweep());
  if (!removed.empty()) NoteChange();
  LEVELKEEP_RETURN_IF_ERROR(SweepFolder(directory_, BackupOfSidecar, &removed));
  LEVELKEEP_RETURN_IF_ERROR(
      SweepFolder(StateDirectory(), BackupOfState, &removed));
  return removed;
}

Status Catalog::SweepFolder(
    const std::string& folder,
    const std::function<std::string(const std::string&)>& backup_of,
    std::vector<std::string>* removed) {
  const auto names = fs_->List(folder);
  if (names.status().code() == StatusCode::kNotFound) return Status::Ok();
  LEVELKEEP_RETURN_IF_ERROR(names.status());
  const size_t before = removed->size();
  for (const std::string& name : *names) {
    const std::string path = JoinPath(folder, name);
    const std::string backup = backup_of(name);
    const bool orphan =
        !backup.empty() &&
        fs_->Stat(JoinPath(directory_, backup)).status().code() ==
            StatusCode::kNotFound;
    if (!orphan && !IsTemporaryName(name)) continue;
    if (orphan && folder != directory_ && HasCopies(backup)) continue;
    const auto info = fs_->Stat(path);
    if (!info.ok() || info->type != FileType::kRegular) continue;
    if (!orphan && !folder_.IsLeftOver(path)) continue;
    LEVELKEEP_RETURN_IF_ERROR(RemoveIfPresent(fs_, path));
    removed->push_back(name);
  }
  return removed->size() == before ? Status::Ok() : fs_->SyncDirectory(folder);
}

Status Catalog::WriteSidecar(const std::string& name, DigestKind kind,
                             const std::string& hex) {
  LEVELKEEP_RETURN_IF_ERROR(RequireBackupName(name));
  LEVELKEEP_ASSIGN_OR_RETURN(const auto state_lock, folder_.LockState());
  return WriteSidecarLocked(name, kind, hex);
}

Status Catalog::WriteSidecarLocked(const std::string& name, DigestKind kind,
                                   const std::string& hex) {
  // If we die here: the archive stays without this sidecar and is listed with
  // an empty digest.
  const std::string path =
      JoinPath(directory_, name + std::string(DigestSuffix(kind)));
  const Status written = WriteFileDurably(fs_, path, hex + "  " + name + "\n");
  NoteChange();
  return written;
}

// 1. the first free name of the second   2. sidecars   3. the facts for
// listings
Result<std::string> Catalog::Publish(const FolderDestination::Part& part,
                                     const NewBackup& made,
                                     const Listing& listing) {
  BackupName name{std::chrono::floor<std::chrono::seconds>(made.created), 1,
                  made.label};
  for (const Listing::Entry& entry : listing.entries()) {
    if (entry->parsed.time == name.time) {
      name.counter = std::max(name.counter, entry->parsed.counter + 1);
    }
  }
  std::string published;
  for (int attempt = 0; published.empty(); ++attempt, ++name.counter) {
    if (attempt == kMaxNameAttempts) {
      return Status(StatusCode::kAlreadyExists,
                    "no free backup name for this second in " + directory_);
    }
    const std::string wanted = FormatBackupName(name);
    const Status named = folder_.Publish(part, wanted);
    if (named.ok()) published = wanted;
    if (!named.ok() && named.code() != StatusCode::kAlreadyExists) return named;
  }
  NoteChange();
  // If we die here: the archive is complete but has no sidecar; its next
  // verification writes one.
  const Status described = [&]() -> Status {
    LEVELKEEP_ASSIGN_OR_RETURN(const auto state_lock, folder_.LockState());
    LEVELKEEP_RETURN_IF_ERROR(
        WriteSidecarLocked(published, DigestKind::kSha256, made.sha256));
    if (!made.md5.empty()) {
      LEVELKEEP_RETURN_IF_ERROR(
          WriteSidecarLocked(published, DigestKind::kMd5, made.md5));
    }
    LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info,
                               fs_->Stat(JoinPath(directory_, published)));
    BackupState state;
    state.warning = made.warning;
    state.facts = {made.manifest, info.size_bytes, info.mtime_ns, made.sha256};
    state.facts->manifest.files.clear();
    return WriteFileDurably(fs_, StatePath(published),
                            EncodeBackupState(state));
  }();
  NoteChange();
  if (described.ok()) return published;
  (void)Remove(published);
  return described.WithContext(published);
}

}  // namespace levelkeep
