// Whole restores on a simulated disk: a start with whatever is in restore/ or
// in the work folder; then the same with a fault and a power loss in that
// start, perhaps others in the next start, and one more start. Whatever
// happened on the way, the live database is exactly the old one or exactly the
// new one, the old one can be had back, the archive is kept, and nothing
// outside of the three folders changes.

#include <algorithm>
#include <cstdio>

#include "base/hash.h"
#include "changed_database.h"
#include "restore_world.h"
#include "sample_archive.h"
#include "sample_database.h"

namespace levelkeep::fuzz {
namespace {

enum class Verdict { kApplied, kRejected, kRefused };

// The result that must come out however a start was interrupted.
struct End {
  std::string where;  // the place of the archive
  Files live;         // without BACKUP_ID, unless it is the old one
  bool operator==(const End&) const = default;
};

// An archive with a true manifest, if its files are true.
std::string OwnArchiveOf(const Files& files) {
  test::SimulatedDisk disk;
  WriteFolder(disk.file_system(), "/made", files);
  const auto check = CheckFiles(disk.file_system(), "/made");
  return MakeOwnArchive(files, [&check](Manifest manifest) {
    if (check.ok()) manifest.last_sequence = check->last_sequence;
    return EncodeManifest(manifest);
  });
}

std::string ArchiveOf(uint8_t what, FuzzedBytes* input) {
  switch (what) {
    case kArchiveFile:
      return std::string(input->Rest());
    case kDatabaseInOurs:
      return OwnArchiveOf(ChangedDatabase(input));
    default: {
      const Files files = ChangedDatabase(input);
      return GzipMember(TarOf(files, std::string(kDbName) + "/") + TarEnd());
    }
  }
}

// The one place of the archive in restore/, applied/ or rejected/. Its bytes
// must be unchanged.
std::string FindArchive(const World& world, const std::string& archive) {
  std::string found;
  for (const auto& [path, content] : world.Below(world.Drop())) {
    if (!path.ends_with(".tar.gz")) continue;
    Require(found.empty(), "an archive is there once");
    Require(content == archive, "an archive stays as it is");
    found = path;
  }
  Require(!found.empty(), "an archive in restore/ is never lost");
  return found;
}

void CheckPlace(const World& world, const std::string& where, Verdict verdict) {
  const std::string drop = world.Drop() + "/";
  const Files files = world.Below(world.Drop());
  const auto has_note = [&](const char* suffix) {
    const auto note = files.find(where + suffix);
    return note != files.end() && !note->second.empty();
  };
  switch (verdict) {
    case Verdict::kApplied:
      Require(where.starts_with(drop + "applied/") && has_note(".applied.txt"),
              "an archive that was applied is in applied/, with a note");
      break;
    case Verdict::kRejected:
      Require(where.starts_with(drop + "rejected/") && has_note(".reason.txt"),
              "an archive that was rejected is in rejected/, with the reason");
      break;
    case Verdict::kRefused:
      Require(where.find('/', drop.size()) == where.npos,
              "an archive that has to wait stays in restore/");
  }
}

// Checks the result of a start that ended on a good disk.
End CheckEnd(const World& world, const std::string& archive, Verdict verdict) {
  world.CheckOutside();
  world.CheckTidy();
  End end;
  end.where = FindArchive(world, archive);
  if (!world.Is(kReadOnlyDrop)) CheckPlace(world, end.where, verdict);
  end.live = world.Content(world.Live());
  if (verdict == Verdict::kApplied) {
    Require(world.Is(kNoDatabase) || world.IsKept(world.old()),
            "the old database is kept");
    end.live = WithoutId(std::move(end.live));
  } else {
    Require(end.live == world.old(), "what is not applied changes nothing");
  }
  return end;
}

Verdict VerdictOf(const DropOutcome& drops) {
  if (drops.applied) return Verdict::kApplied;
  return drops.rejected.empty() ? Verdict::kRefused : Verdict::kRejected;
}

void CheckReport(World* world, const DropOutcome& drops) {
  if (!drops.applied) {
    Require(!drops.rejected.empty() || !drops.refused.empty(),
            "an archive that is not applied is mentioned");
    Require(drops.rejected.empty() || !drops.rejected[0].reason.empty(),
            "a rejection says why");
    return;
  }
  Require(world->Is(kOpens), "what can't be opened is not applied");
  const auto check = world->Check(world->Live());
  RequireOk(check.status(), "a restored database passes its check");
  Require(check->last_sequence == drops.applied->last_sequence,
          "the report of a restore is true");
}

void CheckSecondStart(World* world) {
  const Files before = world->Lines();
  const Life again = world->Start();
  RequireOk(again.status, "a second start ends well");
  Require(!again.recovered.finished_restore &&
              !again.recovered.undone_restore && again.recovered.swept.empty(),
          "a second start finds nothing to do");
  // An archive that can't be moved away is recognized each time.
  Require(!again.drops.applied &&
              (again.drops.rejected.empty() || world->Is(kReadOnlyDrop)),
          "an archive is judged once");
  Require(world->Lines() == before, "a second start changes nothing");
}

// Checks undo and undo of undo after a restore.
void CheckUndo(World* world) {
  const Files live = world->Content(world->Live());
  const auto restorer = world->NewRestorer();
  if (world->Is(kNoDatabase)) {
    Require(!restorer->UndoAvailable(), "nobody gets an empty folder back");
    return;
  }
  Require(restorer->UndoAvailable(), "a restore can be undone");
  RequireOk(restorer->Undo(nullptr).status(), "a restore can be undone");
  Require(world->Content(world->Live()) == world->old(),
          "undo brings exactly the old database back");
  RequireOk(restorer->Undo(nullptr).status(), "undo can be undone");
  Require(world->Content(world->Live()) == live,
          "undo of undo brings exactly the new database back");
}

void RunDrop(uint8_t what, FuzzedBytes input) {
  World world(input.Byte());
  const Interruptions interruptions = TakeInterruptions(&input);
  const std::string archive = ArchiveOf(what, &input);
  world.Write(world.Dropped(), archive);
  world.Seal();

  const Life good = world.Start();
  RequireOk(good.status, "a start never fails because of an archive");
  const Verdict verdict = VerdictOf(good.drops);
  CheckReport(&world, good.drops);
  const End end = CheckEnd(world, archive, verdict);
  if (interruptions.first.kind != kNoFault) {
    world.Rewind();
    world.StartInto(interruptions, good.operations);
    RequireOk(world.Start().status, "a good disk is all that a start needs");
    Require(CheckEnd(world, archive, verdict) == end,
            "an interrupted start ends as any other");
  }
  CheckSecondStart(&world);
  if (verdict == Verdict::kApplied) CheckUndo(&world);
}

// --- the records of interrupted restores

std::string WithCrcLine(std::string text) {
  char crc[32];
  std::snprintf(crc, sizeof crc, "crc32c %08x\n", Crc32c(0, text));
  return text + crc;
}

std::string RecordOf(std::string_view kind, const std::string& lines) {
  std::string text = "levelkeep " + std::string(kind) + " 1\n" + lines;
  if (!text.ends_with('\n')) text += '\n';
  return WithCrcLine(std::move(text));
}

// Each line has a checksum of its own.
std::string HistoryOf(std::string_view lines) {
  std::string text;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    char crc[16];
    std::snprintf(crc, sizeof crc, "%08x ", Crc32c(0, line));
    text += crc + std::string(line) + "\n";
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
  }
  return text;
}

// Four databases, and maybe an archive, that the records may name.
class Records {
 public:
  Records(World* world, const std::string& archive) : world_(world) {
    const std::string staged = world->Work() + "/staging-1";
    const std::string kept = world->Work() + "/rollback-1";
    const std::string kept_before = world->Work() + "/rollback-0";
    char id = 'd';
    for (const std::string& folder : {staged, kept, kept_before}) {
      Files files = SampleDatabase();
      files["BACKUP_ID"] = std::string(32, id++) + "\n";
      world->WriteAll(folder, files);
      candidates_.push_back(files);
    }
    candidates_.push_back(world->old());
    marks_["@NEW@"] = std::to_string(world->Stat(staged).inode);
    marks_["@KEPT@"] = std::to_string(world->Stat(kept).inode);
    marks_["@OLD@"] = world->Is(kNoDatabase)
                          ? "0"
                          : std::to_string(world->Stat(world->Live()).inode);
    if (!world->Is(kArchiveBeside)) return;
    world->Write(world->Dropped(), archive);
    const FileInfo info = world->Stat(world->Dropped());
    marks_["@SIZE@"] = std::to_string(info.size_bytes);
    marks_["@TIME@"] = std::to_string(info.mtime_ns);
    marks_["@FILE@"] = std::to_string(info.inode);
    marks_["@SHA@"] = Sha256Hex(archive);
  }

