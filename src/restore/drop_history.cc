#include "restore/drop_history.h"

#include <cstdio>

#include "base/hash.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {

namespace {

// Suffixes of the notes beside archives in applied/ and rejected/.
constexpr std::string_view kAppliedNote = ".applied.txt";
constexpr std::string_view kReasonNote = ".reason.txt";
// The names of the records in the work directory.
constexpr char kHistory[] = "applied";
constexpr char kAttempt[] = "attempt";
constexpr char kRequest[] = "request";
constexpr std::string_view kAttemptTitle = "levelkeep attempt 1";
constexpr std::string_view kRequestTitle = "levelkeep request 1";
constexpr uint64_t kMaxHistoryBytes = 8u << 20;
constexpr size_t kMaxEntries = 1000;
// Limits an entry, so that the whole history is never too large to read.
constexpr size_t kMaxReason = 2000;
// The advice if the failure has no hint, or its hint was lost in a crash.
constexpr std::string_view kOtherArchive =
    "use another backup; levelkeep verify FILE looks at it without a restore";

std::string CrcText(std::string_view body) {
  char digits[16];
  std::snprintf(digits, sizeof(digits), "%08x", Crc32c(0, body));
  return digits;
}

// An empty token would disappear between two blanks, so "-" stands for it.
std::string Token(std::string_view text) {
  if (text.empty()) return "-";
  return text == "-" ? "%2d" : EscapeToken(text);
}
std::string FromToken(std::string_view token) {
  if (token == "-") return "";
  auto text = UnescapeToken(token);
  return text.ok() ? *text : "";
}

Status StoreDropHistory(const RestoreContext& context,
                        const std::vector<DropEntry>& history) {
  const size_t first =
      history.size() > kMaxEntries ? history.size() - kMaxEntries : 0;
  std::string text;
  for (size_t i = first; i < history.size(); ++i) {
    text += EncodeDropEntry(history[i]) + "\n";
  }
  return WriteFileDurably(context.fs, context.InWork(kHistory), text);
}

std::string_view NoteSuffix(DropVerdict verdict) {
  return verdict == DropVerdict::kApplied ? kAppliedNote : kReasonNote;
}

std::string NoteText(const DropEntry& entry, const std::string& advice) {
  const std::string name = Printable(entry.drop.name, 300);
  if (entry.verdict == DropVerdict::kRejected) {
    return name +
           " was not restored, and has changed nothing.\nwhen: " + entry.when +
           "\nwhy: " + entry.reason + "\nwhat to do: " +
           (advice.empty() ? std::string(kOtherArchive) : advice) + "\n";
  }
  return name + " was restored.\nwhen: " + entry.when +
         "\nsha256: " + entry.sha256 +
         "\nTo restore it once more, move it back into the folder above.\n";
}

std::string VerdictFolder(const RestoreContext& context, DropVerdict verdict) {
  return verdict == DropVerdict::kApplied ? context.applied_dir()
                                          : context.rejected_dir();
}

bool IsLeft(const DropEntry& entry, const DropIdentity& drop) {
  return entry.moved_to.empty() && entry.drop.LooksLike(drop);
}

// Whether the drop is still in place, and not another file of its name.
Result<bool> IsThere(const RestoreContext& context, const DropIdentity& drop) {
  const auto info = context.fs->Stat(context.InDrop(drop.name));
  if (info.ok()) return IdentifyDrop(drop.name, *info).LooksLike(drop);
  if (info.status().code() == StatusCode::kNotFound) return false;
  return info.status();
}

void NameSuccessor(const RestoreContext& context, const DropIdentity& drop) {
  if (!PathExists(context.fs, context.InDrop(drop.name))) return;
  LogWarn(kRestoreLogTag, "another file has taken the name " +
                              Printable(drop.name) + " in " +
                              context.options.restore_dir +
                              " meanwhile; it stays there for the next start");
}

// Stores the entry that prevents another try, as the last one.
Status NoteLeft(const RestoreContext& context, const DropIdentity& drop,
                const std::string& sha256, DropVerdict verdict,
                const std::string& reason, std::vector<DropEntry>* history) {
  DropEntry entry;
  entry.verdict = verdict;
  entry.drop = drop;
  entry.sha256 = sha256;
  entry.when = FormatTime(context.clock->Now());
  entry.reason = reason.substr(0, kMaxReason);
  for (const DropEntry& known : *history) {
    // The file stayed, because its folder can't be written: keep the old time.
    if (IsLeft(known, drop) && known.verdict == verdict) {
      entry.when = known.when;
    }
  }
  std::erase_if(*history, [&](const DropEntry& e) { return IsLeft(e, drop); });
  history->push_back(std::move(entry));
  return StoreDropHistory(context, *history);
}

Status MarkMoved(const RestoreContext& context, const DropIdentity& drop,
                 DropVerdict verdict, std::vector<DropEntry>* history) {
  bool changed = false;
  for (DropEntry& entry : *history) {
    if (!IsLeft(entry, drop)) continue;
    entry.moved_to = drop.name;
    changed = true;
  }
  if (!changed) return Status::Ok();
  // Syncs again, because the sync of the move may have failed: a file that is
  // recorded as moved but comes back would be applied again.
  LEVELKEEP_RETURN_IF_ERROR(
      context.fs->SyncDirectory(VerdictFolder(context, verdict)));
  LEVELKEEP_RETURN_IF_ERROR(
      context.fs->SyncDirectory(context.options.restore_dir));
  return StoreDropHistory(context, *history);
}

constexpr int kMaxSameNames = 10'000;
constexpr uint64_t kMaxNoteBytes = 1 << 20;
constexpr size_t kMaxNameBytes = 255;  // Linux's limit
constexpr size_t kMaxDropName = kMaxNameBytes - kAppliedNote.size();
static_assert(kReasonNote.size() <= kAppliedNote.size());

// Cuts to at most `size` bytes, between two UTF-8 characters.
std::string Shortened(std::string_view text, size_t size) {
  if (text.size() <= size) return std::string(text);
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0u) == 0x80) {
    --size;
  }
  return std::string(text.substr(0, size));
}

