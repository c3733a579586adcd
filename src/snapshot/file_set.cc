#include "snapshot/file_set.h"

#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/status_macros.h"

namespace levelkeep {

namespace {

// Opens `path` and limits it to its first `size_bytes`.
Result<std::unique_ptr<ByteSource>> OpenPrefix(FileSystem* fs,
                                               const std::string& path,
                                               uint64_t size_bytes) {
  LEVELKEEP_ASSIGN_OR_RETURN(std::shared_ptr<File> file,
                             fs->Open(path, OpenMode::kRead));
  return NewPrefixSource(std::move(file), size_bytes);
}

// Opens `file`, limited to the bytes that belong to the snapshot; any number of
// times.
FileSetBuilder::Opener PrefixOpener(std::shared_ptr<const ByteSource> file) {
  return [file = std::move(file)](
             const SnapshotFile& as) -> Result<std::unique_ptr<ByteSource>> {
    return NewPrefixSource(file, as.size_bytes);
  };
}

// Descriptors left for the rest of the process.
constexpr size_t kSpareDescriptors = 128;

// A hard link to a symbolic link would not keep its target, which may be any
// file.
Status RefuseLink(const std::string& path) {
  return Status(StatusCode::kUnsupported, path + " is a symbolic link",
                "put the file itself in its place: a backup holds the "
                "database's own files, and follows no links");
}

}  // namespace

uint64_t SnapshotInfo::total_bytes() const {
  uint64_t total = 0;
  for (const SnapshotFile& file : files) total += file.size_bytes;
  return total;
}

void FileSetBuilder::Reserve(size_t tables) {
  constexpr size_t kOthers = 16;  // logs, MANIFEST, CURRENT
  info_.files.reserve(tables + kOthers);
  openers_.reserve(tables + kOthers);
}

void FileSetBuilder::AddTable(const std::string& name, const FileInfo& info,
                              Opener open) {
  Add({name, DbFileKind::kTable, info.size_bytes, info.device, info.inode,
       info.mtime_ns},
      std::move(open));
}

void FileSetBuilder::AddLog(uint64_t number, uint64_t boundary,
                            uint64_t last_sequence, Opener open) {
  Add({LogFileName(number), DbFileKind::kLog, boundary}, std::move(open));
  info_.last_sequence = std::max(info_.last_sequence, last_sequence);
}

void FileSetBuilder::AddManifest(const Version& version,
                                 const std::string& manifest_name) {
  AddGenerated(manifest_name, DbFileKind::kManifest,
               FrameAsLog(version.EncodeAsEdit()));
  AddGenerated("CURRENT", DbFileKind::kCurrent, manifest_name + "\n");
  info_.comparator = version.comparator();
  info_.last_sequence = std::max(info_.last_sequence, version.last_sequence());
}

void FileSetBuilder::AddGenerated(const std::string& name, DbFileKind kind,
                                  std::string contents) {
  const uint64_t size_bytes = contents.size();
  // All readers share this one copy.
  Add({name, kind, size_bytes}, PrefixOpener(std::shared_ptr<const ByteSource>(
                                    NewStringSource(std::move(contents)))));
}

void FileSetBuilder::Add(SnapshotFile file, Opener open) {
  info_.files.push_back(std::move(file));
  openers_.push_back(std::move(open));
}

std::unique_ptr<Snapshot> FileSetBuilder::Build(
    std::shared_ptr<const void> keeper) {
  return std::make_unique<Snapshot>(std::move(info_), std::move(openers_),
                                    std::move(keeper));
}

Result<TableFile> FindTable(
    const TableMeta& table,
    const std::function<Result<FileInfo>(const std::string& name)>& stat) {
  std::string name = TableFileName(table.number);
  Result<FileInfo> info = stat(name);
  if (info.status().code() == StatusCode::kNotFound) {
    Result<FileInfo> old_info = stat(OldTableFileName(table.number));
    if (old_info.ok()) {
      name = OldTableFileName(table.number);
      info = std::move(old_info);
    }
  }
  LEVELKEEP_RETURN_IF_ERROR(info.status());
  if (info->size_bytes != table.size_bytes) {
    return Status(StatusCode::kCorruption,
                  "table " + name + " has " + std::to_string(info->size_bytes) +
                      " bytes, but the manifest says " +
                      std::to_string(table.size_bytes),
                  kRestoreHint);
  }
  return TableFile{std::move(name), *info};
}

Status DamagedLog(const std::string& path, const LogScan& scan) {
  return Status(StatusCode::kCorruption,
                path + " is damaged after " + std::to_string(scan.boundary) +
                    " bytes (" + std::to_string(scan.records) +
                    " good records)",
                "open the database once to recover what is readable, or "
                "restore the last verified backup");
}

Status HeldLogs::Hold(uint64_t number) {
  Log log;
  log.number = number;
  LEVELKEEP_ASSIGN_OR_RETURN(
      log.file,
      fs_->Open(JoinPath(db_dir_, LogFileName(number)), OpenMode::kRead));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, log.file->Stat());
  log.size_bytes = info.size_bytes;
  const auto behind = std::ranges::find_if(
      logs_, [number](const Log& other) { return other.number > number; });
  logs_.insert(behind, std::move(log));
  return Status::Ok();
}

