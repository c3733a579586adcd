#include "snapshot/hot_database.h"

#include <algorithm>

#include "base/log.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "snapshot/file_set.h"

namespace levelkeep {

namespace {

Status ApplyAll(const std::vector<VersionEdit>& edits, Version* version) {
  for (const VersionEdit& edit : edits) {
    LEVELKEEP_RETURN_IF_ERROR(version->Apply(edit));
  }
  return Status::Ok();
}

bool Holds(const HotPin& pin, const std::string& name) {
  if (pin.aside.count(name) > 0) return false;  // its file was moved aside
  const DbFileName parsed = ParseDbFileName(name);
  if (parsed.kind == DbFileKind::kTable) {
    return pin.version->tables().count(parsed.number) > 0;
  }
  return parsed.kind == DbFileKind::kLog && pin.logs.count(parsed.number) > 0;
}

std::string FailedWrite(const std::string& name, const std::string& reason) {
  return "a write to " + name + " failed earlier (" + reason + ")";
}

constexpr std::string_view kMarker = ".pin";

using FileId = std::pair<uint64_t, uint64_t>;  // device, inode

// The files that snapshots of this process hold under another name, of all its
// SnapshotEnvs.
struct Registry {
  Mutex mutex;
  std::multiset<FileId> living GUARDED_BY(mutex);
};

Registry& TheRegistry() {
  static Registry* const registry = new Registry;  // outlives all statics
  return *registry;
}

// Renames `path` to the first free "<path>.pin<N>". With `keep_name`, both
// names stay (hard links). Returns the new path; the last pointer to that
// removes the file.
Result<std::shared_ptr<const std::string>> MoveAside(FileSystem* fs,
                                                     const std::string& path,
                                                     bool keep_name) {
  static std::atomic<uint64_t> next_number{1};
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, fs->Stat(path));
  const FileId id(info.device, info.inode);
  const auto remove = [fs, id](const std::string* aside) {
    const Status removed = fs->RemoveFile(*aside);
    delete aside;
    if (!removed.ok()) {
      LogWarn("Snapshot",
              "a released file was not removed: " + removed.ToString());
    }
    MutexLock lock(&TheRegistry().mutex);
    TheRegistry().living.erase(TheRegistry().living.find(id));
  };
  while (true) {
    auto target = std::make_unique<const std::string>(
        path + std::string(kMarker) + std::to_string(next_number++));
    // If we die here: the next attach finds the file and removes it. LevelDB
    // has removed the file (or, with keep_name, has its own name for it).
    const Status made =
        keep_name ? fs->Link(path, *target) : MoveToNewName(fs, path, *target);
    if (made.code() == StatusCode::kAlreadyExists) continue;
    LEVELKEEP_RETURN_IF_ERROR(made);
    {
      MutexLock lock(&TheRegistry().mutex);
      TheRegistry().living.insert(id);
    }
    return std::shared_ptr<const std::string>(target.release(), remove);
  }
}

// Whether `name` names such a file: "000012.ldb.pin3", "000013.log.pin1".
bool IsAsideFileName(std::string_view name) {
  const size_t at = name.rfind(kMarker);
  if (at == std::string_view::npos) return false;
  const DbFileKind kind = ParseDbFileName(name.substr(0, at)).kind;
  if (kind != DbFileKind::kTable && kind != DbFileKind::kLog) return false;
  return ParseUint64(name.substr(at + kMarker.size())).has_value();
}

// Removes such files from `db_dir`, except those of this process. Failures are
// logged only: a left-over file just costs space.
void RemoveLeftOverAsideFiles(FileSystem* fs, const std::string& db_dir) {
  const Result<std::vector<std::string>> names = fs->List(db_dir);
  if (!names.ok()) return;  // a new database
  for (const std::string& name : *names) {
    if (!IsAsideFileName(name)) continue;
    const std::string path = JoinPath(db_dir, name);
    const Result<FileInfo> info = fs->Stat(path);
    if (!info.ok()) continue;
    {
      MutexLock lock(&TheRegistry().mutex);
      if (TheRegistry().living.contains({info->device, info->inode})) continue;
    }
    const Status removed = fs->RemoveFile(path);
    if (!removed.ok()) {
      LogWarn("Snapshot",
              "a left-over file was not removed: " + removed.ToString());
    }
  }
}

}  // namespace

