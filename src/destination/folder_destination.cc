#include "destination/folder_destination.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {

namespace {

// Bytes between two checks for a stop, and between two reports of progress.
constexpr uint64_t kStepBytes = 8u << 20;
constexpr int kStateLockAttempts = 250;
constexpr std::chrono::milliseconds kStateLockDelay{20};
// Space that the file system itself needs for a new file.
constexpr uint64_t kOverheadBytes = 1u << 20;

std::string VersionOf(const FileInfo& info) {
  return std::to_string(info.size_bytes) + "-" + std::to_string(info.mtime_ns);
}

StoredObject ObjectOf(const std::string& name, const FileInfo& info) {
  return {name, info.size_bytes, VersionOf(info), ""};
}

// The text of a PutRecord: "PART SHA256 SIZE".
std::string RecordText(const std::string& part, const PutSource& source) {
  return BaseName(part) + " " + source.sha256 + " " +
         std::to_string(source.size_bytes);
}

// The name of the part in a record; empty if the record names no part.
std::string PartOfRecord(const std::string& text) {
  std::string name = text.substr(0, text.find(' '));
  return IsPartName(name) ? name : "";
}

// Whether a Put that ended with `code` can be continued.
bool MayGoOn(StatusCode code) {
  return code == StatusCode::kIoError || code == StatusCode::kCancelled;
}

Status Stopped() {
  return Status(StatusCode::kCancelled, "stopped on request");
}

}  // namespace

FolderDestination::FolderDestination(FileSystem* fs, std::string folder,
                                     RemembersName remembers)
    : fs_(fs), folder_(std::move(folder)), remembers_(std::move(remembers)) {}

std::string FolderDestination::Id() const {
  return "folder:" + AbsolutePath(folder_);
}

Abilities FolderDestination::abilities() const {
  return {.exclusive_put = true, .shares_ranges = true, .resumes_put = true};
}

std::string FolderDestination::PathOf(const std::string& name) const {
  return JoinPath(folder_, name);
}

Result<FileInfo> FolderDestination::Look(const std::string& name) const {
  LEVELKEEP_RETURN_IF_ERROR(RequireObjectName(name));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, fs_->Stat(PathOf(name)));
  if (info.type != FileType::kRegular) {
    return NotRegular(PathOf(name), "an object");
  }
  if (IsClaim(info) && IsOnlyClaimed(name)) {
    return Status(StatusCode::kNotFound,
                  PathOf(name) + " is an empty file that only reserves a name");
  }
  return info;
}

Result<std::vector<StoredObject>> FolderDestination::List(const Work& work) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, fs_->List(folder_));
  std::vector<StoredObject> objects;
  for (const std::string& name : names) {
    if (work.stop.stop_requested()) return Stopped();
    if (!RequireObjectName(name).ok()) continue;
    const auto info = Look(name);
    const StatusCode code = info.status().code();
    if (code == StatusCode::kNotFound || code == StatusCode::kRefused) continue;
    LEVELKEEP_RETURN_IF_ERROR(info.status());
    objects.push_back(ObjectOf(name, *info));
  }
  return objects;
}

Result<StoredObject> FolderDestination::Stat(const std::string& name,
                                             const Work&) {
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, Look(name));
  return ObjectOf(name, info);
}

// Compares and reads through one descriptor, so that both see the same file.
Result<std::unique_ptr<File>> FolderDestination::OpenVersion(
    const std::string& name, const std::string& version) const {
  LEVELKEEP_RETURN_IF_ERROR(Look(name).status());
  LEVELKEEP_ASSIGN_OR_RETURN(auto file,
                             fs_->Open(PathOf(name), OpenMode::kRead));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, file->Stat());
  if (VersionOf(info) == version) return file;
  return Status(StatusCode::kBusy,
                PathOf(name) + " was changed or replaced after it was found",
                "list the folder again, and use the file that is there now");
}

Result<std::unique_ptr<ByteSource>> FolderDestination::Open(
    const std::string& name, const std::string& version, const Work&) {
  LEVELKEEP_ASSIGN_OR_RETURN(auto file, OpenVersion(name, version));
  return std::unique_ptr<ByteSource>(std::move(file));
}

Status FolderDestination::Remove(const std::string& name, const Work&) {
  const auto info = Look(name);
  if (info.status().code() == StatusCode::kNotFound) return Status::Ok();
  LEVELKEEP_RETURN_IF_ERROR(info.status());
  LEVELKEEP_RETURN_IF_ERROR(fs_->RemoveFile(PathOf(name)));
  return fs_->SyncDirectory(folder_);
}

// --- Put