void HeldLogs::KeepNeeded(const Version& version) {
  std::erase_if(logs_, [&version](const Log& log) {
    return !NeedsLog(version, log.number);
  });
}

Status HeldLogs::FollowNewest() {
  if (logs_.empty()) return Status::Ok();
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, logs_.back().file->Stat());
  logs_.back().size_bytes = info.size_bytes;
  return Status::Ok();
}

bool HeldLogs::Has(uint64_t number) const {
  return std::ranges::any_of(
      logs_, [number](const Log& log) { return log.number == number; });
}

Status HeldLogs::Scan() {
  for (Log& log : logs_) {
    LEVELKEEP_ASSIGN_OR_RETURN(log.scan, ScanLog(*log.file, log.size_bytes,
                                                 /*batches=*/true, nullptr));
    if (log.scan.corrupt) {
      return DamagedLog(JoinPath(db_dir_, LogFileName(log.number)), log.scan);
    }
  }
  return Status::Ok();
}

Status HeldLogs::CheckSequence(const Version& version) const {
  const std::vector<ScannedLog> scanned(logs_.begin(), logs_.end());
  const ScannedLog* const gap = FindGap(version, scanned);
  if (gap == nullptr) return Status::Ok();
  return Status(StatusCode::kCorruption,
                "write numbers are missing before or in " +
                    JoinPath(db_dir_, LogFileName(gap->number)),
                "a log was removed, or a write failed: restore the last "
                "verified backup; or, if the application misses no data, "
                "let it open the database once and try again");
}

uint64_t HeldLogs::last_sequence() const {
  for (auto log = logs_.rbegin(); log != logs_.rend(); ++log) {
    if (log->scan.records > 0) return log->scan.last_sequence;
  }
  return 0;
}

void HeldLogs::AddTo(FileSetBuilder* builder) const {
  for (const Log& log : logs_) {
    builder->AddLog(log.number, log.scan.boundary, log.scan.last_sequence,
                    PrefixOpener(log.file));
  }
}

Status RequireDescriptors(size_t count) {
  const rlim_t wanted = static_cast<rlim_t>(count) + kSpareDescriptors;
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return Status::Ok();
  if (limit.rlim_cur >= wanted) return Status::Ok();
  return Status(StatusCode::kUnsupported,
                "the snapshot needs " + std::to_string(wanted) +
                    " open files, but the limit is " +
                    std::to_string(limit.rlim_cur),
                "raise the limit (ulimit -n), or use a scratch directory on "
                "the database's file system, where tables can be linked");
}

TableHolder::TableHolder(FileSystem* fs, std::string db_dir,
                         std::string scratch_dir, WithoutLinks without_links)
    : folders_(std::make_shared<Folders>(
          Folders{fs, std::move(db_dir), std::move(scratch_dir)})),
      without_links_(without_links),
      can_link_(!folders_->scratch.empty()) {}

std::string TableHolder::NameOf(uint64_t number, bool old_name) {
  return old_name ? OldTableFileName(number) : TableFileName(number);
}

// The path of `name` in the database.
std::string TableHolder::PathOf(const std::string& name) const {
  return JoinPath(folders_->database, name);
}

Status TableHolder::Hold(const Version& version) {
  for (auto it = held_.begin(); it != held_.end();) {
    if (version.tables().count(it->first) > 0) {
      ++it;
      continue;
    }
    Drop(NameOf(it->first, it->second.old_name), it->second);
    it = held_.erase(it);
  }
  for (const auto& [number, table] : version.tables()) {
    if (held_.count(number) > 0) continue;
    LEVELKEEP_ASSIGN_OR_RETURN(Held held,
                               HoldOne(table, version.tables().size()));
    held_.emplace(number, std::move(held));
  }
  return Status::Ok();
}

Result<TableHolder::Held> TableHolder::HoldOne(const TableMeta& table,
                                               size_t table_count) {
  for (const bool old_name : {false, true}) {
    const std::string name = NameOf(table.number, old_name);
    Result<Held> held = HoldByName(name, table_count);
    if (held.status().code() == StatusCode::kNotFound) continue;
    LEVELKEEP_RETURN_IF_ERROR(held.status());
    held->old_name = old_name;
    const Status found = FindSize(table, name, &*held);
    if (found.ok()) return held;
    Drop(name, *held);
    return found;
  }
  const std::string path = PathOf(TableFileName(table.number));
  return Status(StatusCode::kNotFound,
                MissingFile(path, "the manifest").message(), kRestoreHint);
}

