// The files of the database that is checked: in a folder, or in an archive.

#ifndef LEVELKEEP_CHECK_STORE_FILES_H_
#define LEVELKEEP_CHECK_STORE_FILES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "archive/archive_view.h"
#include "base/file_system.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "levelkeep/status.h"

namespace levelkeep::check {

// Read only; names are without a folder.
// Thread safety: all methods may be called concurrently.
class StoreFiles {
 public:
  virtual ~StoreFiles() = default;
  virtual Result<std::vector<std::string>> List() const = 0;
  // kNotFound if there is none. Type and size only.
  virtual Result<FileInfo> Stat(const std::string& name) const = 0;
  virtual Result<std::unique_ptr<ByteSource>> Open(
      const std::string& name) const = 0;
};

// Open only while it is read, where LevelDB would keep more tables open than
// the host allows.
class FileByName : public ByteSource {
 public:
  // `fs` outlives it.
  FileByName(FileSystem* fs, std::string path)
      : fs_(fs), path_(std::move(path)) {}
  Result<size_t> ReadAt(uint64_t offset, char* buffer,
                        size_t size) const override {
    LEVELKEEP_ASSIGN_OR_RETURN(const auto file,
                               fs_->Open(path_, OpenMode::kRead));
    return file->ReadAt(offset, buffer, size);
  }

 private:
  FileSystem* const fs_;
  const std::string path_;
};

class FolderFiles : public StoreFiles {
 public:
  // `fs` outlives it.
  FolderFiles(FileSystem* fs, std::string folder)
      : fs_(fs), folder_(std::move(folder)) {}

  Result<std::vector<std::string>> List() const override {
    return fs_->List(folder_);
  }
  Result<FileInfo> Stat(const std::string& name) const override {
    return fs_->Stat(JoinPath(folder_, name));
  }
  Result<std::unique_ptr<ByteSource>> Open(
      const std::string& name) const override {
    const std::string path = JoinPath(folder_, name);
    LEVELKEEP_ASSIGN_OR_RETURN(auto file, fs_->Open(path, OpenMode::kRead));
    return by_name_ ? std::unique_ptr<ByteSource>(new FileByName(fs_, path))
                    : std::unique_ptr<ByteSource>(std::move(file));
  }

 private:
  FileSystem* const fs_;
  const std::string folder_;
  const bool by_name_ = FewFilesMayBeOpen();
};

class ArchiveFiles : public StoreFiles {
 public:
  explicit ArchiveFiles(std::shared_ptr<const ArchiveView> view)
      : view_(std::move(view)) {}

  Result<std::vector<std::string>> List() const override {
    std::vector<std::string> names;
    for (const auto& [name, size_bytes] : view_->sizes()) names.push_back(name);
    return names;
  }
  Result<FileInfo> Stat(const std::string& name) const override {
    const auto found = view_->sizes().find(name);
    if (found == view_->sizes().end()) {
      return Status(StatusCode::kNotFound,
                    "the archive holds no file " + Printable(name));
    }
    FileInfo info;
    info.type = FileType::kRegular;
    info.size_bytes = found->second;
    return info;
  }
  Result<std::unique_ptr<ByteSource>> Open(
      const std::string& name) const override {
    return ArchiveView::OpenFile(view_, name);
  }

 private:
  const std::shared_ptr<const ArchiveView> view_;
};

}  // namespace levelkeep::check

#endif  // LEVELKEEP_CHECK_STORE_FILES_H_
