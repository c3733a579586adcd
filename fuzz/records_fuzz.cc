// Small files that LevelKeep writes and reads again, and event records. The
// first byte says which one. Checksums are made right, so that the fuzzer gets
// beyond them. An accepted record comes back from its own encoding.

#include <cstdio>
#include <filesystem>

#include "base/hash.h"
#include "base/record.h"
#include "catalog/database_records.h"
#include "dbfiles/database_files.h"
#include "eventstore/event.h"
#include "format/backup_name.h"
#include "format/backup_state.h"
#include "restore/context.h"
#include "restore/drop_history.h"
#include "restore/swap.h"
#include "support.h"

namespace levelkeep::fuzz {
namespace {

constexpr std::string_view kRecordTitles[] = {
    "levelkeep journal 1", "levelkeep undo 1", "levelkeep attempt 1",
    "levelkeep request 1"};
constexpr const char* kRecordFiles[] = {"journal", "undo"};

// Puts title and checksum around the lines.
std::string WithFrame(std::string_view title, std::string_view lines) {
  std::string text = std::string(title) + "\n" + std::string(lines);
  if (!text.ends_with('\n')) text += '\n';
  char crc[32];
  std::snprintf(crc, sizeof crc, "crc32c %08x\n", Crc32c(0, text));
  return text + crc;
}

void CheckRecord(std::string_view title, const std::string& text) {
  const auto record = Record::Decode(title, text);
  if (!record.ok()) {
    Require(record.status().code() == StatusCode::kCorruption,
            "it is the record that is to blame");
    return;
  }
  const std::string encoded = record->Encode(title);
  const auto again = Record::Decode(title, encoded);
  RequireOk(again.status(), "what Encode writes can be decoded");
  Require(again->Encode(title) == encoded, "a record comes back as it was");
}

bool IsPlain(const std::string& name) {
  return name.find('/') == name.npos && name != "." && name != "..";
}

RestoreContext Context() {
  RestoreContext context;
  context.fs = FileSystem::Posix();
  context.clock = Clock::System();
  context.options.storage_dir = Scratch::Get().Sub("storage");
  context.options.db_name = "db";
  return context;
}

void CheckJournal(const RestoreContext& context) {
  const auto journal = LoadJournal(context);
  if (!journal.ok()) {
    Require(journal.status().code() == StatusCode::kCorruption,
            "a bad journal is known as damaged");
    return;
  }
  Require(IsPlain(journal->incoming) && IsPlain(journal->outgoing) &&
              !journal->incoming.empty() && !journal->outgoing.empty() &&
              IsPlain(journal->drop.name),
          "a journal names nothing outside of its folder");
  RequireOk(StoreJournal(context, *journal), "a journal can be stored");
  const std::string stored = ReadFile(context.InWork("journal"));
  const auto again = LoadJournal(context);
  RequireOk(again.status(), "what StoreJournal writes can be loaded");
  RequireOk(StoreJournal(context, *again), "a journal can be stored");
  Require(ReadFile(context.InWork("journal")) == stored,
          "a journal comes back as it was");
}

void CheckUndo(const RestoreContext& context) {
  const auto undo = LoadUndo(context);
  if (!undo.ok()) {
    Require(undo.status().code() == StatusCode::kNotFound ||
                undo.status().code() == StatusCode::kRefused,
            "a bad undo record is none: " + undo.status().ToString());
    return;
  }
  Require(IsPlain(undo->directory), "undo stays in its folder");
  for (const std::string& name : undo->earlier) {
    Require(IsPlain(name), "an earlier undo stays in its folder");
  }
  Journal journal;
  journal.outgoing = "rollback-2";
  for (const std::string& incoming :
       {std::string("staging-1"), undo->directory,
        undo->earlier.empty() ? std::string() : undo->earlier.back()}) {
    journal.incoming = incoming;
    journal.kind =
        incoming == "staging-1" ? JournalKind::kRestore : JournalKind::kUndo;
    const auto once = UndoAfter(context, journal);
    RequireOk(once.status(), "an undo record leads to the next");
    RequireOk(StoreUndo(context, *once), "an undo record can be stored");
    const auto twice = UndoAfter(context, journal);
    RequireOk(twice.status(), "an undo record that is made again is the same");
    Require(twice->earlier == once->earlier && twice->undone == once->undone,
            "an undo record that is made again is the same");
  }
}

void CheckRestoreRecord(size_t which, std::string_view lines) {
  const std::string text = WithFrame(kRecordTitles[which], lines);
  CheckRecord(kRecordTitles[which], text);
  if (which >= std::size(kRecordFiles)) return;
  const RestoreContext context = Context();
  std::filesystem::create_directories(context.InWork("rollback-0"));
  std::filesystem::create_directories(context.InWork("rollback-1"));
  WriteFile(context.InWork(kRecordFiles[which]), text);
  which == 0 ? CheckJournal(context) : CheckUndo(context);
  std::filesystem::remove(context.InWork(kRecordFiles[which]));
}

void CheckBackupState(std::string_view text) {
  const auto state = DecodeBackupState(text);
  if (!state.ok()) return;
  const std::string encoded = EncodeBackupState(*state);
  const auto again = DecodeBackupState(encoded);
  RequireOk(again.status(), "what EncodeBackupState writes can be decoded");
  Require(EncodeBackupState(*again) == encoded,
          "a backup's state comes back as it was");
  Require(
      again->pinned == state->pinned &&
          again->verification.has_value() == state->verification.has_value() &&
          again->size_bytes == state->size_bytes &&
          again->mtime_ns == state->mtime_ns && again->sha256 == state->sha256,
      "nothing of a backup's state is lost");
}

void CheckReuseRecord(std::string_view lines) {
  std::string text(lines);
  if (!text.ends_with('\n')) text += '\n';
  text += Sha256Hex(text) + "\n";
  const auto record = DecodeReuseRecord(text);
  if (!record.ok()) return;
  Require(ParseBackupName(record->archive).has_value(),
          "a record for reuse names a backup");
  for (const ReusableFile& file : record->files) {
    Require(
        IsBackedUp(ParseDbFileName(file.archived.name).kind) &&
            file.archived.chunks.size() == ChunkCount(file.archived.size_bytes),
        "a record for reuse lists whole files of a database");
  }
  const std::string encoded = EncodeReuseRecord(*record);
  const auto again = DecodeReuseRecord(encoded);
  RequireOk(again.status(), "what EncodeReuseRecord writes can be decoded");
  Require(EncodeReuseRecord(*again) == encoded,
          "a record for reuse comes back as it was");
}

void CheckEvent(std::string_view record) {
  // The number that the record claims, or another one.
  constexpr std::string_view kName = "\"sequence\":";
  const size_t at = record.find(kName);
  uint64_t sequence = 17;
  if (at != record.npos) {
    const std::string_view digits = record.substr(at + kName.size());
    sequence =
        std::strtoull(std::string(digits.substr(0, 20)).c_str(), nullptr, 10);
  }
  const auto event = DecodeEvent(sequence, record);
  if (!event.ok()) return;
  Require(event->sequence == sequence, "an event has its number");
  const std::string encoded = EncodeEvent(*event);
  const auto again = DecodeEvent(sequence, encoded);
  RequireOk(again.status(), "what EncodeEvent writes can be decoded");
  Require(EncodeEvent(*again) == encoded && again->data == event->data &&
              again->type == event->type && again->stream == event->stream &&
              again->time == event->time,
          "an event comes back as it was");
}

void CheckEventKeys(std::string_view text) {
  const auto sequence = ParseEventKey(text);
  if (sequence) {
    Require(EventKey(*sequence) == text, "an event's key has one spelling");
  }
  const auto last = DecodeEventHead(text);
  if (!last.ok()) return;
  const auto again = DecodeEventHead(EncodeEventHead(*last));
  Require(again.ok() && *again == *last, "the head comes back as it was");
}

void CheckDropEntry(std::string_view body) {
  char crc[16];
  std::snprintf(crc, sizeof crc, "%08x ", Crc32c(0, body));
  const auto entry = DecodeDropEntry(crc + std::string(body));
  if (!entry) return;
  const std::string encoded = EncodeDropEntry(*entry);
  const auto again = DecodeDropEntry(encoded);
  Require(again.has_value() && EncodeDropEntry(*again) == encoded,
          "a line of the history comes back as it was");
  Require(again->drop.name == entry->drop.name &&
              again->sha256 == entry->sha256 &&
              again->reason == entry->reason && again->when == entry->when,
          "nothing of a line of the history is lost");
}

}  // namespace

void Run(FuzzedBytes input) {
  const uint8_t which = input.Byte() % 10;
  const std::string_view text = input.Rest();
  switch (which) {
    case 4:
      return CheckBackupState(text);
    case 5:
      return CheckReuseRecord(text);
    case 6:
      return CheckEvent(text);
    case 7:
      return CheckEventKeys(text);
    case 8:
      return CheckDropEntry(text);
    case 9:
      for (const std::string& point : ParseMountPoints(text)) {
        Require(!point.empty(), "a mount point has a name");
      }
      return;
    default:
      CheckRecord(kRecordTitles[0], std::string(text));
      CheckRestoreRecord(which, text);
  }
}

}  // namespace levelkeep::fuzz