Result<TableHolder::Held> TableHolder::HoldByName(const std::string& name,
                                                  size_t table_count) {
  Held held;
  if (can_link_) {
    const Status linked = Link(name, &held.info);
    if (linked.ok()) return held;
    if (linked.code() == StatusCode::kNotFound) return linked;
    // Linking fails on another file system, on a file of another user
    // (fs.protected_hardlinks), or without hard links: all have one remedy.
    can_link_ = false;
  }
  const std::string path = PathOf(name);
  LEVELKEEP_ASSIGN_OR_RETURN(held.info, folders_->fs->Stat(path));
  if (held.info.type == FileType::kSymlink) return RefuseLink(path);
  if (without_links_ == WithoutLinks::kLock) {
    held.by = By::kLock;
    needs_lock_ = true;
    return held;
  }
  held.by = By::kDescriptor;
  LEVELKEEP_RETURN_IF_ERROR(RequireDescriptors(table_count));
  LEVELKEEP_ASSIGN_OR_RETURN(held.file,
                             folders_->fs->Open(path, OpenMode::kRead));
  LEVELKEEP_ASSIGN_OR_RETURN(held.info, held.file->Stat());
  return held;
}

Status TableHolder::Link(const std::string& name, FileInfo* info) {
  const std::string link = JoinPath(folders_->scratch, name);
  // If we die here: the scratch directory and its links stay. They only cost
  // the space of tables that LevelDB has removed since.
  LEVELKEEP_RETURN_IF_ERROR(folders_->fs->Link(PathOf(name), link));
  LEVELKEEP_ASSIGN_OR_RETURN(*info, folders_->fs->Stat(link));
  return Status::Ok();
}

Status TableHolder::FindSize(const TableMeta& table, const std::string& name,
                             Held* held) const {
  const std::string path = PathOf(name);
  if (held->info.type == FileType::kSymlink) return RefuseLink(path);
  if (held->info.size_bytes == table.size_bytes) return Status::Ok();
  std::shared_ptr<File> file = held->file;
  if (file == nullptr) {
    const std::string held_path =
        held->by == By::kLink ? JoinPath(folders_->scratch, name) : path;
    LEVELKEEP_ASSIGN_OR_RETURN(file,
                               folders_->fs->Open(held_path, OpenMode::kRead));
  }
  const auto end = FindTableEnd(*file, held->info.size_bytes, table.size_bytes);
  if (!end.ok()) {
    return Status(end.status().code(), path + " " + end.status().message(),
                  kRestoreHint);
  }
  held->info.size_bytes = *end;
  return Status::Ok();
}

void TableHolder::Drop(const std::string& name, const Held& held) {
  if (held.by != By::kLink) return;
  const Status removed =
      folders_->fs->RemoveFile(JoinPath(folders_->scratch, name));
  if (!removed.ok()) {
    LogWarn("Snapshot", "a link was not removed: " + removed.ToString());
  }
}

void TableHolder::Clear() {
  for (const auto& [number, held] : held_) {
    Drop(NameOf(number, held.old_name), held);
  }
  held_.clear();
}

void TableHolder::CorrectSizes(Version* version) const {
  size_t corrected = 0;
  for (const auto& [number, held] : held_) {
    const uint64_t named = version->tables().at(number).size_bytes;
    if (named == held.info.size_bytes) continue;
    version->SetTableSize(number, held.info.size_bytes);
    ++corrected;
  }
  if (corrected == 0) return;
  LogInfo("Snapshot", "the manifest of " + folders_->database +
                          " states other sizes than " +
                          std::to_string(corrected) +
                          " tables have; the backup states the true sizes");
}

void TableHolder::AddTo(FileSetBuilder* builder) const {
  builder->Reserve(held_.size());
  for (const auto& [number, held] : held_) {
    const std::string name = NameOf(number, held.old_name);
    if (held.by == By::kDescriptor) {
      builder->AddTable(name, held.info, PrefixOpener(held.file));
      continue;
    }
    // Captures two pointers only, so that std::function allocates nothing.
    builder->AddTable(name, held.info,
                      [fs = folders_->fs, folder = held.by == By::kLink
                                                       ? &folders_->scratch
                                                       : &folders_->database](
                          const SnapshotFile& table) {
                        return OpenPrefix(fs, JoinPath(*folder, table.name),
                                          table.size_bytes);
                      });
  }
}

}  // namespace levelkeep
