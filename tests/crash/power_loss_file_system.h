// A disk that forgets what was not synced when the power goes.
//
// What it may forget: a change of directory entries until every directory
// concerned was synced after it, and the bytes of a file until the file was
// synced after they were written. Everything else stays.

#ifndef LEVELKEEP_TESTS_CRASH_POWER_LOSS_FILE_SYSTEM_H_
#define LEVELKEEP_TESTS_CRASH_POWER_LOSS_FILE_SYSTEM_H_

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "gtest/gtest.h"

namespace levelkeep::test {

// Wraps the real disk. Thread safety: one thread at a time.
class PowerLossFileSystem : public FileSystem {
 public:
  // `graveyard` keeps what is removed until the removal is durable; on the
  // same file system, not below what is looked at.
  explicit PowerLossFileSystem(std::string graveyard)
      : base_(FileSystem::Posix()), graveyard_(std::move(graveyard)) {
    std::filesystem::create_directories(graveyard_);
  }

  // The power goes. The newest `forget` changes that are not durable are
  // lost (the disk wrote the older ones in time), and so are bytes that were
  // not synced in the files below `root`.
  void Lose(size_t forget, const std::string& root) {
    for (auto change = changes_.rbegin(); change != changes_.rend() && forget;
         ++change) {
      if (change->unsynced.empty()) continue;
      change->take_back();
      --forget;
    }
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(root)) {
      if (!entry.is_regular_file()) continue;
      const auto info = base_->Stat(entry.path());
      if (info.ok() && dirty_.count(info->inode) > 0) {
        std::filesystem::resize_file(entry.path(), info->size_bytes / 2);
      }
    }
    changes_.clear();
    dirty_.clear();
  }
  size_t unsynced_changes() const {
    size_t count = 0;
    for (const Change& change : changes_) count += !change.unsynced.empty();
    return count;
  }

  Result<std::unique_ptr<File>> Open(const std::string& path,
                                     OpenMode mode) override {
    const bool existed = base_->Stat(path).ok();
    auto file = base_->Open(path, mode);
    if (!file.ok()) return file.status();
    if (!existed) {
      Note({ParentPath(path)}, [path] { std::filesystem::remove(path); });
    }
    return std::unique_ptr<File>(
        std::make_unique<TrackedFile>(this, std::move(*file)));
  }
  Result<FileInfo> Stat(const std::string& path) override {
    return base_->Stat(path);
  }
  Result<FileInfo> StatFollowing(const std::string& path) override {
    return base_->StatFollowing(path);
  }
  Result<std::vector<std::string>> List(const std::string& path) override {
    return base_->List(path);
  }
  Status CreateDirectory(const std::string& path) override {
    return Noted(base_->CreateDirectory(path), {ParentPath(path)},
                 [path] { std::filesystem::remove_all(path); });
  }
  Status RemoveFile(const std::string& path) override {
    const std::string grave = Bury(path);
    return Noted(base_->RemoveFile(path), {ParentPath(path)},
                 [grave, path] { std::filesystem::rename(grave, path); });
  }
  Status RemoveDirectory(const std::string& path) override {
    return Noted(base_->RemoveDirectory(path), {ParentPath(path)},
                 [path] { std::filesystem::create_directory(path); });
  }
  Status Rename(const std::string& source, const std::string& target) override {
    const auto replaced = base_->Stat(target);
    const bool replaces_file =
        replaced.ok() && replaced->type == FileType::kRegular;
    const std::string grave = replaces_file ? Bury(target) : "";
    return Noted(base_->Rename(source, target),
                 {ParentPath(source), ParentPath(target)},
                 [grave, source, target] {
                   std::filesystem::rename(target, source);
                   if (!grave.empty()) std::filesystem::rename(grave, target);
                 });
  }
  Status RenameNoReplace(const std::string& source,
                         const std::string& target) override {
    return Noted(base_->RenameNoReplace(source, target),
                 {ParentPath(source), ParentPath(target)},
                 [source, target] { std::filesystem::rename(target, source); });
  }
  Status Exchange(const std::string& a, const std::string& b) override {
    FileSystem* const base = base_;
    return Noted(base_->Exchange(a, b), {ParentPath(a), ParentPath(b)},
                 [base, a, b] { EXPECT_TRUE(base->Exchange(a, b).ok()); });
  }
  Status Link(const std::string& source, const std::string& target) override {
    return Noted(base_->Link(source, target), {ParentPath(target)},
                 [target] { std::filesystem::remove(target); });
  }
  Status SetMode(const std::string& path, uint32_t mode) override {
    return base_->SetMode(path, mode);
  }
  Status SyncDirectory(const std::string& path) override {
    for (Change& change : changes_) change.unsynced.erase(path);
    return base_->Stat(path).status();
  }
  Result<uint64_t> FreeSpace(const std::string& path) override {
    return base_->FreeSpace(path);
  }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    return base_->Lock(path);
  }

 private:
  class TrackedFile : public File {
   public:
    TrackedFile(PowerLossFileSystem* disk, std::unique_ptr<File> file)
        : disk_(disk), file_(std::move(file)) {
      const auto info = file_->Stat();
      if (info.ok()) inode_ = info->inode;
    }
    Result<size_t> ReadAt(uint64_t offset, char* buffer,
                          size_t size) const override {
      return file_->ReadAt(offset, buffer, size);
    }
    Status Append(std::string_view data) override {
      disk_->dirty_.insert(inode_);
      return file_->Append(data);
    }
    Status WriteAt(uint64_t offset, std::string_view data) override {
      disk_->dirty_.insert(inode_);
      return file_->WriteAt(offset, data);
    }
    Status Sync() override {
      disk_->dirty_.erase(inode_);
      return Status::Ok();
    }
    Result<FileInfo> Stat() const override { return file_->Stat(); }
    Status CopyRangeTo(File* target, uint64_t offset,
                       uint64_t size) const override {
      return CopyBytes(*this, target, offset, size);
    }
    Status Close() override { return file_->Close(); }

   private:
    PowerLossFileSystem* const disk_;
    const std::unique_ptr<File> file_;
    uint64_t inode_ = 0;
  };

  struct Change {
    std::set<std::string> unsynced;  // directories that were not synced since
    std::function<void()> take_back;
  };

  void Note(std::set<std::string> directories,
            std::function<void()> take_back) {
    changes_.push_back({std::move(directories), std::move(take_back)});
  }
  Status Noted(Status done, std::set<std::string> directories,
               std::function<void()> take_back) {
    if (done.ok()) Note(std::move(directories), std::move(take_back));
    return done;
  }
  // A second name for a file that is about to lose its first.
  std::string Bury(const std::string& path) {
    const std::string grave = graveyard_ + "/" + std::to_string(++graves_);
    std::error_code error;
    std::filesystem::remove(grave, error);
    std::filesystem::create_hard_link(path, grave, error);
    return error ? "" : grave;
  }

  FileSystem* const base_;
  const std::string graveyard_;
  int graves_ = 0;
  std::vector<Change> changes_;
  std::set<uint64_t> dirty_;  // inodes
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_CRASH_POWER_LOSS_FILE_SYSTEM_H_
