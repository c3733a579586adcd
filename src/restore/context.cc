#include "restore/context.h"

#include <algorithm>
#include <array>

#include "base/folder_probe.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "dbfiles/database_files.h"
#include "restore/swap.h"

namespace levelkeep {

namespace {

// Removes the database, but keeps the other files in its folder.
Status KeepStrangers(const RestoreContext& context, const std::string& name,
                     const std::vector<std::string>& strangers) {
  FileSystem* const fs = context.fs;
  const std::string kept = context.InWork(kKeptPrefix + RandomId());
  LEVELKEEP_RETURN_IF_ERROR(fs->Rename(context.InWork(name), kept));
  LEVELKEEP_RETURN_IF_ERROR(fs->SyncDirectory(context.work_dir()));
  // If we die here: database files stay beside the files of other programs, in
  // a directory that only people remove.
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, fs->List(kept));
  for (const std::string& file : names) {
    if (std::ranges::find(strangers, file) != strangers.end()) continue;
    LEVELKEEP_RETURN_IF_ERROR(RemoveTree(fs, JoinPath(kept, file)));
  }
  LogWarn(kRestoreLogTag,
          "the folder that a restore replaced holds files of other programs; "
          "they are in " +
              kept + ": " + NamesOf(strangers));
  return Status::Ok();
}

Status NotADirectory(const std::string& path) {
  return Status(StatusCode::kRefused, path + " is not a directory",
                "move it away, then start again");
}

constexpr uint64_t kMaxMountInfoBytes = 4u << 20;

// The kernel writes a blank as "\040".
std::string UnescapeOctal(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string_view digits = text.substr(i + 1, 3);
    const bool octal =
        digits.size() == 3 &&
        digits.find_first_not_of("01234567") == std::string_view::npos;
    if (text[i] != '\\' || !octal) {
      plain += text[i];
      continue;
    }
    plain += static_cast<char>((digits[0] - '0') * 64 + (digits[1] - '0') * 8 +
                               (digits[2] - '0'));
    i += 3;
  }
  return plain;
}

bool SameFile(const FileInfo& a, const FileInfo& b) {
  return a.device == b.device && a.inode == b.inode;
}

// Whether 0.1.0 made this entry of storage/.levelkeep. All other entries are
// work folders of databases.
bool IsOfOldVersion(const std::string& name, FileType type) {
  static constexpr std::array<std::string_view, 6> kFiles = {
      "applied", "attempt", "request", "undo", "journal-unclear", "journal"};
  if (type == FileType::kRegular) {
    return IsTemporaryName(name) ||
           std::ranges::find(kFiles, name) != kFiles.end();
  }
  const size_t dash = name.find('-');
  if (type != FileType::kDirectory || dash == std::string::npos) return false;
  const std::string_view id = std::string_view(name).substr(dash + 1);
  static constexpr std::array<std::string_view, 5> kFolders = {
      kStagingPrefix, kScratchPrefix, kTrashPrefix, kRollbackPrefix,
      kKeptPrefix};
  return IsEpoch(id) && std::ranges::find(kFolders, name.substr(0, dash + 1)) !=
                            kFolders.end();
}

// The journal comes last. The old lock alone does not count.
Result<std::vector<std::string>> LeftByOldVersion(FileSystem* fs,
                                                  const std::string& folder) {
  std::vector<std::string> left;
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, fs->List(folder));
  for (const std::string& name : names) {
    const auto info = fs->Stat(JoinPath(folder, name));
    if (info.ok() && IsOfOldVersion(name, info->type)) left.push_back(name);
  }
  std::stable_partition(left.begin(), left.end(),
                        [](const auto& name) { return name != "journal"; });
  return left;
}

// The journal identifies the databases by inode. Without a journal, the files
// are ours if there is no other database they could belong to.
Result<bool> IsOurs(const RestoreContext& context) {
  FileSystem* const fs = context.fs;
  RestoreContext old = context;
  old.options.db_name = ".";  // 0.1.0's work folder is the folder itself
  if (const auto journal = LoadJournal(old); journal.ok()) {
    LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t live,
                               DirectoryInode(fs, context.db_dir()));
    if (live != 0 &&
        (live == journal->old_inode || live == journal->new_inode)) {
      return true;
    }
  }
  const std::string& storage = context.options.storage_dir;
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, fs->List(storage));
  return std::ranges::none_of(names, [&](const std::string& name) {
    return name != context.options.db_name &&
           PathExists(fs, JoinPath(JoinPath(storage, name), "CURRENT"));
  });
}

Status CannotExchange(const RestoreContext& context, const std::string& why) {
  return Status(StatusCode::kUnsupported,
                "the database directory " + context.db_dir() + " " + why +
                    ", so that a restore could not exchange it",
                "mount the volume at " + context.options.storage_dir +
                    " or above it, not at the database directory itself");
}

