#include "catalog/in_use.h"

#include <utility>

#include "base/hash.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "format/backup_name.h"

namespace levelkeep {

namespace {

constexpr char kLogTag[] = "BackupManager";
constexpr size_t kIdDigits = 32;

// The backup that a mark names; empty: not a mark.
std::string BackupOfMark(const std::string& mark) {
  if (mark.size() <= kIdDigits || mark[kIdDigits] != '-') return "";
  std::string name = mark.substr(kIdDigits + 1);
  return ParseBackupName(name) ? name : "";
}

// Removes the mark's file before it gives up the lock, so that no living mark
// loses its file.
class HeldMark {
 public:
  HeldMark(FileSystem* fs, std::string path, std::unique_ptr<FileLock> lock)
      : fs_(fs), path_(std::move(path)), lock_(std::move(lock)) {}
  ~HeldMark() { (void)fs_->RemoveFile(path_); }
  HeldMark(const HeldMark&) = delete;

 private:
  FileSystem* const fs_;
  const std::string path_;
  const std::unique_ptr<FileLock> lock_;
};

}  // namespace

InUse::InUse(FileSystem* fs, FolderDestination* folder,
             const std::string& backup_dir)
    : fs_(fs),
      folder_(folder),
      directory_(JoinPath(JoinPath(backup_dir, std::string(kStateFolder)),
                          "in-use")) {}

InUseMark InUse::Mark(const std::string& name) {
  const auto mark = [&]() -> Result<InUseMark> {
    // Names takes this lock, too, so that it sees no mark without its lock.
    LEVELKEEP_ASSIGN_OR_RETURN(const auto state_lock, folder_->LockState());
    LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(fs_, directory_));
    const std::string path = JoinPath(directory_, RandomId() + "-" + name);
    LEVELKEEP_ASSIGN_OR_RETURN(auto lock, fs_->Lock(path));
    return InUseMark(std::make_shared<HeldMark>(fs_, path, std::move(lock)));
  };
  auto marked = mark();
  if (marked.ok()) return *std::move(marked);
  LogDebug(kLogTag,
           name + ": not marked as being read: " + marked.status().ToString());
  return nullptr;
}

Result<std::vector<std::string>> InUse::Names(LeftOvers left_overs) const {
  std::vector<std::string> names;
  const auto marks = fs_->List(directory_);
  if (marks.status().code() == StatusCode::kNotFound) return names;
  LEVELKEEP_RETURN_IF_ERROR(marks.status());
  if (marks->empty()) return names;
  LEVELKEEP_ASSIGN_OR_RETURN(const auto state_lock, folder_->LockState());
  for (const std::string& mark : *marks) {
    std::string name = BackupOfMark(mark);
    const std::string path = JoinPath(directory_, mark);
    if (name.empty() || !PathExists(fs_, path)) continue;
    if (!folder_->IsLeftOver(path)) {
      names.push_back(std::move(name));
    } else if (left_overs == LeftOvers::kRemove) {
      (void)fs_->RemoveFile(path);
    }
  }
  return names;
}

}  // namespace levelkeep
