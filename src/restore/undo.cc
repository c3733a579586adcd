// The record of the databases that restores replaced.

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/status_macros.h"
#include "base/text.h"
#include "restore/swap.h"

namespace levelkeep {
namespace {

constexpr char kUndo[] = "undo";  // the record in the work directory
constexpr std::string_view kUndoTitle = "levelkeep undo 1";
// A character that no name contains.
constexpr char kSeparator = '/';

Status NoUndo(const RestoreContext& context) {
  return Status(StatusCode::kNotFound,
                "there is no database to go back to in " + context.work_dir(),
                "a restore keeps the old one for BACKUP_UNDO_HOURS, and until "
                "a later backup is verified");
}

bool IsRollbackName(std::string_view name) {
  return name.starts_with(kRollbackPrefix) && IsPlainName(name);
}

std::vector<std::string> RollbackNames(std::string_view text) {
  std::vector<std::string> names;
  for (const std::string_view name : Split(text, kSeparator)) {
    if (IsRollbackName(name)) names.emplace_back(name);
  }
  return names;
}

// The record as stored, even if directories are gone. `directory` is empty if
// the stored name is invalid.
Result<UndoRecord> ReadUndo(const RestoreContext& context) {
  const auto record = LoadRecord(context.fs, context.InWork(kUndo), kUndoTitle);
  const StatusCode code = record.status().code();
  if (code == StatusCode::kNotFound || code == StatusCode::kCorruption) {
    return NoUndo(context);
  }
  LEVELKEEP_RETURN_IF_ERROR(record.status());
  UndoRecord undo;
  undo.directory = record->Get("directory");
  if (!IsRollbackName(undo.directory)) undo.directory.clear();
  undo.sequence = record->GetNumber("sequence");
  undo.live_sequence = record->GetNumber("live_sequence");
  const auto when = ParseTime(record->Get("when"));
  if (when.ok()) undo.when = *when;
  undo.archive = record->Get("archive");
  undo.undone = record->GetNumber("undone") != 0;
  undo.earlier = RollbackNames(record->Get("earlier"));
  return undo;
}

Result<bool> IsThere(const RestoreContext& context, const std::string& name) {
  if (name.empty()) return false;
  LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t inode,
                             DirectoryInode(context.fs, context.InWork(name)));
  return inode != 0;
}

void Shorten(std::vector<std::string>* earlier) {
  if (earlier->size() <= kMaxEarlier) return;
  earlier->erase(earlier->begin() + (kMaxEarlier - 1), earlier->end() - 1);
}

// A new record for directories of which only the content is known, the last one
// replaced first. REQUIRES: there is at least one directory.
UndoRecord RecordOf(const RestoreContext& context,
                    std::vector<std::string> directories) {
  UndoRecord undo;
  undo.directory = std::move(directories.front());
  undo.sequence = ReadLastSequence(context.fs, context.InWork(undo.directory));
  undo.when = context.clock->Now();
  directories.erase(directories.begin());
  undo.earlier = std::move(directories);
  Shorten(&undo.earlier);
  return undo;
}

Result<std::vector<std::string>> ListRollbacks(const RestoreContext& context) {
  LEVELKEEP_ASSIGN_OR_RETURN(auto names, context.fs->List(context.work_dir()));
  std::erase_if(names, [](const std::string& name) {
    return !name.starts_with(kRollbackPrefix);
  });
  return names;
}

}  // namespace

Result<UndoRecord> UndoAfter(const RestoreContext& context,
                             const Journal& journal) {
  UndoRecord undo;
  undo.directory = journal.outgoing;
  undo.sequence = journal.old_sequence;
  undo.live_sequence = journal.outcome.last_sequence;
  undo.when = context.clock->Now();
  const bool is_undo = journal.kind == JournalKind::kUndo;
  if (!is_undo) undo.archive = journal.outcome.archive_name;
  undo.undone = is_undo;

  const auto before = ReadUndo(context);
  if (before.status().code() == StatusCode::kNotFound) return undo;
  if (!before.ok()) return before.status();
  undo.earlier = before->earlier;
  if (before->directory == undo.directory) {
    undo.undone = before->undone;  // this call is a repetition
  } else if (!is_undo) {
    if (!before->undone && !before->directory.empty()) {
      undo.earlier.insert(undo.earlier.begin(), before->directory);
    }
    Shorten(&undo.earlier);
  } else if (before->directory == journal.incoming) {
    // An undo of an undo repeats the restore.
    undo.undone = !before->undone;
  } else {
    // Goes back over several restores: the later ones are undone, too.
    const auto live = std::ranges::find(undo.earlier, journal.incoming);
    if (live != undo.earlier.end()) {
      undo.earlier.erase(undo.earlier.begin(), live + 1);
    }
  }
  return undo;
}