// Moves the digests before the drop: a digest left behind would judge the next
// drop of that name. If we die here: they are where the drop will go next time.
Status MoveSidecars(const RestoreContext& context, const std::string& name,
                    const std::string& target) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto sidecars, SidecarsOf(context, name));
  for (const std::string& sidecar : sidecars) {
    const Status moved = context.fs->Rename(
        context.InDrop(sidecar), target + sidecar.substr(name.size()));
    if (moved.code() != StatusCode::kNotFound) {
      LEVELKEEP_RETURN_IF_ERROR(moved);
    }
  }
  return Status::Ok();
}

// Removes the empty file that a crash in this same move left. It is identified
// by its note, whose first two lines have the name and the time.
Status DropOwnClaim(FileSystem* fs, const std::string& target,
                    const std::string& note_path, std::string_view note) {
  const std::string_view head =
      note.substr(0, note.find('\n', note.find('\n') + 1));
  const auto found = ReadFile(fs, note_path, kMaxNoteBytes);
  if (!found.ok() || !found->starts_with(head)) return Status::Ok();
  return RemoveClaim(fs, target);
}

bool IsStillThere(const RestoreContext& context, const DropIdentity& drop,
                  const std::string& path) {
  const auto info = context.fs->Stat(path);
  return info.ok() && IdentifyDrop(drop.name, *info).LooksLike(drop);
}

// If another file came between the check and the rename, moves it back.
Status MoveThatFile(const RestoreContext& context, const DropIdentity& drop,
                    const std::string& target) {
  FileSystem* const fs = context.fs;
  const std::string path = context.InDrop(drop.name);
  if (!IsStillThere(context, drop, path)) {
    return Status(StatusCode::kNotFound, path + " is another file now");
  }
  LEVELKEEP_RETURN_IF_ERROR(MoveSidecars(context, drop.name, target));
  LEVELKEEP_RETURN_IF_ERROR(MoveToNewName(fs, path, target));
  if (IsStillThere(context, drop, target)) return Status::Ok();
  LEVELKEEP_RETURN_IF_ERROR(MoveToNewName(fs, target, path));
  return Status(StatusCode::kNotFound, path + " is another file now");
}