// 1. check that the name is free   2. take the part of an interrupted Put, or a
// new one   3. copy the missing bytes   4. sync, and give the part its name
Result<StoredObject> FolderDestination::Put(const std::string& name,
                                            const PutSource& source,
                                            PutRecord* record,
                                            const Work& work) {
  LEVELKEEP_RETURN_IF_ERROR(RequireObjectName(name));
  LEVELKEEP_RETURN_IF_ERROR(RequirePutSource(source));
  if (source.sha256.empty()) record = nullptr;
  const Status taken = Look(name).status();
  if (taken.ok() || taken.code() == StatusCode::kRefused) {
    return Status(StatusCode::kAlreadyExists,
                  PathOf(name) + " is there already");
  }
  if (taken.code() != StatusCode::kNotFound) return taken;
  uint64_t done = 0;
  LEVELKEEP_ASSIGN_OR_RETURN(Part part, FindPart(source, record, work, &done));
  const Status put = [&]() -> Status {
    LEVELKEEP_RETURN_IF_ERROR(CheckSpace(source.size_bytes - done));
    LEVELKEEP_RETURN_IF_ERROR(Copy(source, done, work, part.file.get()));
    LEVELKEEP_RETURN_IF_ERROR(part.file->Sync());
    return Publish(part, name);
  }();
  if (!put.ok()) {
    if (record != nullptr && MayGoOn(put.code())) return put;
    Discard(&part);
  }
  // Without the part, its record has no meaning.
  if (record != nullptr) (void)record->Save("");
  LEVELKEEP_RETURN_IF_ERROR(put);
  return Stat(name, work);
}

Result<FolderDestination::Part> FolderDestination::FindPart(
    const PutSource& source, PutRecord* record, const Work& work,
    uint64_t* done) {
  if (record == nullptr) return NewPart();
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string text, record->Load());
  Part old;
  if (const std::string name = PartOfRecord(text);
      !name.empty() && text == RecordText(name, source)) {
    auto opened = OpenPart(name);
    if (opened.ok()) {
      old = std::move(*opened);
      LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, old.file->Stat());
      LEVELKEEP_ASSIGN_OR_RETURN(
          *done,
          CountEqualBytes(*old.file, *source.bytes,
                          std::min(info.size_bytes, source.size_bytes), work));
      if (*done == info.size_bytes) return old;
    } else if (opened.status().code() != StatusCode::kNotFound) {
      return opened.status();
    }
  }
  LEVELKEEP_ASSIGN_OR_RETURN(Part part, NewPart());
  // Makes the part that the record will name survive a power loss.
  Status begun = fs_->SyncDirectory(folder_);
  // If we die here: a sweep removes the part, because no record names it.
  if (begun.ok()) begun = record->Save(RecordText(part.path, source));
  // The end of the old part was lost in a power loss; its good start is copied.
  if (begun.ok() && *done > 0) {
    begun = old.file->CopyRangeTo(part.file.get(), 0, *done);
  }
  if (old.file != nullptr) Discard(&old);
  if (begun.ok()) return part;
  Discard(&part);
  return begun;
}

Status FolderDestination::CheckSpace(uint64_t needed_bytes) const {
  LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t free, fs_->FreeSpace(folder_));
  if (free >= needed_bytes && free - needed_bytes >= kOverheadBytes) {
    return Status::Ok();
  }
  return Status(StatusCode::kNoSpace,
                "no space in " + folder_ + ": " + FormatBytes(needed_bytes) +
                    " are needed, but only " + FormatBytes(free) + " are free",
                "free disk space there");
}

Status FolderDestination::Copy(const PutSource& source, uint64_t done,
                               const Work& work, File* target) const {
  SharedRange opened;  // the range whose object is open as `shared`
  std::unique_ptr<File> shared;
  auto range = source.shared.begin();
  while (done < source.size_bytes) {
    if (work.stop.stop_requested()) return Stopped();
    while (range != source.shared.end() &&
           range->offset + range->size_bytes <= done) {
      ++range;
    }
    uint64_t end = std::min(source.size_bytes, done + kStepBytes);
    const bool inside = range != source.shared.end() && range->offset <= done;
    if (inside) {
      end = std::min(end, range->offset + range->size_bytes);
    } else if (range != source.shared.end()) {
      end = std::min(end, range->offset);
    }
    if (inside &&
        (opened.object != range->object || opened.version != range->version)) {
      opened = *range;
      auto file = OpenVersion(opened.object, opened.version);
      shared = file.ok() ? std::move(*file) : nullptr;
    }
    if (inside && shared != nullptr) {
      LEVELKEEP_RETURN_IF_ERROR(shared->CopyRangeTo(
          target, range->object_offset + (done - range->offset), end - done));
    } else {
      LEVELKEEP_RETURN_IF_ERROR(
          source.bytes->CopyRangeTo(target, done, end - done));
    }
    done = end;
    work.Report(done, source.size_bytes);
  }
  return Status::Ok();
}

// --- parts

Result<FolderDestination::Part> FolderDestination::NewPart() {
  Part part;
  part.path = PathOf(NewTemporaryName(kPartSuffix));
  // Sweeps take this lock, too, so none runs before the part is locked.
  LEVELKEEP_ASSIGN_OR_RETURN(auto state_lock, LockState());
  LEVELKEEP_ASSIGN_OR_RETURN(part.file,
                             fs_->Open(part.path, OpenMode::kCreateNew));
  auto lock = fs_->Lock(part.path);
  if (!lock.ok()) {
    Discard(&part);
    return lock.status();
  }
  part.lock = std::move(*lock);
  return part;
}

