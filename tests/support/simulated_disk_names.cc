// SimulatedDisk: the operations on names.

#include <algorithm>
#include <cerrno>

#include "support/simulated_disk.h"

namespace levelkeep::test {

int SimulatedDisk::Stat(const std::string& path, FileInfo* info) {
  MutexLock lock(&mutex_);
  if (const int error = Begin("stat", path, "")) return error;
  Place place;
  if (const int error = Walk(path, &place)) return error;
  if (place.inode == 0) return ENOENT;
  *info = InfoOf(place.inode);
  return 0;
}

int SimulatedDisk::List(const std::string& path,
                        std::vector<std::string>* names) {
  MutexLock lock(&mutex_);
  names->clear();
  if (const int error = Begin("list", path, "")) return error;
  Place place;
  if (const int error = Walk(path, &place)) return error;
  if (place.inode == 0) return ENOENT;
  const SimulatedInode& directory = *state_.Find(place.inode);
  if (directory.type != FileType::kDirectory) return ENOTDIR;
  for (const auto& [name, number] : directory.entries) names->push_back(name);
  return 0;
}

int SimulatedDisk::MakeDirectory(const std::string& path) {
  MutexLock lock(&mutex_);
  if (const int error = Begin("make folder", path, "")) return error;
  Place place;
  if (const int error = Walk(path, &place)) return error;
  if (place.inode != 0) return EEXIST;
  if (const int error = CheckWritable(place.directory)) return error;
  const InodeNumber made = state_.Add(FileType::kDirectory, 0700, now_ns_);
  return Change({{place.directory, place.name, made}});
}

int SimulatedDisk::RemoveFile(const std::string& path) {
  MutexLock lock(&mutex_);
  if (const int error = Begin("remove", path, "")) return error;
  Place place;
  if (const int error = Walk(path, &place)) return error;
  if (place.inode == 0) return ENOENT;
  if (state_.Find(place.inode)->type == FileType::kDirectory) return EISDIR;
  if (const int error = CheckWritable(place.directory)) return error;
  return Change({{place.directory, place.name, 0}});
}

int SimulatedDisk::RemoveDirectory(const std::string& path) {
  MutexLock lock(&mutex_);
  if (const int error = Begin("remove folder", path, "")) return error;
  Place place;
  if (const int error = Walk(path, &place)) return error;
  if (place.inode == 0) return ENOENT;
  const SimulatedInode& directory = *state_.Find(place.inode);
  if (directory.type != FileType::kDirectory) return ENOTDIR;
  if (!directory.entries.empty()) return ENOTEMPTY;
  if (const int error = CheckWritable(place.directory)) return error;
  return Change({{place.directory, place.name, 0}});
}

// Checks whether rename() may replace `target`.
int SimulatedDisk::CheckReplace(InodeNumber source, InodeNumber target) const {
  const bool folder = state_.Find(source)->type == FileType::kDirectory;
  const SimulatedInode& old = *state_.Find(target);
  if (!folder) return old.type == FileType::kDirectory ? EISDIR : 0;
  if (old.type != FileType::kDirectory) return ENOTDIR;
  return old.entries.empty() ? 0 : ENOTEMPTY;
}

int SimulatedDisk::RenamePlaces(const Place& from, const Place& to,
                                RenameKind kind) {
  // The kernel looks for the target before it asks the file system.
  if (kind == RenameKind::kNoReplace && to.inode != 0) return EEXIST;
  if (plain_names_ && kind != RenameKind::kReplace) return EINVAL;
  if (from.inode == 0) return ENOENT;
  if (from.name.empty() || to.name.empty()) return EBUSY;
  for (const InodeNumber directory : {from.directory, to.directory}) {
    if (const int error = CheckWritable(directory)) return error;
  }
  if (kind == RenameKind::kExchange) {
    if (!exchange_supported_) return EINVAL;
    if (to.inode == 0) return ENOENT;
    return Change({{from.directory, from.name, to.inode},
                   {to.directory, to.name, from.inode}});
  }
  if (to.inode == from.inode) return 0;
  if (to.inode != 0) {
    if (const int error = CheckReplace(from.inode, to.inode)) return error;
  }
  return Change(
      {{from.directory, from.name, 0}, {to.directory, to.name, from.inode}});
}

int SimulatedDisk::Rename(const std::string& source, const std::string& target,
                          RenameKind kind) {
  MutexLock lock(&mutex_);
  const char* const action =
      kind == RenameKind::kExchange ? "exchange" : "rename";
  if (const int error = Begin(action, source, target)) return error;
  Place from, to;
  if (const int error = Walk(source, &from)) return error;
  if (const int error = Walk(target, &to)) return error;
  return RenamePlaces(from, to, kind);
}

int SimulatedDisk::Link(const std::string& source, const std::string& target) {
  MutexLock lock(&mutex_);
  if (const int error = Begin("link", source, target)) return error;
  Place from, to;
  if (const int error = Walk(source, &from)) return error;
  if (const int error = Walk(target, &to)) return error;
  if (from.inode == 0) return ENOENT;
  if (state_.Find(from.inode)->type == FileType::kDirectory) return EPERM;
  if (to.inode != 0) return EEXIST;
  if (plain_names_) return EPERM;
  if (const int error = CheckWritable(to.directory)) return error;
  return Change({{to.directory, to.name, from.inode}});
}

int SimulatedDisk::SetMode(const std::string& path, uint32_t mode) {
  MutexLock lock(&mutex_);
  if (const int error = Begin("set mode of", path, "")) return error;
  Place place;
  if (const int error = Walk(path, &place)) return error;
  if (place.inode == 0) return ENOENT;
  SimulatedInode* const inode = state_.Edit(place.inode);
  inode->mode = mode;
  inode->ctime_ns = now_ns_;
  Done();
  return 0;
}

int SimulatedDisk::SyncDirectory(const std::string& path) {
  MutexLock lock(&mutex_);
  if (const int error = Begin("sync folder", path, "")) return error;
  Place place;
  if (const int error = Walk(path, &place)) return error;
  if (place.inode == 0) return ENOENT;
  if (state_.Find(place.inode)->type != FileType::kDirectory) return ENOTDIR;
  state_.SyncDirectory(place.inode);
  Done();
  return 0;
}

int SimulatedDisk::FreeSpace(const std::string& path, uint64_t* bytes) {
  MutexLock lock(&mutex_);
  if (const int error = Begin("free space of", path, "")) return error;
  Place place;
  if (const int error = Walk(path, &place)) return error;
  if (place.inode == 0) return ENOENT;
  *bytes = free_space_;
  return 0;
}

}  // namespace levelkeep::test