// Writes the note, then moves the digests, then the drop, durably. Returns the
// new name. kNotFound: another file has taken the drop's name; it stays there.
// kAlreadyExists: the folder has too many files of that name.
Result<std::string> MoveDrop(const RestoreContext& context,
                             const DropIdentity& drop,
                             const std::string& folder,
                             std::string_view note_suffix,
                             const std::string& note) {
  FileSystem* const fs = context.fs;
  LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(fs, folder));
  for (int number = 1; number <= kMaxSameNames; ++number) {
    const std::string name = NumberedDropName(drop.name, number);
    const std::string target = JoinPath(folder, name);
    const std::string note_path = target + std::string(note_suffix);
    LEVELKEEP_RETURN_IF_ERROR(DropOwnClaim(fs, target, note_path, note));
    if (PathExists(fs, target)) continue;
    LEVELKEEP_RETURN_IF_ERROR(WriteFileDurably(fs, note_path, note));
    // If we die here: a note without its archive, which follows next time.
    const Status moved = MoveThatFile(context, drop, target);
    if (moved.code() == StatusCode::kAlreadyExists) continue;
    if (moved.code() == StatusCode::kNotFound) (void)fs->RemoveFile(note_path);
    LEVELKEEP_RETURN_IF_ERROR(moved);
    // If we die here: the archive is in exactly one of the two folders.
    LEVELKEEP_RETURN_IF_ERROR(fs->SyncDirectory(folder));
    LEVELKEEP_RETURN_IF_ERROR(fs->SyncDirectory(context.options.restore_dir));
    return name;
  }
  return Status(StatusCode::kAlreadyExists,
                folder + " holds too many files named like " + drop.name,
                "remove some of them");
}

}  // namespace

std::string EncodeDropEntry(const DropEntry& entry) {
  const std::string body =
      Join({entry.verdict == DropVerdict::kApplied ? "applied" : "rejected",
            Token(entry.drop.name), std::to_string(entry.drop.size_bytes),
            std::to_string(static_cast<uint64_t>(entry.drop.mtime_ns)),
            std::to_string(entry.drop.inode), Token(entry.sha256),
            Token(entry.moved_to), Token(entry.when), Token(entry.reason)},
           " ");
  return CrcText(body) + " " + body;
}

std::optional<DropEntry> DecodeDropEntry(std::string_view line) {
  const size_t blank = line.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  const std::string_view body = line.substr(blank + 1);
  if (line.substr(0, blank) != CrcText(body)) return std::nullopt;
  const auto tokens = Split(body, ' ');
  if (tokens.size() != 9) return std::nullopt;
  if (tokens[0] != "applied" && tokens[0] != "rejected") return std::nullopt;
  DropEntry entry;
  entry.verdict =
      tokens[0] == "applied" ? DropVerdict::kApplied : DropVerdict::kRejected;
  entry.drop.name = FromToken(tokens[1]);
  entry.drop.size_bytes = ParseUint64(tokens[2]).value_or(0);
  entry.drop.mtime_ns =
      static_cast<int64_t>(ParseUint64(tokens[3]).value_or(0));
  entry.drop.inode = ParseUint64(tokens[4]).value_or(0);
  entry.sha256 = FromToken(tokens[5]);
  entry.moved_to = FromToken(tokens[6]);
  entry.when = FromToken(tokens[7]);
  entry.reason = FromToken(tokens[8]);
  return entry;
}

Result<std::vector<DropEntry>> LoadDropHistory(const RestoreContext& context) {
  std::vector<DropEntry> history;
  const auto text =
      ReadFile(context.fs, context.InWork(kHistory), kMaxHistoryBytes);
  if (text.status().code() == StatusCode::kNotFound) return history;
  if (!text.ok()) return text.status();
  for (const std::string_view line : Split(*text, '\n')) {
    if (auto entry = DecodeDropEntry(line)) history.push_back(*entry);
  }
  return history;
}

std::optional<DropEntry> FindDropEntry(const RestoreContext& context,
                                       const std::vector<DropEntry>& history,
                                       const DropIdentity& drop) {
  for (auto entry = history.rbegin(); entry != history.rend(); ++entry) {
    if (entry->moved_to.empty()) {
      if (entry->drop.LooksLike(drop)) return *entry;
      continue;
    }
    if (entry->verdict != DropVerdict::kApplied ||
        entry->drop.inode != drop.inode ||
        entry->drop.mtime_ns != drop.mtime_ns ||
        entry->drop.size_bytes != drop.size_bytes) {
      continue;
    }
    const std::string note = JoinPath(context.applied_dir(), entry->moved_to) +
                             std::string(kAppliedNote);
    if (PathExists(context.fs, note)) return std::nullopt;
    return *entry;
  }
  return std::nullopt;
}