void HotDatabase::Attach(const std::string& dir) {
  RemoveLeftOverAsideFiles(fs_, dir);
  std::map<uint64_t, std::shared_ptr<HotLog>> logs = FindLogs(dir);
  LoadedManifest loaded = Load(dir);
  MutexLock lock(&mutex_);
  dir_ = dir;
  logs_ = std::move(logs);
  manifests_.clear();
  SetCurrent(std::move(loaded));
  readable_ = Status::Ok();
  attached_ = true;
}

void HotDatabase::Detach() {
  MutexLock lock(&mutex_);
  attached_ = false;
  logs_.clear();
  manifests_.clear();
  current_.reset();
}

bool HotDatabase::attached() const {
  MutexLock lock(&mutex_);
  return attached_;
}

HotDatabase::LoadedManifest HotDatabase::Load(const std::string& dir) const {
  auto manifest = std::make_shared<HotManifest>();
  LEVELKEEP_ASSIGN_OR_RETURN(manifest->name, ReadCurrent(fs_, dir));
  const std::string path = JoinPath(dir, manifest->name);
  LEVELKEEP_ASSIGN_OR_RETURN(const auto file, fs_->Open(path, OpenMode::kRead));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, file->Stat());
  Result<ManifestContent> content = ReadManifest(*file, info.size_bytes);
  if (!content.ok()) return content.status().WithContext(path);
  *manifest->version = std::move(content->version);
  return manifest;
}

void HotDatabase::SetCurrent(LoadedManifest loaded) {
  current_status_ = loaded.status();
  current_ = loaded.ok() ? std::move(*loaded) : nullptr;
  if (current_ != nullptr) manifests_[current_->name] = current_;
}

std::map<uint64_t, std::shared_ptr<HotLog>> HotDatabase::FindLogs(
    const std::string& dir) const {
  std::map<uint64_t, std::shared_ptr<HotLog>> logs;
  const Result<std::vector<uint64_t>> numbers = ListLogs(fs_, dir);
  if (!numbers.ok()) return logs;  // a new database
  for (const uint64_t number : *numbers) {
    const Result<FileInfo> info = fs_->Stat(JoinPath(dir, LogFileName(number)));
    if (!info.ok()) continue;
    auto log = std::make_shared<HotLog>();
    log->number = number;
    log->existing = true;
    log->existing_size = info->size_bytes;
    logs[number] = std::move(log);
  }
  return logs;
}

Result<bool> HotDatabase::KeepAside(const std::string& path,
                                    const std::string& name, bool keep_name) {
  const auto holds = [&name](const auto& pin) { return Holds(*pin, name); };
  if (std::ranges::none_of(pins_, holds)) return false;
  const auto aside = MoveAside(fs_, path, keep_name);
  // Another program removed it; readers report that.
  if (aside.status().code() == StatusCode::kNotFound) return false;
  LEVELKEEP_RETURN_IF_ERROR(aside.status());
  for (const std::shared_ptr<HotPin>& pin : pins_) {
    if (holds(pin)) pin->aside[name] = *aside;
  }
  return true;
}

Status HotDatabase::BeforeReplace(const std::string& path,
                                  const std::string& name, bool keep_name) {
  MutexLock lock(&mutex_);
  LEVELKEEP_RETURN_IF_ERROR(KeepAside(path, name, keep_name).status());
  Forget(name);
  return Status::Ok();
}

