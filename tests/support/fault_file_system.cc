#include "support/fault_file_system.h"

#include <utility>

#include "base/status_macros.h"

namespace levelkeep::test {
namespace {

std::string To(const std::string& source, const std::string& target) {
  return source + " to " + target;
}

class FaultFile : public File {
 public:
  FaultFile(const FaultFileSystem* fs, std::unique_ptr<File> base,
            std::string path, bool writable)
      : fs_(fs),
        base_(std::move(base)),
        path_(std::move(path)),
        writable_(writable) {}

  Result<size_t> ReadAt(uint64_t offset, char* buffer,
                        size_t size) const override {
    LEVELKEEP_RETURN_IF_ERROR(fs_->Look("ReadAt " + path_));
    return Counted(base_->ReadAt(offset, buffer, size));
  }
  void WillNeed(uint64_t offset, uint64_t size) const override {
    base_->WillNeed(offset, size);
  }
  void DontNeed(uint64_t offset, uint64_t size) const override {
    base_->DontNeed(offset, size);
  }
  bool IsCached(uint64_t offset) const override {
    return fs_->cached() && base_->IsCached(offset);
  }

  Status Append(std::string_view data) override {
    bool torn = false;
    const Status allowed = fs_->Mutate("Append " + path_, &torn);
    if (allowed.ok()) return base_->Append(data);
    if (torn) (void)base_->Append(data.substr(0, data.size() / 2));
    return allowed;
  }
  Status WriteAt(uint64_t offset, std::string_view data) override {
    bool torn = false;
    const Status allowed = fs_->Mutate("WriteAt " + path_, &torn);
    if (allowed.ok()) return base_->WriteAt(offset, data);
    if (torn) (void)base_->WriteAt(offset, data.substr(0, data.size() / 2));
    return allowed;
  }
  Status Sync() override {
    LEVELKEEP_RETURN_IF_ERROR(fs_->Mutate("Sync " + path_));
    return base_->Sync();
  }
  void StartWriteback(uint64_t offset, uint64_t size) override {
    base_->StartWriteback(offset, size);
  }
  Result<size_t> ReadFromDevice(uint64_t offset, char* buffer,
                                size_t size) const override {
    LEVELKEEP_RETURN_IF_ERROR(fs_->Look("ReadFromDevice " + path_));
    return Counted(base_->ReadFromDevice(offset, buffer, size));
  }
  Status WaitForWriteback(uint64_t offset, uint64_t size) override {
    LEVELKEEP_RETURN_IF_ERROR(fs_->Look("WaitForWriteback " + path_));
    return base_->WaitForWriteback(offset, size);
  }
  Result<FileInfo> Stat() const override {
    LEVELKEEP_RETURN_IF_ERROR(fs_->Look("Stat " + path_));
    return base_->Stat();
  }
  bool HasWriter() const override { return base_->HasWriter(); }
  Status CopyRangeTo(File* target, uint64_t offset,
                     uint64_t size) const override {
    auto* other = dynamic_cast<FaultFile*>(target);
    File* const real = other == nullptr ? target : other->base_.get();
    const std::string name = other == nullptr ? "?" : other->path_;
    bool torn = false;
    const Status allowed = fs_->Mutate("CopyRange " + To(path_, name), &torn);
    if (allowed.ok()) return base_->CopyRangeTo(real, offset, size);
    if (torn) (void)base_->CopyRangeTo(real, offset, size / 2);
    return allowed;
  }
  Status Close() override {
    const std::string operation = "Close " + path_;
    const Status allowed =
        writable_ ? fs_->Mutate(operation) : fs_->Look(operation);
    // As on Linux, the file is closed even if close() fails.
    const Status closed = base_->Close();
    return allowed.ok() ? closed : allowed;
  }

 private:
  Result<size_t> Counted(Result<size_t> count) const {
    if (count.ok()) fs_->NoteRead(path_, *count);
    return count;
  }

