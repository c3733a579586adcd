#include "base/scratch_directory.h"

#include <chrono>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/status_macros.h"

namespace levelkeep {
namespace {

// Tries during a sweep that came before the lock.
constexpr int kAttempts = 50;
constexpr std::chrono::milliseconds kPause{10};

std::string OwnerLock(const std::string& path) {
  return JoinPath(path, "owner.lock");
}

}  // namespace

Result<std::unique_ptr<ScratchDirectory>> ScratchDirectory::Make(
    FileSystem* fs, const std::string& path) {
  const bool makes_parent = !PathExists(fs, ParentPath(path));
  LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(fs, ParentPath(path)));
  for (int attempt = 1;; ++attempt) {
    // If we die here: the directory stays; its name belongs to the caller, who
    // sweeps such names at start.
    const Status made = fs->CreateDirectory(path);
    const bool again = attempt > 1 && made.code() == StatusCode::kAlreadyExists;
    if (!made.ok() && !again) {
      return made.WithHint(
          "remove it: an earlier run left it, unless a process still uses it");
    }
    auto lock = fs->Lock(OwnerLock(path));
    if (lock.ok()) {
      return std::unique_ptr<ScratchDirectory>(
          new ScratchDirectory(fs, path, makes_parent, std::move(*lock)));
    }
    const bool swept = lock.status().code() == StatusCode::kBusy ||
                       lock.status().code() == StatusCode::kNotFound;
    if (swept && attempt < kAttempts) {
      std::this_thread::sleep_for(kPause);
      continue;
    }
    (void)RemoveTree(fs, path);
    if (makes_parent) (void)fs->RemoveDirectory(ParentPath(path));
    return lock.status();
  }
}

ScratchDirectory::ScratchDirectory(FileSystem* fs, std::string path,
                                   bool made_parent,
                                   std::unique_ptr<FileLock> lock)
    : fs_(fs),
      path_(std::move(path)),
      made_parent_(made_parent),
      lock_(std::move(lock)) {}

ScratchDirectory::~ScratchDirectory() {
  const Status removed = RemoveTree(fs_, path_);
  if (!removed.ok()) {
    LogWarn("Snapshot", "the scratch directory could not be removed: " +
                            removed.ToString());
  }
  // Other processes may use the parent by now.
  if (made_parent_) (void)fs_->RemoveDirectory(ParentPath(path_));
}

Result<bool> SweepScratch(FileSystem* fs, const std::string& path) {
  const auto lock = fs->Lock(OwnerLock(path));
  // A plain file has no owner. If it is unknown whether the owner lives, the
  // directory stays.
  const bool ownerless = lock.status().code() == StatusCode::kNotFound ||
                         lock.status().code() == StatusCode::kInvalidArgument;
  if (!lock.ok() && !ownerless) return false;
  const Status removed = RemoveTree(fs, path);
  // The owner created its lock meanwhile.
  if (removed.code() == StatusCode::kAlreadyExists) return false;
  LEVELKEEP_RETURN_IF_ERROR(removed);
  return true;
}

void SweepAbandonedScratch(FileSystem* fs, const std::string& folder,
                           std::string_view prefix) {
  const auto names = fs->List(folder);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    const std::string path = JoinPath(folder, name);
    if (name.starts_with(prefix) && PathExists(fs, OwnerLock(path))) {
      (void)SweepScratch(fs, path);
    }
  }
}

}  // namespace levelkeep