  // Writes each kind of record from a piece of the input; none if it is empty.
  void Write(FuzzedBytes* input) {
    for (const char* const kind :
         {"journal", "undo", "attempt", "request", "applied"}) {
      const std::string lines = Unmarked(input->Piece());
      if (lines.empty()) continue;
      world_->Write(world_->Work() + "/" + kind,
                    kind == std::string_view("applied")
                        ? HistoryOf(lines)
                        : RecordOf(kind, lines));
    }
  }

  void CheckLive() const {
    const Files live = world_->Content(world_->Live());
    for (const Files& candidate : candidates_) {
      if (live == candidate) return;
    }
    Require(world_->Is(kArchiveBeside) && WithoutId(live) == SampleDatabase(),
            "the live database is exactly one of those that there were");
  }

 private:
  // Replaces the marks by values that only this run knows.
  std::string Unmarked(std::string_view lines) const {
    std::string text(lines);
    for (const auto& [mark, value] : marks_) {
      for (size_t at; (at = text.find(mark)) != text.npos;) {
        text.replace(at, mark.size(), value);
      }
    }
    return text;
  }

  World* const world_;
  Files marks_;
  std::vector<Files> candidates_;
};

void RunRecords(FuzzedBytes input) {
  static const auto* const kArchive =
      new std::string(MakeOwnArchive(SampleDatabase()));
  World world(input.Byte());
  const Interruptions interruptions = TakeInterruptions(&input);
  Records records(&world, *kArchive);
  records.Write(&input);
  world.Seal();
  const auto check = [&](const Life& life) {
    world.CheckOutside();
    records.CheckLive();
    if (world.Is(kArchiveBeside)) FindArchive(world, *kArchive);
    if (life.status.ok()) CheckSecondStart(&world);
  };

  const Life good = world.Start();
  if (interruptions.first.kind == kNoFault) return check(good);
  world.Rewind();
  world.StartInto(interruptions, good.operations);
  check(world.Start());
}

}  // namespace

void Run(FuzzedBytes input) {
  const uint8_t what = input.Byte() % kRestoreInputs;
  what == kRecords ? RunRecords(input) : RunDrop(what, input);
}

}  // namespace levelkeep::fuzz