Status CreatePrivate(FileSystem* fs, const std::string& path,
                     const Walk& walk) {
  const auto info = fs->Stat(path);
  if (info.ok() && info->type != FileType::kDirectory) {
    return NotADirectory(path);
  }
  LEVELKEEP_RETURN_IF_ERROR(walk.MakeFolder(fs, path));
  if (!walk.acts() && !info.ok()) return Status::Ok();  // we would create it
  if (!info.ok() || info->mode != 0700) {
    LEVELKEEP_RETURN_IF_ERROR(walk.acts()
                                  ? fs->SetMode(path, 0700)
                                  : fs->CheckAccess(path, Access::kOwn));
  }
  return fs->CheckAccess(path, Access::kChange);
}

// Creates the work folder and its parent; both belong to us.
Status CreateWorkFolder(const RestoreContext& context, const Walk& walk) {
  LEVELKEEP_RETURN_IF_ERROR(
      CreatePrivate(context.fs, ParentPath(context.work_dir()), walk));
  return CreatePrivate(context.fs, context.work_dir(), walk);
}

Status CheckStorageFolder(const RestoreContext& context, const Walk& walk) {
  if (!context.options.tries_folders) return Status::Ok();
  return RequireFolder(context.fs, "STORAGE_DIR", context.options.storage_dir,
                       {.moves_folders = true,
                        .locks = true,
                        .renamed = context.db_dir(),
                        .keeps_time = !walk.acts()});
}

// A read-only drop folder is fine: its archives are recognised, not moved away.
Status CheckDropFolder(const RestoreContext& context, const Walk& walk) {
  if (!context.options.tries_folders) return Status::Ok();
  const std::string& folder = context.options.restore_dir;
  const Status can = RequireFolder(context.fs, "RESTORE_DIR", folder,
                                   {.keeps_time = !walk.acts()});
  const bool will_do = can.code() == StatusCode::kPermissionDenied &&
                       context.fs->StatFollowing(folder).ok();
  return will_do ? Status::Ok() : can;
}

Status RefuseDatabase(const RestoreContext& context) {
  const std::string& folder = context.options.storage_dir;
  if (!PathExists(context.fs, JoinPath(folder, "CURRENT"))) {
    return Status::Ok();
  }
  return Status(StatusCode::kRefused,
                "STORAGE_DIR (" + folder + ") is itself a LevelDB database",
                "set STORAGE_DIR to the folder above it, and DB_NAME to its "
                "own name");
}

// 1. list the files of 0.1.0   2. do they belong to this database?   3. no
// 0.1.0 runs   4. move them, the journal last: it identifies the owner of all
// of them
Status TakeOverWorkDir(const RestoreContext& context) {
  FileSystem* const fs = context.fs;
  const std::string old_dir = ParentPath(context.work_dir());
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, LeftByOldVersion(fs, old_dir));
  if (names.empty()) return Status::Ok();
  LEVELKEEP_ASSIGN_OR_RETURN(const bool ours, IsOurs(context));
  if (!ours) {
    LogWarn(kRestoreLogTag,
            old_dir +
                " holds files that version 0.1.0 kept for a restore, perhaps "
                "of another database in " +
                context.options.storage_dir +
                "; if they are this one's, stop, and move " +
                Join(names, ", ") + " into " + context.work_dir());
    return Status::Ok();
  }
  auto lock = fs->Lock(JoinPath(old_dir, kInstanceLock));
  if (!lock.ok()) {
    return lock.status().WithContext("an older LevelKeep manages " +
                                     context.options.storage_dir);
  }
  for (const std::string& name : names) {
    // If we die here: the next start moves the rest.
    LEVELKEEP_RETURN_IF_ERROR(
        fs->Rename(JoinPath(old_dir, name), context.InWork(name)));
  }
  LEVELKEEP_RETURN_IF_ERROR(fs->SyncDirectory(context.work_dir()));
  LEVELKEEP_RETURN_IF_ERROR(fs->RemoveFile(JoinPath(old_dir, kInstanceLock)));
  return fs->SyncDirectory(old_dir);
}

}  // namespace

std::string WorkDirOf(const std::string& storage_dir,
                      const std::string& db_name) {
  return JoinPath(JoinPath(storage_dir, ".levelkeep"), db_name);
}

Result<uint64_t> FolderBytes(FileSystem* fs, const std::string& path) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, fs->List(path));
  uint64_t bytes = 0;
  for (const std::string& name : names) {
    const auto info = fs->Stat(JoinPath(path, name));
    if (info.ok() && info->type == FileType::kRegular) {
      bytes += info->size_bytes;
    }
  }
  return bytes;
}

Result<uint64_t> DirectoryInode(FileSystem* fs, const std::string& path) {
  const auto info = fs->Stat(path);
  if (info.status().code() == StatusCode::kNotFound) return uint64_t{0};
  if (!info.ok()) return info.status();
  if (info->type != FileType::kDirectory) return NotADirectory(path);
  return info->inode;
}

