#include <utility>

#include "archive/readers.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "dbfiles/database_files.h"

namespace levelkeep {

TargetDirectory::TargetDirectory(FileSystem* fs, std::string path)
    : fs_(fs), path_(std::move(path)) {}

Status TargetDirectory::CheckEmpty() const {
  if (!writes()) return Status::Ok();
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, fs_->List(path_));
  if (names.empty()) return Status::Ok();
  return Status(StatusCode::kInvalidArgument, path_ + " is not empty",
                "extract into an empty directory");
}

Result<std::unique_ptr<File>> TargetDirectory::Create(const std::string& name) {
  // The readers checked the name; a bad name would do harm here.
  if (!IsBackedUp(ParseDbFileName(name).kind)) {
    return Status(StatusCode::kInternal,
                  "refusing to create " + Printable(name));
  }
  return fs_->Open(JoinPath(path_, name), OpenMode::kCreateNew);
}

Status TargetDirectory::Sync() {
  // If we die here: the files are in a directory that nothing refers to; the
  // caller's sweep removes it.
  return writes() ? fs_->SyncDirectory(path_) : Status::Ok();
}

Status SyncQueue::Add(std::unique_ptr<File> file, uint64_t size_bytes) {
  if (size_bytes > 0) file->StartWriteback(0, size_bytes);
  files_.push_back(std::move(file));
  return files_.size() > length_ ? SyncOldest() : Status::Ok();
}

Status SyncQueue::Finish() {
  while (!files_.empty()) LEVELKEEP_RETURN_IF_ERROR(SyncOldest());
  return Status::Ok();
}

Status SyncQueue::SyncOldest() {
  const std::unique_ptr<File> file = std::move(files_.front());
  files_.pop_front();
  LEVELKEEP_RETURN_IF_ERROR(file->Sync());
  return file->Close();
}

}  // namespace levelkeep
