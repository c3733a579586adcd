// What changes backups/: state files, sidecars, removal, sweeping.

#include <algorithm>
#include <set>

#include "base/new_name.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "format/backup_name.h"
#include "format/backup_state.h"
#include "format/sidecar.h"

namespace levelkeep {

namespace {

constexpr std::string_view kStateSuffix = ".json";

// The backup that a state file belongs to; empty if it is none.
std::string BackupOfState(std::string_view file_name) {
  if (file_name.size() <= kStateSuffix.size()) return "";
  const size_t length = file_name.size() - kStateSuffix.size();
  if (file_name.substr(length) != kStateSuffix) return "";
  const std::string_view name = file_name.substr(0, length);
  return ParseBackupName(name) ? std::string(name) : "";
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
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info,
                             fs_->Stat(JoinPath(directory_, name)));
  if (info.type != FileType::kRegular) {
    return Status(StatusCode::kRefused, name + " is not a regular file");
  }
  BackupState state;
  if (const auto known = LoadState(name, info.mode); known.ok()) {
    state = *known;
  } else if (known.status().code() == StatusCode::kCorruption) {
    state.pinned = true;  // as the listing shows it
  } else if (known.status().code() != StatusCode::kNotFound) {
    return known.status();
  }
  change(info, &state);
  LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(fs_, StateDirectory()));
  // If we die here: the old state file stays in place, whole; the temporary
  // one is swept.
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
  return ChangeState(name, [&](const FileInfo& info, BackupState* state) {
    std::string sha256 = checked_sha256;
    if (sha256.empty()) {
      const auto text = ReadFile(fs_, JoinPath(directory_, name + ".sha256"),
                                 kSmallFileLimit);
      if (text.ok()) sha256 = ParseSha256Sidecar(*text, name);
    }
    const bool same_bytes = state->size_bytes == info.size_bytes &&
                            state->mtime_ns == info.mtime_ns &&
                            state->sha256 == sha256;
    if (state->verification && same_bytes &&
        !SupersedesVerification(*state->verification, record)) {
      return;
    }
    state->verification = record;
    state->size_bytes = info.size_bytes;
    state->mtime_ns = info.mtime_ns;
    state->sha256 = sha256;
    if (!record.passed || record.depth == VerifyDepth::kFull) {
      state->not_checked.reset();
    }
  });
}

Status Catalog::RecordNotChecked(const std::string& name,
                                 const std::string& reason, Time at) {
  return ChangeState(name, [&](const FileInfo& info, BackupState* state) {
    const bool again = state->not_checked &&
                       state->not_checked->size_bytes == info.size_bytes &&
                       state->not_checked->mtime_ns == info.mtime_ns;
    const uint64_t times = again ? state->not_checked->times + 1 : 1;
    state->not_checked =
        NotChecked{at, reason, times, info.size_bytes, info.mtime_ns};
  });
}

Status Catalog::SetPinned(const std::string& name, bool pinned) {
  return ChangeState(name, [&](const FileInfo&, BackupState* state) {
    state->pinned = pinned;
  });
}

Status Catalog::Remove(const std::string& name) {
  LEVELKEEP_RETURN_IF_ERROR(RequireBackupName(name));
  const std::string path = JoinPath(directory_, name);
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, fs_->Stat(path));
  if (info.type != FileType::kRegular) {
    return Status(StatusCode::kRefused, name + " is not a regular file",
                  "remove it by hand if it should go");
  }
  LEVELKEEP_RETURN_IF_ERROR(fs_->RemoveFile(path));
  NoteChange();
  LEVELKEEP_RETURN_IF_ERROR(fs_->SyncDirectory(directory_));
  // If we die here: sidecars and state file are without an archive; they
  // claim nothing, and Sweep removes them at the next start.
  for (const char* suffix : {".sha256", ".md5"}) {
    LEVELKEEP_RETURN_IF_ERROR(RemoveIfPresent(fs_, path + suffix));
  }
  LEVELKEEP_RETURN_IF_ERROR(RemoveIfPresent(fs_, StatePath(name)));
  return fs_->SyncDirectory(directory_);
}

bool Catalog::HasPart() const {
  const auto names = fs_->List(directory_);
  return names.ok() && std::any_of(names->begin(), names->end(), IsPartName);
}

