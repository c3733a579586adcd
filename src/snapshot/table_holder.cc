#include "snapshot/table_holder.h"

#include <sys/resource.h>

#include <utility>

#include "base/log.h"
#include "base/status_macros.h"
#include "dbfiles/file_name.h"

namespace levelkeep {
namespace {

// What the rest of the process may have open at the same time.
constexpr size_t kSpareDescriptors = 128;

}  // namespace

Status ReserveDescriptors(size_t count) {
  const rlim_t wanted = static_cast<rlim_t>(count) + kSpareDescriptors;
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return Status::Ok();
  if (limit.rlim_cur >= wanted) return Status::Ok();
  if (limit.rlim_max >= wanted) {
    limit.rlim_cur = wanted;
    if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) return Status::Ok();
  }
  return Status(StatusCode::kUnsupported,
                "the snapshot needs " + std::to_string(wanted) +
                    " open files, the limit is " +
                    std::to_string(limit.rlim_max),
                "raise the limit (ulimit -Hn), or use a scratch directory on "
                "the database's file system, where tables can be linked");
}

TableHolder::TableHolder(FileSystem* fs, std::string db_dir,
                         std::string scratch_dir)
    : fs_(fs),
      db_dir_(std::move(db_dir)),
      scratch_dir_(std::move(scratch_dir)) {}

Status TableHolder::Hold(const Version& version) {
  for (auto it = held_.begin(); it != held_.end();) {
    if (version.tables().count(it->first) > 0) {
      ++it;
      continue;
    }
    Drop(it->second);
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
  Result<Held> held = HoldByName(TableFileName(table.number), table_count);
  if (held.status().code() == StatusCode::kNotFound) {
    held = HoldByName(OldTableFileName(table.number), table_count);
  }
  LEVELKEEP_RETURN_IF_ERROR(held.status());
  if (held->info.size_bytes != table.size_bytes) {
    Drop(*held);
    return Status(StatusCode::kCorruption,
                  JoinPath(db_dir_, held->name) + " has " +
                      std::to_string(held->info.size_bytes) +
                      " bytes, the manifest says " +
                      std::to_string(table.size_bytes),
                  "restore the last verified backup");
  }
  return held;
}

Result<TableHolder::Held> TableHolder::HoldByName(const std::string& name,
                                                  size_t table_count) {
  Held held;
  held.name = name;
  if (can_link_) {
    const Status linked = Link(name, &held);
    if (linked.ok()) return held;
    if (linked.code() == StatusCode::kNotFound) return linked;
    // Another file system, somebody else's files (fs.protected_hardlinks), a
    // file system without links: no matter why, descriptors hold as well.
    LEVELKEEP_RETURN_IF_ERROR(ReserveDescriptors(table_count));
    can_link_ = false;
  }
  LEVELKEEP_ASSIGN_OR_RETURN(
      held.file, fs_->Open(JoinPath(db_dir_, name), OpenMode::kRead));
  LEVELKEEP_ASSIGN_OR_RETURN(held.info, held.file->Stat());
  return held;
}

Status TableHolder::Link(const std::string& name, Held* held) {
  const std::string link = JoinPath(scratch_dir_, name);
  // If we die here: the scratch directory stays with its links, which cost
  // nothing but the space of tables that LevelDB has removed since.
  LEVELKEEP_RETURN_IF_ERROR(fs_->Link(JoinPath(db_dir_, name), link));
  LEVELKEEP_ASSIGN_OR_RETURN(held->info, fs_->Stat(link));
  held->link = link;
  return Status::Ok();
}

void TableHolder::Drop(const Held& held) {
  if (held.link.empty()) return;
  const Status removed = fs_->RemoveFile(held.link);
  if (!removed.ok()) {
    LogWarn("Snapshot", "link stays: " + removed.ToString());
  }
}

void TableHolder::Clear() {
  for (const auto& [number, held] : held_) Drop(held);
  held_.clear();
}

void TableHolder::AddTo(FileSetBuilder* builder) const {
  builder->Reserve(held_.size());
  for (const auto& [number, held] : held_) {
    if (held.file != nullptr) {
      builder->AddTable(held.name, held.info, PrefixOpener(held.file));
      continue;
    }
    builder->AddTable(held.name, held.info,
                      [fs = fs_, link = held.link](const SnapshotFile& table) {
                        return OpenPrefix(fs, link, table.size_bytes);
                      });
  }
}

}  // namespace levelkeep
