#include "restore/journal.h"

#include <algorithm>
#include <array>

#include "base/status_macros.h"

namespace levelkeep {
namespace {

constexpr std::string_view kJournalTitle = "levelkeep journal 1";

// In the order of JournalState.
constexpr std::array<std::string_view, 4> kStateNames = {
    "ready", "swapped", "committed", "rolled-back"};

std::string JournalPath(const RestoreContext& context) {
  return context.InWork("journal");
}

}  // namespace

Status StoreJournal(const RestoreContext& context, const Journal& journal) {
  Record record;
  record.Set("id", journal.id);
  record.Set("kind",
             journal.kind == JournalKind::kRestore ? "restore" : "undo");
  record.Set("state", kStateNames.at(static_cast<size_t>(journal.state)));
  record.Set("incoming", journal.incoming);
  record.Set("outgoing", journal.outgoing);
  record.Set("old_epoch", journal.old_epoch);
  record.Set("new_epoch", journal.new_epoch);
  if (journal.new_epoch.empty()) {
    record.SetNumber("old_inode", journal.old_inode);
    record.SetNumber("new_inode", journal.new_inode);
  }
  record.SetNumber("old_sequence", journal.old_sequence);
  record.SetNumber("crashes", journal.crashes);
  record.Set("reason", journal.reason);
  record.SetNumber("reject", journal.reject ? 1 : 0);
  PutDrop(journal.drop, &record);
  record.Set("archive", journal.outcome.archive_name);
  record.Set("sha256", journal.outcome.archive_sha256);
  record.SetNumber("own", journal.outcome.own ? 1 : 0);
  record.Set("epoch", journal.outcome.epoch);
  record.SetNumber("new_sequence", journal.outcome.last_sequence);
  record.SetNumber("content_bytes", journal.outcome.content_bytes);
  return StoreRecord(context.fs, JournalPath(context), kJournalTitle, record);
}

Result<Journal> LoadJournal(const RestoreContext& context) {
  LEVELKEEP_ASSIGN_OR_RETURN(
      const Record record,
      LoadRecord(context.fs, JournalPath(context), kJournalTitle));
  Journal journal;
  journal.id = record.Get("id");
  journal.kind =
      record.Get("kind") == "undo" ? JournalKind::kUndo : JournalKind::kRestore;
  const auto state =
      std::find(kStateNames.begin(), kStateNames.end(), record.Get("state"));
  const bool known_state = state != kStateNames.end();
  journal.state = static_cast<JournalState>(state - kStateNames.begin());
  journal.incoming = record.Get("incoming");
  journal.outgoing = record.Get("outgoing");
  journal.drop = GetDrop(record);
  if (!known_state || !IsPlainName(journal.incoming) ||
      !IsPlainName(journal.outgoing) ||
      !(journal.drop.name.empty() || IsPlainName(journal.drop.name))) {
    return Status(StatusCode::kCorruption,
                  JournalPath(context) + " has invalid fields");
  }
  journal.old_epoch = record.Get("old_epoch");
  journal.new_epoch = record.Get("new_epoch");
  journal.old_inode = record.GetNumber("old_inode");
  journal.new_inode = record.GetNumber("new_inode");
  journal.old_sequence = record.GetNumber("old_sequence");
  journal.crashes = record.GetNumber("crashes");
  journal.reason = record.Get("reason");
  journal.reject = record.GetNumber("reject") != 0;
  journal.outcome.archive_name = record.Get("archive");
  journal.outcome.archive_sha256 = record.Get("sha256");
  journal.outcome.own = record.GetNumber("own") != 0;
  journal.outcome.epoch = record.Get("epoch");
  journal.outcome.last_sequence = record.GetNumber("new_sequence");
  journal.outcome.content_bytes = record.GetNumber("content_bytes");
  return journal;
}

Status RemoveJournal(const RestoreContext& context) {
  return RemoveRecord(context.fs, JournalPath(context));
}

}  // namespace levelkeep