  const FaultFileSystem* const fs_;
  const std::unique_ptr<File> base_;
  const std::string path_;
  const bool writable_;
};

}  // namespace

void FaultFileSystem::NoteRead(const std::string& path, uint64_t bytes) const {
  MutexLock lock(&mutex_);
  bytes_read_[path] += bytes;
}

uint64_t FaultFileSystem::bytes_read(const std::string& path) const {
  MutexLock lock(&mutex_);
  const auto it = bytes_read_.find(path);
  return it == bytes_read_.end() ? 0 : it->second;
}

void FaultFileSystem::Reset() {
  MutexLock lock(&mutex_);
  operations_ = 0;
  fired_ = false;
  trace_.clear();
  bytes_read_.clear();
  faulty_operation_.clear();
  fail_at_ = 0;
  fail_on_.clear();
  crash_ = false;
  free_space_.reset();
  exchange_supported_ = true;
  plain_names_ = false;
  cached_ = true;
}

void FaultFileSystem::FailAt(uint64_t n, StatusCode code) {
  MutexLock lock(&mutex_);
  fail_at_ = n;
  fail_on_.clear();
  code_ = code;
  crash_ = false;
}

void FaultFileSystem::FailOn(const std::string& text, StatusCode code,
                             uint64_t nth, uint64_t times) {
  MutexLock lock(&mutex_);
  fail_at_ = nth;
  fail_on_ = text;
  matches_ = 0;
  times_ = times;
  code_ = code;
  crash_ = false;
}

void FaultFileSystem::CrashAt(uint64_t n) {
  MutexLock lock(&mutex_);
  fail_at_ = n;
  fail_on_.clear();
  code_ = StatusCode::kIoError;
  crash_ = true;
}

bool FaultFileSystem::fired() const {
  MutexLock lock(&mutex_);
  return fired_;
}

uint64_t FaultFileSystem::operations() const {
  MutexLock lock(&mutex_);
  return operations_;
}

std::string FaultFileSystem::last_operation() const {
  MutexLock lock(&mutex_);
  if (fired_ || trace_.empty()) return faulty_operation_;
  return trace_.back();
}

std::vector<std::string> FaultFileSystem::trace() const {
  MutexLock lock(&mutex_);
  return trace_;
}

void FaultFileSystem::set_free_space(std::optional<uint64_t> bytes) {
  MutexLock lock(&mutex_);
  free_space_ = bytes;
}

void FaultFileSystem::set_probes_counted(bool counted) {
  MutexLock lock(&mutex_);
  probes_counted_ = counted;
}

bool FaultFileSystem::plain_names() const {
  MutexLock lock(&mutex_);
  return plain_names_;
}

void FaultFileSystem::set_plain_names(bool plain) {
  MutexLock lock(&mutex_);
  plain_names_ = plain;
}

void FaultFileSystem::set_exchange_supported(bool supported) {
  MutexLock lock(&mutex_);
  exchange_supported_ = supported;
}

void FaultFileSystem::set_cached(bool cached) {
  MutexLock lock(&mutex_);
  cached_ = cached;
}

bool FaultFileSystem::cached() const {
  MutexLock lock(&mutex_);
  return cached_;
}

Status FaultFileSystem::Mutate(const std::string& operation, bool* torn) const {
  return Pass(operation, true, torn);
}

Status FaultFileSystem::Look(const std::string& operation) const {
  return Pass(operation, count_ == Count::kAll, nullptr);
}

bool FaultFileSystem::IsFaulty(const std::string& operation) const {
  if (fail_on_.empty()) return operations_ == fail_at_;
  if ((operation + "\n").find(fail_on_) == std::string::npos) return false;
  if (matches_ + 1 < fail_at_) {
    ++matches_;
    return false;
  }
  if (times_ == 0) return false;
  --times_;
  return true;
}

Status FaultFileSystem::Pass(const std::string& operation, bool counted,
                             bool* torn) const {
  if (counted && observer_) observer_(operation);
  MutexLock lock(&mutex_);
  if (fired_ && crash_) {
    return Status(StatusCode::kIoError, operation + ": after the crash");
  }
  if (!counted) return Status::Ok();
  if (!probes_counted_ && operation.find(kProbeSuffix) != std::string::npos) {
    return Status::Ok();
  }
  ++operations_;
  trace_.push_back(operation);
  if (!IsFaulty(operation)) return Status::Ok();
  fired_ = true;
  faulty_operation_ = operation;
  if (torn != nullptr) *torn = true;
  return Status(code_, operation + ": injected fault");
}

Result<std::unique_ptr<File>> FaultFileSystem::Open(const std::string& path,
                                                    OpenMode mode) {
  const bool creates =
      mode == OpenMode::kCreateNew || mode == OpenMode::kAppend;
  LEVELKEEP_RETURN_IF_ERROR(creates ? Mutate("Create " + path)
                                    : Look("Open " + path));
  LEVELKEEP_ASSIGN_OR_RETURN(auto file, base_->Open(path, mode));
  return std::unique_ptr<File>(std::make_unique<FaultFile>(
      this, std::move(file), path, mode != OpenMode::kRead));
}

Result<FileInfo> FaultFileSystem::Stat(const std::string& path) {
  LEVELKEEP_RETURN_IF_ERROR(Look("Stat " + path));
  return base_->Stat(path);
}

Result<FileInfo> FaultFileSystem::StatFollowing(const std::string& path) {
  LEVELKEEP_RETURN_IF_ERROR(Look("StatFollowing " + path));
  return base_->StatFollowing(path);
}

Result<std::vector<std::string>> FaultFileSystem::List(
    const std::string& path) {
  LEVELKEEP_RETURN_IF_ERROR(Look("List " + path));
  return base_->List(path);
}

Status FaultFileSystem::CreateDirectory(const std::string& path) {
  LEVELKEEP_RETURN_IF_ERROR(Mutate("CreateDirectory " + path));
  return base_->CreateDirectory(path);
}

Status FaultFileSystem::RemoveFile(const std::string& path) {
  LEVELKEEP_RETURN_IF_ERROR(Mutate("RemoveFile " + path));
  return base_->RemoveFile(path);
}

Status FaultFileSystem::RemoveDirectory(const std::string& path) {
  LEVELKEEP_RETURN_IF_ERROR(Mutate("RemoveDirectory " + path));
  return base_->RemoveDirectory(path);
}

Status FaultFileSystem::Rename(const std::string& source,
                               const std::string& target) {
  LEVELKEEP_RETURN_IF_ERROR(Mutate("Rename " + To(source, target)));
  return base_->Rename(source, target);
}

Status FaultFileSystem::RenameNoReplace(const std::string& source,
                                        const std::string& target) {
  LEVELKEEP_RETURN_IF_ERROR(Mutate("RenameNoReplace " + To(source, target)));
  if (plain_names() && base_->Stat(target).ok()) {
    return Status(StatusCode::kAlreadyExists, target + " exists");
  }
  if (plain_names()) {
    return Status(StatusCode::kUnsupported,
                  "cannot rename " + To(source, target));
  }
  return base_->RenameNoReplace(source, target);
}

Status FaultFileSystem::Exchange(const std::string& a, const std::string& b) {
  LEVELKEEP_RETURN_IF_ERROR(Mutate("Exchange " + To(a, b)));
  bool supported = true;
  {
    MutexLock lock(&mutex_);
    supported = exchange_supported_ && !plain_names_;
  }
  if (!supported) {
    return Status(StatusCode::kUnsupported, "cannot exchange " + To(a, b));
  }
  return base_->Exchange(a, b);
}

Status FaultFileSystem::Link(const std::string& source,
                             const std::string& target) {
  LEVELKEEP_RETURN_IF_ERROR(Mutate("Link " + To(source, target)));
  if (plain_names()) {
    return Status(StatusCode::kPermissionDenied,
                  "cannot link " + To(source, target));
  }
  return base_->Link(source, target);
}

Status FaultFileSystem::SetMode(const std::string& path, uint32_t mode) {
  LEVELKEEP_RETURN_IF_ERROR(Mutate("SetMode " + path));
  return base_->SetMode(path, mode);
}

Status FaultFileSystem::SyncDirectory(const std::string& path) {
  LEVELKEEP_RETURN_IF_ERROR(Mutate("SyncDirectory " + path));
  return base_->SyncDirectory(path);
}

Result<uint64_t> FaultFileSystem::FreeSpace(const std::string& path) {
  LEVELKEEP_RETURN_IF_ERROR(Look("FreeSpace " + path));
  {
    MutexLock lock(&mutex_);
    if (free_space_.has_value()) return *free_space_;
  }
  return base_->FreeSpace(path);
}

Result<uint64_t> FaultFileSystem::DiskSize(const std::string& path) {
  LEVELKEEP_RETURN_IF_ERROR(Look("DiskSize " + path));
  return base_->DiskSize(path);
}

Result<std::unique_ptr<FileLock>> FaultFileSystem::Lock(
    const std::string& path) {
  LEVELKEEP_RETURN_IF_ERROR(Mutate("Lock " + path));
  return base_->Lock(path);
}

}  // namespace levelkeep::test