Status FinishDrop(const RestoreContext& context, const DropIdentity& drop,
                  const std::string& sha256, DropVerdict verdict,
                  const std::string& reason, const std::string& advice) {
  LEVELKEEP_ASSIGN_OR_RETURN(std::vector<DropEntry> history,
                             LoadDropHistory(context));
  LEVELKEEP_ASSIGN_OR_RETURN(const bool there, IsThere(context, drop));
  if (!there) {
    NameSuccessor(context, drop);
    // If a crash came just before the last step, the file is moved already.
    LEVELKEEP_RETURN_IF_ERROR(MarkMoved(context, drop, verdict, &history));
    return ForgetAttempts(context);
  }
  LEVELKEEP_RETURN_IF_ERROR(
      NoteLeft(context, drop, sha256, verdict, reason, &history));
  // If we die here: the entry prevents that the file is applied twice.
  const auto moved =
      MoveDrop(context, drop, VerdictFolder(context, verdict),
               NoteSuffix(verdict), NoteText(history.back(), advice));
  if (moved.ok()) {
    history.back().moved_to = *moved;
    LEVELKEEP_RETURN_IF_ERROR(StoreDropHistory(context, history));
  } else if (moved.status().code() == StatusCode::kIoError) {
    return moved.status();
  } else if (moved.status().code() == StatusCode::kNotFound) {
    NameSuccessor(context, drop);
  } else {
    LogWarn(kRestoreLogTag, Printable(drop.name) + " stays in " +
                                context.options.restore_dir + " (" +
                                moved.status().message() +
                                "); it will not be applied again");
  }
  return ForgetAttempts(context);
}

Status RecordRejected(const RestoreContext& context, const DropIdentity& drop,
                      const std::string& sha256, const std::string& reason) {
  LEVELKEEP_ASSIGN_OR_RETURN(std::vector<DropEntry> history,
                             LoadDropHistory(context));
  LEVELKEEP_RETURN_IF_ERROR(NoteLeft(context, drop, sha256,
                                     DropVerdict::kRejected, reason, &history));
  return ForgetAttempts(context);
}

Result<std::string> FindRejected(const RestoreContext& context,
                                 const DropIdentity& drop) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto history, LoadDropHistory(context));
  for (auto entry = history.rbegin(); entry != history.rend(); ++entry) {
    if (entry->verdict == DropVerdict::kRejected &&
        entry->drop.LooksLike(drop) && !entry->moved_to.empty()) {
      return JoinPath(context.rejected_dir(), entry->moved_to);
    }
  }
  return context.InDrop(drop.name);
}

Result<uint64_t> CountAttempts(const RestoreContext& context,
                               const DropIdentity& drop) {
  const auto record =
      LoadRecord(context.fs, context.InWork(kAttempt), kAttemptTitle);
  const StatusCode code = record.status().code();
  if (code == StatusCode::kNotFound || code == StatusCode::kCorruption) {
    return uint64_t{0};
  }
  LEVELKEEP_RETURN_IF_ERROR(record.status());
  if (!GetDrop(*record).LooksLike(drop)) return uint64_t{0};
  return record->GetNumber("count");
}

Status NoteAttempt(const RestoreContext& context, const DropIdentity& drop,
                   uint64_t count) {
  Record record;
  PutDrop(drop, &record);
  record.SetNumber("count", count);
  return StoreRecord(context.fs, context.InWork(kAttempt), kAttemptTitle,
                     record);
}

Status ForgetAttempts(const RestoreContext& context) {
  return RemoveRecord(context.fs, context.InWork(kAttempt));
}

Status StoreDropRequest(const RestoreContext& context,
                        const DropIdentity& drop) {
  Record record;
  PutDrop(drop, &record);
  return StoreRecord(context.fs, context.InWork(kRequest), kRequestTitle,
                     record);
}

Result<DropIdentity> LoadDropRequest(const RestoreContext& context) {
  LEVELKEEP_ASSIGN_OR_RETURN(
      const Record record,
      LoadRecord(context.fs, context.InWork(kRequest), kRequestTitle));
  return GetDrop(record);
}

std::string NumberedDropName(const std::string& name, int number) {
  const std::string_view stem = StemOfDrop(name);
  const std::string suffix = (number == 1 ? "" : "-" + std::to_string(number)) +
                             name.substr(stem.size());
  return Shortened(stem, kMaxDropName - suffix.size()) + suffix;
}

}  // namespace levelkeep
