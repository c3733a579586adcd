#include "base/folder_probe.h"

#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/status_macros.h"

namespace levelkeep {
namespace {

constexpr char kProbeLogTag[] = "BackupManager";
constexpr int kRequireAttempts = 2;
constexpr int kProbeAttempts = 3;
constexpr int kRemovalAttempts = 50;
constexpr std::chrono::milliseconds kRemovalPause{10};
constexpr uint64_t kMostProbeBytes = 64;

// The folder of one probe; its lock shows that the probe is running.
class Probe {
 public:
  explicit Probe(FileSystem* fs) : fs_(fs) {}
  ~Probe() { Remove(); }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  Status Make(const std::string& folder);
  Result<FolderAbilities> Run(const std::string& renamed);

 private:
  Status MakeFiles();
  Status TryFolders();
  Status TryReplace();
  Status TryLock();
  void Remove();

  std::string In(std::string_view name) const { return JoinPath(path_, name); }
  Status Write(std::string_view name, std::string_view text) {
    LEVELKEEP_ASSIGN_OR_RETURN(const auto file,
                               fs_->Open(In(name), OpenMode::kCreateNew));
    LEVELKEEP_RETURN_IF_ERROR(file->Append(text));
    return file->Close();
  }
  // Ok if the file has that text.
  Status Expect(std::string_view name, std::string_view text) {
    LEVELKEEP_ASSIGN_OR_RETURN(const std::string found,
                               ReadFile(fs_, In(name), kMostProbeBytes));
    if (found == text) return Status::Ok();
    return Status(StatusCode::kIoError,
                  In(name) + " does not contain what was written");
  }

  FileSystem* const fs_;
  std::string path_;
  std::unique_ptr<FileLock> lock_;
  Status lock_failure_;
  std::unique_ptr<File> open_;  // "first/open", wherever it is now
};

// A FUSE file system may learn that a file is closed after the request to
// remove it: then it hides the file in its folder for a moment.
void Probe::Remove() {
  open_.reset();
  lock_.reset();
  if (path_.empty()) return;
  for (int attempt = 1; attempt <= kRemovalAttempts; ++attempt) {
    // If the removal fails, or we die here: the next probe sweeps the folder.
    if (RemoveTree(fs_, path_).code() != StatusCode::kAlreadyExists) return;
    std::this_thread::sleep_for(kRemovalPause);
  }
}

// Another process may sweep between the two steps: then they are repeated.
Status Probe::Make(const std::string& folder) {
  for (int attempt = 1;; ++attempt) {
    path_ = JoinPath(folder, NewTemporaryName(kProbeSuffix));
    LEVELKEEP_RETURN_IF_ERROR(fs_->CreateDirectory(path_));
    // If we die here: the next probe sweeps the folder.
    auto lock = fs_->Lock(In("lock"));
    if (lock.ok()) {
      lock_ = std::move(*lock);
      return Status::Ok();
    }
    lock_failure_ = lock.status();
    const bool swept = lock_failure_.code() == StatusCode::kBusy ||
                       lock_failure_.code() == StatusCode::kNotFound;
    // If locks are unsupported, nobody sweeps either.
    if (lock_failure_.code() == StatusCode::kUnsupported) return Status::Ok();
    Remove();
    if (!swept || attempt == kProbeAttempts) return lock_failure_;
  }
}

Status Probe::MakeFiles() {
  for (const char* folder : {"first", "second"}) {
    LEVELKEEP_RETURN_IF_ERROR(fs_->CreateDirectory(In(folder)));
  }
  LEVELKEEP_RETURN_IF_ERROR(Write("first/open", "open"));
  LEVELKEEP_RETURN_IF_ERROR(Write("first/closed", "closed"));
  LEVELKEEP_RETURN_IF_ERROR(Write("second/other", "other"));
  LEVELKEEP_ASSIGN_OR_RETURN(open_,
                             fs_->Open(In("first/open"), OpenMode::kReadWrite));
  return Expect("first/open", "open");
}

Status Probe::TryLock() {
  if (lock_ == nullptr) return lock_failure_;
  const Status second = fs_->Lock(In("lock")).status();
  if (second.code() == StatusCode::kBusy) return Status::Ok();
  if (!second.ok()) return second;
  return Status(StatusCode::kUnsupported,
                In("lock") + " could be locked twice at the same time");
}

// Does the steps that a swap does with databases while LOCK is open.
Status Probe::TryFolders() {
  const bool exchanged = fs_->Exchange(In("first"), In("second")).ok() &&
                         Expect("first/other", "other").ok();
  LEVELKEEP_RETURN_IF_ERROR(
      fs_->Rename(In(exchanged ? "second" : "first"), In("moved")));
  LEVELKEEP_RETURN_IF_ERROR(Expect("moved/closed", "closed"));
  char text[4];
  LEVELKEEP_RETURN_IF_ERROR(ReadExactly(*open_, 0, text, sizeof(text)));
  LEVELKEEP_RETURN_IF_ERROR(open_->Append("ed"));
  return Expect("moved/open", "opened");
}

Status Probe::TryReplace() {
  LEVELKEEP_RETURN_IF_ERROR(Write("a", "a"));
  LEVELKEEP_RETURN_IF_ERROR(Write("b", "b"));
  LEVELKEEP_RETURN_IF_ERROR(fs_->Rename(In("a"), In("b")));
  return Expect("b", "a");
}

Result<FolderAbilities> Probe::Run(const std::string& renamed) {
  FolderAbilities abilities;
  LEVELKEEP_RETURN_IF_ERROR(MakeFiles());
  abilities.locks = TryLock();
  abilities.moves_folders = TryFolders();
  LEVELKEEP_RETURN_IF_ERROR(TryReplace());
  if (!renamed.empty()) abilities.renames_that = fs_->TryRename(renamed, path_);
  abilities.syncs_folders = fs_->SyncDirectory(path_);
  return abilities;
}

void SweepProbes(FileSystem* fs, const std::string& folder) {
  const auto names = fs->List(folder);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (!IsProbeName(name)) continue;
    const std::string path = JoinPath(folder, name);
    const auto lock = fs->Lock(JoinPath(path, "lock"));
    if (lock.ok()) (void)RemoveTree(fs, path);
  }
}

// Empty: there is no such folder.
std::string NearestElsewhere(FileSystem* fs, std::string folder) {
  const auto here = fs->StatFollowing(folder);
  folder = AbsolutePath(folder);
  while (here.ok() && folder != ParentPath(folder)) {
    folder = ParentPath(folder);
    const auto above = fs->StatFollowing(folder);
    if (above.ok() && above->device != here->device) return folder;
  }
  return "";
}

std::string HintAtAnother(FileSystem* fs, const std::string& folder) {
  const std::string elsewhere = NearestElsewhere(fs, folder);
  const std::string hint = "use a folder on a local disk";
  return elsewhere.empty()
             ? hint
             : hint + "; the nearest one on another file system is " +
                   elsewhere;
}

struct Lack {
  const char* what = nullptr;  // null: the folder can't be used at all
  Status cause;                // ok: nothing is missing
  std::string hint = {};       // empty: use another folder
};

Lack FindLack(const FolderAbilities& abilities, const FolderNeeds& needs) {
  if (needs.moves_folders && !abilities.moves_folders.ok()) {
    return {
        "a folder can't be renamed with the files in it, which every restore "
        "does",
        abilities.moves_folders};
  }
  if (!abilities.renames_that.ok()) {
    return {
        "a folder of a lower layer can't be renamed, which every restore does "
        "with the database",
        abilities.renames_that,
        "put the database on a volume, or stop the application and move the "
        "database to the upper layer: cp -a " +
            needs.renamed + " " + needs.renamed + ".new && rm -r " +
            needs.renamed + " && mv " + needs.renamed + ".new " +
            needs.renamed};
  }
  if (needs.locks && !abilities.locks.ok()) {
    return {
        "locks do not work, so that two processes could write at the same time",
        abilities.locks};
  }
  return {"the names in a folder can't be made safe from a power loss",
          abilities.syncs_folders};
}

}  // namespace