Status Discard(const RestoreContext& context, const std::string& name) {
  FileSystem* const fs = context.fs;
  const auto strangers = FindStrangers(fs, context.InWork(name));
  if (strangers.status().code() == StatusCode::kNotFound) return Status::Ok();
  LEVELKEEP_RETURN_IF_ERROR(strangers.status());
  if (!strangers->empty()) return KeepStrangers(context, name, *strangers);
  const std::string trash = context.InWork(kTrashPrefix + RandomId());
  const Status moved = fs->Rename(context.InWork(name), trash);
  if (moved.code() == StatusCode::kNotFound) return Status::Ok();
  LEVELKEEP_RETURN_IF_ERROR(moved);
  LEVELKEEP_RETURN_IF_ERROR(fs->SyncDirectory(context.work_dir()));
  // If we die here: part of a database is left in the trash; the next start
  // removes it.
  return RemoveTree(fs, trash);
}

// The device number is not enough: a bind mount of the same file system has the
// same one.
bool IsMountPoint(FileSystem* fs, const std::string& path) {
  const std::string whole = AbsolutePath(path);
  const auto text = ReadFile(fs, "/proc/self/mountinfo", kMaxMountInfoBytes);
  const auto folder = fs->StatFollowing(whole);
  const auto parent = fs->StatFollowing(ParentPath(whole));
  if (!text.ok() || !folder.ok() || !parent.ok()) return false;
  for (const std::string& point : ParseMountPoints(*text)) {
    if (BaseName(point) != BaseName(whole)) continue;
    const auto info = fs->StatFollowing(point);
    const auto above = fs->StatFollowing(ParentPath(point));
    if (info.ok() && above.ok() && SameFile(*info, *folder) &&
        SameFile(*above, *parent)) {
      return true;
    }
  }
  return false;
}

Status CreateLayout(const RestoreContext& context, const Walk& walk) {
  FileSystem* const fs = context.fs;
  const std::string& drops = context.options.restore_dir;
  LEVELKEEP_RETURN_IF_ERROR(walk.MakeFolder(fs, context.options.storage_dir));
  LEVELKEEP_RETURN_IF_ERROR(RefuseDatabase(context));
  LEVELKEEP_RETURN_IF_ERROR(CheckStorageFolder(context, walk));
  LEVELKEEP_RETURN_IF_ERROR(walk.MakeFolder(fs, drops));
  LEVELKEEP_RETURN_IF_ERROR(CheckDropFolder(context, walk));
  LEVELKEEP_RETURN_IF_ERROR(CreateWorkFolder(context, walk));
  if (walk.acts()) LEVELKEEP_RETURN_IF_ERROR(TakeOverWorkDir(context));
  for (const std::string& folder :
       {context.applied_dir(), context.rejected_dir()}) {
    const Status made = walk.MakeFolder(fs, folder);
    if (made.code() == StatusCode::kPermissionDenied) {
      walk.Warn(kRestoreLogTag,
                drops +
                    " is read-only: archives in it are applied once, but can't "
                    "be moved away");
      return Status::Ok();
    }
    LEVELKEEP_RETURN_IF_ERROR(made);
  }
  return Status::Ok();
}

Status CheckExchangeable(const RestoreContext& context) {
  FileSystem* const fs = context.fs;
  const auto live = fs->Stat(context.db_dir());
  if (live.status().code() == StatusCode::kNotFound) return Status::Ok();
  if (!live.ok()) return live.status();
  if (live->type == FileType::kSymlink) {
    return Status(StatusCode::kRefused,
                  "the database directory " + context.db_dir() +
                      " is a symbolic link, which a restore would replace",
                  "set STORAGE_DIR and DB_NAME to where the link leads");
  }
  if (live->type != FileType::kDirectory) {
    return NotADirectory(context.db_dir());
  }
  auto work = fs->Stat(context.work_dir());
  if (work.status().code() == StatusCode::kNotFound) {
    work = fs->StatFollowing(context.options.storage_dir);
  }
  LEVELKEEP_RETURN_IF_ERROR(work.status());
  if (work->device != live->device) {
    return CannotExchange(context, "is on another file system than " +
                                       context.options.storage_dir);
  }
  if (IsMountPoint(fs, context.db_dir())) {
    return CannotExchange(context, "is a mount point");
  }
  return Status::Ok();
}

Status CheckStorage(const RestoreContext& context) {
  LEVELKEEP_RETURN_IF_ERROR(CheckExchangeable(context));
  LEVELKEEP_RETURN_IF_ERROR(CreateWorkFolder(context, Walk::Judge()));
  return CheckStorageFolder(context, Walk::Judge());
}

std::vector<std::string> ParseMountPoints(std::string_view mountinfo) {
  constexpr size_t kMountPointField = 4;
  std::vector<std::string> points;
  for (const std::string_view line : Split(mountinfo, '\n')) {
    const auto fields = Split(line, ' ');
    if (fields.size() <= kMountPointField) continue;
    const std::string_view point = fields[kMountPointField];
    if (!point.empty()) points.push_back(UnescapeOctal(point));
  }
  return points;
}

}  // namespace levelkeep
