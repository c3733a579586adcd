// Seeds of the restore fuzzer: every kind of world, faults at many places, and
// records of interrupted restores.

#include <string>

#include "corpus.h"
#include "restore/drop_history.h"
#include "restore/swap.h"
#include "restore_flags.h"
#include "sample_archive.h"
#include "sample_database.h"
#include "support/auto_clock.h"
#include "support/simulated_disk.h"

namespace levelkeep::fuzz {
namespace {

constexpr int kAllFlags = 32;  // all but kArchiveBeside

// A fault in the encoding that TakeInterruptions reads.
std::string Fault(int kind, int at, int loss) {
  std::string bytes;
  for (const int byte : {kind, at & 255, at >> 8, loss}) {
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

std::string Seed(RestoreInput what, int flags, const std::string& first,
                 const std::string& second, std::string_view rest) {
  return std::string(1, static_cast<char>(what)) + static_cast<char>(flags) +
         first + second + std::string(rest);
}

const std::string& NoFault() {
  static const auto* const kNone = new std::string(Fault(kNoFault, 0, 0));
  return *kNone;
}

// A good archive in every world, and faults at places all over its restore.
void AddFaults(const Corpus& corpus) {
  for (int flags = 0; flags < kAllFlags; ++flags) {
    const std::string name = "world" + std::to_string(flags);
    corpus.Add("restore", name, RestoreSeed(kDatabaseInOurs, flags, ""));
    corpus.Add("restore", name + "tar",
               RestoreSeed(kDatabaseInForeign, flags, ""));
  }
  constexpr int kMostOperations = 400;
  int number = 0;
  for (int at = 0; at < kMostOperations; at += 3, ++number) {
    const int kind = 1 + number % (kFaultKinds - 1);
    const int flags =
        (number % 2 == 0 ? kOpens : 0) | (number % 3 == 0 ? kNoExchange : 0);
    const std::string second =
        number % 4 == 0 ? Fault(kCrash, at / 2, number % 3) : NoFault();
    corpus.Add(
        "restore", "fault" + std::to_string(at),
        Seed(kDatabaseInOurs, flags, Fault(kind, at, number % 3), second, ""));
  }
}

// Records by the product's own encoders, with marks for values that only a run
// of the fuzzer knows.
class RecordTexts {
 public:
  RecordTexts() {
    context_.fs = disk_.file_system();
    context_.clock = &clock_;
    context_.options.storage_dir = "/s";
    RequireOk(CreateDirectories(context_.fs, context_.work_dir()), "a folder");
  }

  std::string JournalOf(JournalState state, JournalKind kind, bool reject) {
    Journal journal;
    journal.id = std::string(32, 'a');
    journal.kind = kind;
    journal.state = state;
    journal.incoming = "staging-1";
    journal.outgoing = "rollback-2";
    if (reject) {  // as 0.1.0 wrote it
      journal.old_inode = kOldInode;
      journal.new_inode = kNewInode;
    } else {
      journal.old_epoch = std::string(32, 'c');  // as World and Records have it
      journal.new_epoch = std::string(32, 'd');
    }
    journal.reject = reject;
    journal.reason = reject ? "it is damaged" : "";
    journal.drop = kDrop;
    journal.outcome.archive_name = kDrop.name;
    journal.outcome.archive_sha256 = kSha256;
    RequireOk(StoreJournal(context_, journal), "a journal can be stored");
    return Lines("journal");
  }
  std::string Undo() {
    UndoRecord undo;
    undo.directory = "rollback-1";
    undo.sequence = kSampleSequence;
    undo.archive = kDrop.name;
    undo.earlier = {"rollback-0"};
    RequireOk(StoreUndo(context_, undo), "an undo record can be stored");
    return Lines("undo");
  }
  std::string Attempt(uint64_t count) {
    RequireOk(NoteAttempt(context_, kDrop, count), "an attempt can be stored");
    return Lines("attempt");
  }
  std::string Request() {
    RequireOk(StoreDropRequest(context_, kDrop), "a request can be stored");
    return Lines("request");
  }
  static std::string History(DropVerdict verdict, const std::string& moved_to) {
    constexpr size_t kCrcSize = 9;  // including the blank
    DropEntry entry;
    entry.verdict = verdict;
    entry.drop = kDrop;
    if (verdict == DropVerdict::kApplied) entry.sha256 = kSha256;
    entry.moved_to = moved_to;
    entry.when = "2024-12-27T12:00:00.000Z";
    return Marked(EncodeDropEntry(entry).substr(kCrcSize));
  }

 private:
  // Numbers that no other field contains.
  static constexpr uint64_t kOldInode = 77777;
  static constexpr uint64_t kNewInode = 88888;
  inline static const DropIdentity kDrop = {"any.tar.gz", 55555, 66666, 99999};
  inline static const std::string kSha256 = std::string(64, '5');

  static std::string Marked(std::string text) {
    const std::vector<std::pair<std::string, std::string>> marks = {
        {kSha256, "@SHA@"},  {"77777", "@OLD@"},  {"88888", "@NEW@"},
        {"55555", "@SIZE@"}, {"66666", "@TIME@"}, {"99999", "@FILE@"}};
    for (const auto& [value, mark] : marks) {
      const size_t at = text.find(value);
      if (at != text.npos) text.replace(at, value.size(), mark);
    }
    return text;
  }
  // The lines between title and checksum.
  std::string Lines(const char* name) {
    const auto text =
        levelkeep::ReadFile(context_.fs, context_.InWork(name), 1 << 16);
    RequireOk(text.status(), "a record can be read");
    const size_t begin = text->find('\n') + 1;
    return Marked(text->substr(begin, text->rfind("crc32c ") - begin));
  }

  test::SimulatedDisk disk_;
  test::AutoClock clock_;
  RestoreContext context_;
};

void AddJournals(const Corpus& corpus) {
  RecordTexts texts;
  int number = 0;
  for (const JournalState state :
       {JournalState::kReady, JournalState::kSwapped, JournalState::kCommitted,
        JournalState::kRolledBack}) {
    for (const JournalKind kind : {JournalKind::kRestore, JournalKind::kUndo}) {
      for (const bool reject : {false, true}) {
        const std::string lines = texts.JournalOf(state, kind, reject);
        const int flags = reject ? kNoExchange : kOpens | kArchiveBeside;
        const std::string name = "journal" + std::to_string(number);
        corpus.Add("restore", name, RestoreSeed(kRecords, flags, lines));
        corpus.Add("restore", name + "crash",
                   Seed(kRecords, flags | kOpens,
                        Fault(kCrash, 20 + 5 * number, number % 3),
                        Fault(kIoError, 10 * number, 1), lines));
        ++number;
      }
    }
  }
}

void AddOtherRecords(const Corpus& corpus) {
  constexpr auto kApplied = DropVerdict::kApplied;
  constexpr auto kRejected = DropVerdict::kRejected;
  RecordTexts texts;
  const std::string undo = texts.Undo();
  const std::string journal =
      texts.JournalOf(JournalState::kReady, JournalKind::kRestore, false);
  // Journal, undo, attempt, request, history.
  const std::vector<std::string> all = {
      Join({"", undo}),
      Join({"", undo, texts.Attempt(2)}),
      Join({"", undo, texts.Attempt(3), texts.Request()}),
      Join({"", "", "", "", texts.History(kApplied, "")}),
      Join({"", "", "", "", texts.History(kApplied, "any.tar.gz")}),
      Join({"", "", "", "", texts.History(kRejected, "")}),
      Join({journal, undo, texts.Attempt(1), texts.Request(),
            texts.History(kRejected, "any.tar.gz")}),
  };
  for (size_t i = 0; i < all.size(); ++i) {
    const std::string name = "records" + std::to_string(i);
    const int at = static_cast<int>(40 * i);
    corpus.Add("restore", name,
               RestoreSeed(kRecords, kOpens | kArchiveBeside, all[i]));
    corpus.Add("restore", name + "crash",
               Seed(kRecords, kOpens | kArchiveBeside, Fault(kCrash, at, 0),
                    Fault(kCrash, at / 2, 2), all[i]));
  }
}

}  // namespace

std::string RestoreSeed(RestoreInput what, int flags, std::string_view rest) {
  return Seed(what, flags, NoFault(), NoFault(), rest);
}

void AddRestores(const Corpus& corpus) {
  AddFaults(corpus);
  AddJournals(corpus);
  AddOtherRecords(corpus);
  corpus.Add(
      "restore", "whole",
      RestoreSeed(kArchiveFile, kOpens, MakeOwnArchive(SampleDatabase())));
}

}  // namespace levelkeep::fuzz