Result<bool> HotDatabase::BeforeRemove(const std::string& path,
                                       const std::string& name) {
  MutexLock lock(&mutex_);
  Forget(name);
  return KeepAside(path, name, /*keep_name=*/false);
}

// LevelDB removes only files that the recorded MANIFEST no longer needs. If the
// removed file is still needed, the whole database is being removed
// (DestroyDB).
void HotDatabase::Forget(const std::string& name) {
  const DbFileName parsed = ParseDbFileName(name);
  const bool usable = current_ != nullptr;
  bool needed = false;
  switch (parsed.kind) {
    case DbFileKind::kCurrent:
      needed = true;
      break;
    case DbFileKind::kManifest:
      manifests_.erase(name);
      needed = usable && current_->name == name;
      break;
    case DbFileKind::kTable:
      needed = usable && current_->version->tables().count(parsed.number) > 0;
      break;
    case DbFileKind::kLog:
      needed = logs_.erase(parsed.number) > 0 && usable &&
               NeedsLog(*current_->version, parsed.number);
      break;
    default:
      break;
  }
  if (!needed || !usable) return;
  current_.reset();
  current_status_ =
      Status(StatusCode::kNotFound,
             "database " + dir_ + " is being removed (" + name + " is gone)");
}

void HotDatabase::AddLog(std::shared_ptr<HotLog> log) {
  MutexLock lock(&mutex_);
  if (!attached_) return;  // RepairDB takes no lock
  logs_[log->number] = std::move(log);
}

void HotDatabase::AddManifest(std::shared_ptr<HotManifest> manifest) {
  MutexLock lock(&mutex_);
  if (!attached_) return;
  // With reuse_logs, LevelDB appends to the current MANIFEST.
  if (current_ != nullptr && current_->name == manifest->name) {
    current_ = manifest;
  }
  manifests_[manifest->name] = std::move(manifest);
}

Status HotDatabase::ApplyEdits(HotManifest* manifest,
                               const std::vector<VersionEdit>& edits) {
  std::shared_ptr<Version> shared;
  {
    MutexLock lock(&mutex_);
    // Pins take and release their share under the mutex. One owner now means
    // that no pin reads the version.
    if (manifest->version.use_count() == 1) {
      return ApplyAll(edits, manifest->version.get());
    }
    shared = manifest->version;
  }
  // The copy is made without the mutex: with a large database, a writer that
  // only registers its next log must not wait for it.
  auto fresh = std::make_shared<Version>(*shared);
  LEVELKEEP_RETURN_IF_ERROR(ApplyAll(edits, fresh.get()));
  MutexLock lock(&mutex_);
  manifest->version = std::move(fresh);
  shared.reset();
  return Status::Ok();
}

void HotDatabase::SetProblem(RecordedFile* file, const std::string& problem) {
  MutexLock lock(&mutex_);
  if (file->problem.empty()) file->problem = problem;
}

void HotDatabase::SetUnreadable(const std::string& path,
                                const std::string& reason) {
  MutexLock lock(&mutex_);
  if (!readable_.ok()) return;
  readable_ =
      Status(StatusCode::kIoError, path + " could not be read (" + reason + ")",
             "open the database again when the disk works and files can be "
             "opened");
}

Status HotDatabase::CheckReadable() const {
  MutexLock lock(&mutex_);
  return readable_;
}

void HotDatabase::CurrentChanged() {
  std::string dir;
  {
    MutexLock lock(&mutex_);
    if (!attached_) return;
    dir = dir_;
  }
  const Result<std::string> name = ReadCurrent(fs_, dir);
  if (name.ok()) {
    MutexLock lock(&mutex_);
    const auto found = manifests_.find(*name);
    if (found != manifests_.end() &&
        found->second->version->CheckComplete().ok()) {
      current_ = found->second;
      current_status_ = Status::Ok();
      return;
    }
  }
  // CURRENT names a MANIFEST that was not written through this Env.
  LoadedManifest loaded = Load(dir);
  MutexLock lock(&mutex_);
  SetCurrent(std::move(loaded));
}