bool IsProbeName(std::string_view name) {
  return HasTemporaryForm(name, kProbeSuffix);
}

Result<FolderAbilities> ProbeFolder(FileSystem* fs, const std::string& folder,
                                    const std::string& renamed) {
  SweepProbes(fs, folder);
  Probe probe(fs);
  LEVELKEEP_RETURN_IF_ERROR(probe.Make(folder));
  return probe.Run(renamed);
}

Status RequireFolder(FileSystem* fs, std::string_view setting,
                     const std::string& folder, const FolderNeeds& needs) {
  const std::string there = NearestFolder(fs, folder);
  const auto what = fs->StatFollowing(there);
  if (what.ok() && what->type != FileType::kDirectory) return NotAFolder(there);
  const std::string name = std::string(setting) + " (" + folder + ")";
  Lack lack;
  for (int attempt = 1; attempt <= kRequireAttempts; ++attempt) {
    const auto before = fs->StatFollowing(there);
    const auto abilities = ProbeFolder(fs, there, needs.renamed);
    if (needs.keeps_time && before.ok()) {
      (void)fs->SetModifiedTime(there, before->mtime_ns);
    }
    lack = abilities.ok() ? FindLack(*abilities, needs)
                          : Lack{nullptr, abilities.status()};
    if (lack.cause.ok()) return Status::Ok();
    if (lack.cause.code() == StatusCode::kNoSpace) {
      LogWarn(kProbeLogTag,
              name + " could not be tried: " + lack.cause.message());
      return Status::Ok();
    }
  }
  if (lack.what == nullptr) return lack.cause.WithContext(name);
  if (lack.hint.empty()) lack.hint = HintAtAnother(fs, there);
  return Status(StatusCode::kUnsupported,
                name + " is on a file system where " + lack.what + " (" +
                    lack.cause.message() + ")",
                lack.hint);
}

}  // namespace levelkeep
