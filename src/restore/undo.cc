#include "restore/undo.h"

#include "base/status_macros.h"
#include "restore/epoch.h"
#include "restore/record.h"

namespace levelkeep {
namespace {

constexpr std::string_view kTitle = "levelkeep undo 1";

std::string UndoPath(const RestoreContext& context) {
  return context.InWork("undo");
}

bool IsAbsence(StatusCode code) {
  return code == StatusCode::kNotFound || code == StatusCode::kCorruption;
}

}  // namespace

Status StoreUndo(const RestoreContext& context, const UndoRecord& undo) {
  Record record;
  record.Set("directory", undo.directory);
  record.SetNumber("sequence", undo.sequence);
  record.Set("when", FormatTime(undo.when));
  record.Set("archive", undo.archive);
  return StoreRecord(context.fs, UndoPath(context), kTitle, record);
}

Result<UndoRecord> LoadUndo(const RestoreContext& context) {
  auto record = LoadRecord(context.fs, UndoPath(context), kTitle);
  const Status none(
      StatusCode::kNotFound,
      "there is no database to go back to in " + context.work_dir(),
      "a restore keeps the old one until the next verified "
      "backup");
  if (IsAbsence(record.status().code())) return none;
  if (!record.ok()) return record.status();
  UndoRecord undo;
  undo.directory = record->Get("directory");
  undo.sequence = record->GetNumber("sequence");
  const auto when = ParseTime(record->Get("when"));
  if (when.ok()) undo.when = *when;
  undo.archive = record->Get("archive");
  if (undo.directory.rfind(kRollbackPrefix, 0) != 0 ||
      !IsPlainName(undo.directory)) {
    return none;
  }
  LEVELKEEP_ASSIGN_OR_RETURN(
      const uint64_t inode,
      DirectoryInode(context.fs, context.InWork(undo.directory)));
  if (inode == 0) return none;
  return undo;
}

Status RemoveUndo(const RestoreContext& context) {
  return RemoveRecord(context.fs, UndoPath(context));
}

Status DropOtherRollbacks(const RestoreContext& context,
                          const std::string& keep) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names,
                             context.fs->List(context.work_dir()));
  for (const std::string& name : names) {
    if (name.rfind(kRollbackPrefix, 0) != 0 || name == keep) continue;
    LEVELKEEP_RETURN_IF_ERROR(Discard(context, name));
  }
  return Status::Ok();
}

Status RepairUndo(const RestoreContext& context) {
  const auto undo = LoadUndo(context);
  if (undo.ok()) return DropOtherRollbacks(context, undo->directory);
  if (undo.status().code() != StatusCode::kNotFound) return undo.status();

  LEVELKEEP_ASSIGN_OR_RETURN(const auto names,
                             context.fs->List(context.work_dir()));
  UndoRecord newest;
  int64_t newest_mtime = 0;
  for (const std::string& name : names) {
    if (name.rfind(kRollbackPrefix, 0) != 0) continue;
    LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info,
                               context.fs->Stat(context.InWork(name)));
    if (!newest.directory.empty() && info.mtime_ns <= newest_mtime) continue;
    newest.directory = name;
    newest_mtime = info.mtime_ns;
  }
  if (newest.directory.empty()) return RemoveUndo(context);
  newest.sequence =
      ReadLastSequence(context.fs, context.InWork(newest.directory));
  newest.when = context.clock->Now();
  LEVELKEEP_RETURN_IF_ERROR(StoreUndo(context, newest));
  return DropOtherRollbacks(context, newest.directory);
}

}  // namespace levelkeep
