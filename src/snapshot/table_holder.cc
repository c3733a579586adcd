#include "snapshot/table_holder.h"

#include <sys/resource.h>

#include <utility>

#include "base/log.h"
#include "base/status_macros.h"
#include "dbfiles/database_files.h"

namespace levelkeep {
namespace {

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
