// Puts a copy of an archive into restore/ for the next start.

#include "base/file_system.h"
#include "base/folder_probe.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "restore/drop_history.h"
#include "restore/restorer.h"
#include "restore/staging.h"

namespace levelkeep {
namespace {

constexpr int kMaxCopies = 1000;

// The copy that was staged last, if it is still there, unchanged.
std::optional<DropIdentity> StagedBefore(const RestoreContext& context) {
  const auto request = LoadDropRequest(context);
  if (!request.ok()) return std::nullopt;
  const auto info = context.fs->Stat(context.InDrop(request->name));
  if (!info.ok() || !IdentifyDrop(request->name, *info).LooksLike(*request)) {
    return std::nullopt;
  }
  return *request;
}

Result<DropIdentity> PlaceCopy(const RestoreContext& context,
                               const std::string& part,
                               const std::string& archive_name,
                               const std::optional<DropIdentity>& before) {
  FileSystem* const fs = context.fs;
  const std::string name =
      IsDropName(archive_name) ? archive_name : archive_name + ".tar.gz";
  for (int number = 1; number <= kMaxCopies; ++number) {
    const std::string place = NumberedDropName(name, number);
    const std::string path = context.InDrop(place);
    const Status moved = before && before->name == place
                             ? fs->Rename(part, path)
                             : MoveToNewName(fs, part, path);
    if (moved.code() == StatusCode::kAlreadyExists) continue;
    LEVELKEEP_RETURN_IF_ERROR(moved);
    LEVELKEEP_RETURN_IF_ERROR(fs->SyncDirectory(context.options.restore_dir));
    LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, fs->Stat(path));
    return IdentifyDrop(place, info);
  }
  return Status(
      StatusCode::kAlreadyExists,
      context.options.restore_dir + " holds too many copies of " + archive_name,
      "remove them or restart to have one applied");
}

Status CheckRoomForCopy(const RestoreContext& context, const std::string& name,
                        uint64_t size) {
  LEVELKEEP_RETURN_IF_ERROR(
      CheckFileSize(size, "a copy of " + Printable(name)));
  return RequireRoom(context, "a copy of " + name, size,
                     context.options.restore_dir)
      .status();
}

}  // namespace

Status Restorer::JudgeStage(const ArchiveOutline& outline,
                            const std::string& name) const {
  if (context_.options.tries_folders) {
    LEVELKEEP_RETURN_IF_ERROR(RequireFolder(context_.fs, "RESTORE_DIR",
                                            context_.options.restore_dir,
                                            {.keeps_time = true}));
  }
  return CheckRoomForCopy(context_, name, outline.archive_bytes);
}

// 1. check the space   2. copy under a hidden name   3. give the copy its name
// 4. record that the next start restores it   5. remove the older copy
Status Restorer::StageForRestart(const RestoreSource& source) {
  const RestoreContext& context = context_;
  FileSystem* const fs = context.fs;
  std::unique_ptr<ArchiveReader> opened;
  if (source.reader == nullptr) {
    LEVELKEEP_ASSIGN_OR_RETURN(opened, ArchiveReader::Open(fs, source.path));
  }
  const ArchiveReader& archive = opened ? *opened : *source.reader;
  const uint64_t size = archive.outline().archive_bytes;
  LEVELKEEP_RETURN_IF_ERROR(CheckRoomForCopy(context, source.path, size));
  const std::string part = context.InDrop(NewTemporaryName(kPartSuffix));
  const auto place = [&]() -> Status {
    LEVELKEEP_RETURN_IF_ERROR(CopyDurably(fs, archive.bytes(), size, part));
    // If we die here: the next start sweeps the hidden part.
    const auto before = StagedBefore(context);
    LEVELKEEP_ASSIGN_OR_RETURN(
        const DropIdentity drop,
        PlaceCopy(context, part, BaseName(source.path), before));
    // If we die here: the copy counts like an archive that a person dropped.
    LEVELKEEP_RETURN_IF_ERROR(StoreDropRequest(context, drop));
    if (!before || before->name == drop.name) return Status::Ok();
    // If we die here: the next start moves the older copy aside.
    if (fs->RemoveFile(context.InDrop(before->name)).ok()) {
      LogInfo(kRestoreLogTag, Printable(drop.name) + " is staged instead of " +
                                  Printable(before->name));
    }
    return Status::Ok();
  };
  const Status placed = place();
  if (!placed.ok()) (void)fs->RemoveFile(part);  // best effort: swept otherwise
  return placed;
}

void Restorer::ForgetStaged() {
  const auto before = StagedBefore(context_);
  if (!before) return;
  const Status removed = context_.fs->RemoveFile(context_.InDrop(before->name));
  if (!removed.ok()) {
    LogWarn(kRestoreLogTag,
            Printable(before->name) +
                " is still staged for the next start: " + removed.ToString());
    return;
  }
  // If we die here: the file may come back, and the next start applies it.
  (void)context_.fs->SyncDirectory(context_.options.restore_dir);
  LogInfo(kRestoreLogTag, Printable(before->name) +
                              " was staged before this restore and is not "
                              "restored any more");
}

}  // namespace levelkeep