std::string HotDatabase::Problem() const {
  if (current_ == nullptr) return "";
  if (!current_->problem.empty()) {
    return FailedWrite(current_->name, current_->problem);
  }
  for (const auto& [number, log] : logs_) {
    if (!log->problem.empty() && NeedsLog(*current_->version, number)) {
      return FailedWrite(LogFileName(number), log->problem);
    }
  }
  return "";
}

Status HotDatabase::CheckUsable() const {
  if (!attached_) {
    return Status(StatusCode::kNotFound,
                  "no database is open in " + dir_ + " through this Env");
  }
  if (current_ == nullptr) return current_status_;
  const std::string problem = Problem();
  if (problem.empty()) return Status::Ok();
  return Status(StatusCode::kIoError, problem,
                "reopen the database; writes that it acknowledged are safe");
}

Result<HotCut> HotDatabase::Cut() {
  auto pin = std::make_shared<HotPin>();
  HotCut cut;
  MutexLock lock(&mutex_);
  LEVELKEEP_RETURN_IF_ERROR(CheckUsable());
  for (const auto& [number, log] : logs_) {
    if (!NeedsLog(*current_->version, number)) continue;
    cut.logs.push_back({log, log->mark.Read()});
    pin->logs.insert(number);
  }
  pin->version = current_->version;
  cut.manifest_name = current_->name;
  cut.pin = std::move(pin);
  pins_.push_back(cut.pin);
  return cut;
}

void HotDatabase::Release(const std::shared_ptr<HotPin>& pin) {
  // Unlinking takes a while, so it is done after the mutex is released.
  std::map<std::string, std::shared_ptr<const std::string>> released;
  MutexLock lock(&mutex_);
  pins_.remove(pin);
  pin->version.reset();
  released.swap(pin->aside);
}

std::string HotDatabase::PathOf(const HotPin& pin,
                                const std::string& name) const {
  MutexLock lock(&mutex_);
  const auto aside = pin.aside.find(name);
  return aside != pin.aside.end() ? *aside->second : JoinPath(dir_, name);
}

template <typename Use>
auto HotDatabase::UsePinned(const HotPin& pin, const std::string& name,
                            const Use& use) const {
  std::string path = PathOf(pin, name);
  while (true) {
    auto result = use(path);
    if (result.status().code() != StatusCode::kNotFound) return result;
    // LevelDB may have removed the file between the look-up and the use.
    std::string now = PathOf(pin, name);
    if (now == path) return result;
    path = std::move(now);
  }
}

Result<std::unique_ptr<File>> HotDatabase::OpenPinned(
    const HotPin& pin, const std::string& name) const {
  return UsePinned(pin, name, [this](const std::string& path) {
    return fs_->Open(path, OpenMode::kRead);
  });
}

Result<FileInfo> HotDatabase::StatPinned(const HotPin& pin,
                                         const std::string& name) const {
  return UsePinned(pin, name,
                   [this](const std::string& path) { return fs_->Stat(path); });
}

SnapshotEnvStats HotDatabase::GetStats() const {
  SnapshotEnvStats stats;
  std::set<const std::string*> aside;
  MutexLock lock(&mutex_);
  stats.attached = attached_;
  stats.poison_reason = Problem();
  stats.poisoned = !stats.poison_reason.empty();
  stats.snapshots = pins_.size();
  for (const std::shared_ptr<HotPin>& pin : pins_) {
    for (const auto& [name, file] : pin->aside) aside.insert(file.get());
  }
  stats.pinned_files = aside.size();
  if (current_ == nullptr) return stats;
  stats.tables = current_->version->tables().size();
  stats.last_sequence = current_->version->last_sequence();
  for (const auto& [number, log] : logs_) {
    stats.last_sequence =
        std::max(stats.last_sequence, log->mark.Read().last_sequence);
  }
  return stats;
}

}  // namespace levelkeep