Status StoreUndo(const RestoreContext& context, const UndoRecord& undo) {
  Record record;
  record.Set("directory", undo.directory);
  record.SetNumber("sequence", undo.sequence);
  record.SetNumber("live_sequence", undo.live_sequence);
  record.Set("when", FormatTime(undo.when));
  record.Set("archive", undo.archive);
  record.SetNumber("undone", undo.undone ? 1 : 0);
  record.Set("earlier", Join(undo.earlier, {&kSeparator, 1}));
  return StoreRecord(context.fs, context.InWork(kUndo), kUndoTitle, record);
}

Result<UndoRecord> LoadUndo(const RestoreContext& context) {
  LEVELKEEP_ASSIGN_OR_RETURN(UndoRecord undo, ReadUndo(context));
  std::vector<std::string> earlier;
  for (std::string& name : undo.earlier) {
    LEVELKEEP_ASSIGN_OR_RETURN(const bool there, IsThere(context, name));
    if (there) earlier.push_back(std::move(name));
  }
  undo.earlier = std::move(earlier);
  LEVELKEEP_ASSIGN_OR_RETURN(const bool there,
                             IsThere(context, undo.directory));
  if (there) return undo;
  if (undo.earlier.empty()) return NoUndo(context);
  std::string missing = std::move(undo.directory);
  undo = RecordOf(context, std::move(undo.earlier));
  undo.missing = std::move(missing);
  return undo;
}

Status ForgetUndone(const RestoreContext& context) {
  LEVELKEEP_ASSIGN_OR_RETURN(UndoRecord undo, LoadUndo(context));
  if (!undo.undone) return Status::Ok();
  if (undo.earlier.empty()) return DropAllRollbacks(context);
  undo = RecordOf(context, std::move(undo.earlier));
  LEVELKEEP_RETURN_IF_ERROR(StoreUndo(context, undo));
  // If we die here: a directory that no record names is left; the next start
  // removes it.
  return DropOtherRollbacks(context, undo);
}

uint64_t KeptBytes(const RestoreContext& context) {
  const auto names = ListRollbacks(context);
  if (!names.ok()) return 0;
  uint64_t bytes = 0;
  for (const std::string& name : *names) {
    const auto folder = FolderBytes(context.fs, context.InWork(name));
    if (folder.ok()) bytes += *folder;
  }
  return bytes;
}

std::string ForgetUndoHint(const RestoreContext& context,
                           const std::string& folder) {
  const auto there = context.fs->StatFollowing(folder);
  const auto here = context.fs->StatFollowing(context.work_dir());
  if (!there.ok() || !here.ok() || there->device != here->device) return "";
  const uint64_t kept = KeptBytes(context);
  if (kept == 0) return "";
  return "; the databases that earlier restores replaced take " +
         FormatBytes(kept) + " in " +
         context.InWork(std::string(kRollbackPrefix) + "*") +
         ": levelkeep restore --forget-undo removes them for good";
}

Status DropAllRollbacks(const RestoreContext& context) {
  LEVELKEEP_RETURN_IF_ERROR(DropOtherRollbacks(context, UndoRecord()));
  // If we die here: a record without its directories is left, which is ignored.
  return RemoveRecord(context.fs, context.InWork(kUndo));
}

Status DropOtherRollbacks(const RestoreContext& context,
                          const UndoRecord& keep) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, ListRollbacks(context));
  for (const std::string& name : names) {
    if (name == keep.directory) continue;
    if (std::ranges::find(keep.earlier, name) != keep.earlier.end()) continue;
    LEVELKEEP_RETURN_IF_ERROR(Discard(context, name));
  }
  return Status::Ok();
}

Status RepairUndo(const RestoreContext& context) {
  const auto undo = LoadUndo(context);
  if (undo.ok()) return DropOtherRollbacks(context, *undo);
  if (undo.status().code() != StatusCode::kNotFound) return undo.status();

  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, ListRollbacks(context));
  if (names.empty()) return RemoveRecord(context.fs, context.InWork(kUndo));
  std::vector<std::pair<int64_t, std::string>> by_time;
  for (const std::string& name : names) {
    LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info,
                               context.fs->Stat(context.InWork(name)));
    by_time.emplace_back(info.mtime_ns, name);
  }
  std::sort(by_time.rbegin(), by_time.rend());
  std::vector<std::string> directories;
  directories.reserve(by_time.size());
  for (auto& [time, name] : by_time) directories.push_back(std::move(name));
  const UndoRecord found = RecordOf(context, std::move(directories));
  LEVELKEEP_RETURN_IF_ERROR(StoreUndo(context, found));
  return DropOtherRollbacks(context, found);
}

}  // namespace levelkeep