bool Catalog::IsOnlyClaimed(const std::string& name) const {
  const std::string path = JoinPath(directory_, name);
  const auto info = fs_->Stat(path);
  const auto missing = [this](const std::string& companion) {
    return fs_->Stat(companion).status().code() == StatusCode::kNotFound;
  };
  return info.ok() && IsClaim(*info) && ParseBackupName(name) &&
         missing(path + ".sha256") && missing(StatePath(name)) && HasPart();
}

Result<bool> Catalog::DropClaim(const std::string& name) {
  if (!IsOnlyClaimed(name)) return false;
  LEVELKEEP_RETURN_IF_ERROR(RemoveClaim(fs_, JoinPath(directory_, name)));
  NoteChange();
  return true;
}

// Claims first, durably: the part is what tells them.
Status Catalog::SweepClaims(std::vector<std::string>* removed) {
  const auto names = fs_->List(directory_);
  if (names.status().code() == StatusCode::kNotFound) return Status::Ok();
  LEVELKEEP_RETURN_IF_ERROR(names.status());
  const bool crashed =
      std::any_of(names->begin(), names->end(), [this](const auto& name) {
        return IsPartName(name) && IsLeftOver(JoinPath(directory_, name));
      });
  if (!crashed) return Status::Ok();
  const size_t before = removed->size();
  for (const std::string& name : *names) {
    LEVELKEEP_ASSIGN_OR_RETURN(const bool dropped, DropClaim(name));
    if (dropped) removed->push_back(name);
  }
  return removed->size() == before ? Status::Ok()
                                   : fs_->SyncDirectory(directory_);
}

// A folder or link is not ours, and what is locked another process is writing.
bool Catalog::IsLeftOver(const std::string& path) const {
  const auto info = fs_->Stat(path);
  return info.ok() && info->type == FileType::kRegular &&
         fs_->Lock(path).status().code() != StatusCode::kBusy;
}

// 1. claims   2. parts, temporary files and orphans beside the archives
// 3. the same of the states
Result<std::vector<std::string>> Catalog::Sweep() {
  std::vector<std::string> removed;
  const auto sweep_folder = [&](const std::string& folder,
                                auto backup_of) -> Status {
    const auto names = fs_->List(folder);
    if (names.status().code() == StatusCode::kNotFound) return Status::Ok();
    LEVELKEEP_RETURN_IF_ERROR(names.status());
    const size_t before = removed.size();
    for (const std::string& name : *names) {
      const std::string backup = backup_of(name);
      const bool orphan =
          !backup.empty() &&
          fs_->Stat(JoinPath(directory_, backup)).status().code() ==
              StatusCode::kNotFound;
      if (!orphan && !IsTemporaryName(name)) continue;
      const auto info = fs_->Stat(JoinPath(folder, name));
      if (!info.ok() || info->type != FileType::kRegular) continue;
      if (!orphan && !IsLeftOver(JoinPath(folder, name))) continue;
      LEVELKEEP_RETURN_IF_ERROR(RemoveIfPresent(fs_, JoinPath(folder, name)));
      removed.push_back(name);
    }
    return removed.size() == before ? Status::Ok() : fs_->SyncDirectory(folder);
  };
  LEVELKEEP_RETURN_IF_ERROR(SweepClaims(&removed));
  LEVELKEEP_RETURN_IF_ERROR(sweep_folder(
      directory_,
      [](const std::string& name) { return BackupOfSidecar(name); }));
  LEVELKEEP_RETURN_IF_ERROR(sweep_folder(
      StateDirectory(),
      [](const std::string& name) { return BackupOfState(name); }));
  return removed;
}

Status Catalog::WriteSidecar(const std::string& name, const std::string& kind,
                             const std::string& hex) {
  LEVELKEEP_RETURN_IF_ERROR(RequireBackupName(name));
  if (kind != "sha256" && kind != "md5") {
    return Status(StatusCode::kInvalidArgument,
                  Printable(kind) + " is not a kind of digest");
  }
  // If we die here: the archive stays without this sidecar; it is listed
  // with an empty digest.
  const Status written = WriteFileDurably(
      fs_, JoinPath(directory_, name + "." + kind), hex + "  " + name + "\n");
  NoteChange();
  return written;
}

}  // namespace levelkeep