Result<FolderDestination::Part> FolderDestination::OpenPart(
    const std::string& name) {
  Part part;
  part.path = PathOf(name);
  LEVELKEEP_ASSIGN_OR_RETURN(auto state_lock, LockState());
  LEVELKEEP_ASSIGN_OR_RETURN(part.file,
                             fs_->Open(part.path, OpenMode::kReadWrite));
  LEVELKEEP_ASSIGN_OR_RETURN(part.lock, fs_->Lock(part.path));
  return part;
}

// Holds the lock that sweeps take, too: a claim found meanwhile is a left-over.
Status FolderDestination::Publish(const Part& part, const std::string& name) {
  LEVELKEEP_RETURN_IF_ERROR(RequireObjectName(name));
  const std::string path = PathOf(name);
  {
    LEVELKEEP_ASSIGN_OR_RETURN(auto state_lock, LockState());
    bool dropped = false;
    LEVELKEEP_RETURN_IF_ERROR(DropClaim(name, &dropped));
    LEVELKEEP_RETURN_IF_ERROR(MoveToNewName(fs_, part.path, path));
  }
  // If we die here: the name exists or not; both states are complete.
  const Status synced = fs_->SyncDirectory(folder_);
  if (!synced.ok()) (void)fs_->RemoveFile(path);
  return synced;
}

void FolderDestination::Discard(Part* part) {
  if (!part->path.empty()) (void)fs_->RemoveFile(part->path);
  *part = Part();
}

// --- left-overs

Result<std::unique_ptr<FileLock>> FolderDestination::LockState() {
  const std::string states = PathOf(std::string(kStateFolder));
  for (int attempt = 1;; ++attempt) {
    auto lock = fs_->Lock(JoinPath(states, "state.lock"));
    if (lock.status().code() == StatusCode::kNotFound && attempt == 1) {
      // Never creates the folder itself: its volume may not be mounted.
      LEVELKEEP_RETURN_IF_ERROR(fs_->StatFollowing(folder_).status());
      LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(fs_, states));
      continue;
    }
    if (lock.status().code() != StatusCode::kBusy ||
        attempt >= kStateLockAttempts) {
      return lock;
    }
    std::this_thread::sleep_for(kStateLockDelay);
  }
}

bool FolderDestination::HasPart() const {
  const auto names = fs_->List(folder_);
  return names.ok() && std::ranges::any_of(*names, IsPartName);
}

bool FolderDestination::IsOnlyClaimed(const std::string& name) const {
  const auto info = fs_->Stat(PathOf(name));
  return info.ok() && IsClaim(*info) && HasPart() &&
         !(remembers_ && remembers_(name));
}

bool FolderDestination::IsLeftOver(const std::string& path) const {
  const auto info = fs_->Stat(path);
  return info.ok() && info->type == FileType::kRegular &&
         fs_->Lock(path).status().code() != StatusCode::kBusy;
}

Status FolderDestination::DropClaim(const std::string& name, bool* dropped) {
  *dropped = IsOnlyClaimed(name);
  return *dropped ? RemoveClaim(fs_, PathOf(name)) : Status::Ok();
}

// 1. claims, durably, because only their parts identify them   2. parts
Result<std::vector<std::string>> FolderDestination::Sweep(
    const std::vector<std::string>& records) {
  std::vector<std::string> removed;
  const auto names = fs_->List(folder_);
  if (names.status().code() == StatusCode::kNotFound) return removed;
  LEVELKEEP_RETURN_IF_ERROR(names.status());
  std::vector<std::string> parts;
  for (const std::string& name : *names) {
    if (IsPartName(name) && IsLeftOver(PathOf(name))) parts.push_back(name);
  }
  if (parts.empty()) return removed;
  LEVELKEEP_RETURN_IF_ERROR(SweepClaims(*names, &removed));
  const size_t claims = removed.size();
  for (const std::string& name : parts) {
    const bool wanted = std::ranges::any_of(
        records, [&](const auto& text) { return PartOfRecord(text) == name; });
    if (wanted) continue;
    LEVELKEEP_RETURN_IF_ERROR(fs_->RemoveFile(PathOf(name)));
    removed.push_back(name);
  }
  if (removed.size() > claims) {
    LEVELKEEP_RETURN_IF_ERROR(fs_->SyncDirectory(folder_));
  }
  return removed;
}

Status FolderDestination::SweepClaims(const std::vector<std::string>& names,
                                      std::vector<std::string>* removed) {
  const size_t before = removed->size();
  for (const std::string& name : names) {
    if (!RequireObjectName(name).ok()) continue;
    bool dropped = false;
    LEVELKEEP_RETURN_IF_ERROR(DropClaim(name, &dropped));
    if (dropped) removed->push_back(name);
  }
  return removed->size() == before ? Status::Ok() : fs_->SyncDirectory(folder_);
}

}  // namespace levelkeep
