// Whole restores on a real folder in memory: an archive in restore/, or an
// interrupted restore, and a start. The first byte says what is fuzzed:
//   0  the archive file
//   1  the database in an archive of ours, whose digests are right
//   2  the same in a tar of other programs
//   3  the record of an interrupted restore
// The live database is exactly the old one or exactly the new one, the old
// one can be had back, and nothing outside of the three folders changes.

#include <array>
#include <chrono>
#include <filesystem>

#include "changed_database.h"
#include "check/file_checks.h"
#include "check/store_files.h"
#include "restore/journal.h"
#include "restore/restorer.h"
#include "sample_archive.h"
#include "sample_database.h"

namespace levelkeep::fuzz {
namespace {

// Every sleep passes at once.
class FastClock : public Clock {
 public:
  Time Now() override { return wall_; }
  std::chrono::steady_clock::time_point SteadyNow() override { return steady_; }
  bool SleepFor(std::chrono::milliseconds duration,
                std::stop_token stop) override {
    wall_ += duration;
    steady_ += duration;
    return !stop.stop_requested();
  }

 private:
  Time wall_ = Time(std::chrono::hours(480'000));
  std::chrono::steady_clock::time_point steady_{std::chrono::hours(1000)};
};

// What levelkeep-check does before it asks LevelDB.
Result<StoreCheck> CheckFiles(const std::string& db_dir, const std::string&,
                              std::stop_token) {
  const check::FolderFiles files(FileSystem::Posix(), db_dir);
  LEVELKEEP_ASSIGN_OR_RETURN(const check::FileFindings findings,
                             check::FileChecks(&files, kComparator).Run());
  StoreCheck store;
  store.last_sequence = findings.last_sequence;
  store.tables = findings.tables;
  return store;
}

// All folders of one run.
class World {
 public:
  World() {
    Scratch::Get().Clear();
    for (const std::string& folder :
         {Storage(), Live(), Work(), Drop(), Outside()}) {
      std::filesystem::create_directory(folder);
    }
    for (const auto& [name, content] : TinyDatabase()) {
      WriteFile(Live() + "/" + name, content);
    }
    WriteFile(Live() + "/BACKUP_ID", std::string(32, 'c') + "\n");
    WriteFile(Outside() + "/canary", "still here");
    WriteFile(Storage() + "/notes.txt", "somebody else's");
    old_ = Content(Live());
    options_.storage_dir = Storage();
    options_.db_name = kDbName;
    options_.restore_dir = Drop();
    options_.reserve_bytes = 1 << 20;
    options_.threads = 1;
    options_.store_checker = CheckFiles;
  }

  std::string Storage() const { return Scratch::Get().Sub("storage"); }
  std::string Live() const { return Storage() + "/" + kDbName; }
  std::string Work() const { return Storage() + "/.levelkeep"; }
  std::string Drop() const { return Scratch::Get().Sub("restore"); }
  std::string Outside() const { return Scratch::Get().Sub("outside"); }
  const Files& old() const { return old_; }

  // By names within the folder, without LevelDB's lock.
  static Files Content(const std::string& folder) {
    Files content;
    for (const auto& [path, bytes] : ReadTree(folder)) {
      content[path.substr(folder.size() + 1)] = bytes;
    }
    content.erase("LOCK");
    return content;
  }
  std::unique_ptr<Restorer> Start() {
    auto restorer =
        std::make_unique<Restorer>(FileSystem::Posix(), &clock_, options_);
    RequireOk(restorer->Prepare(), "a start can prepare its folders");
    return restorer;
  }
  void CheckOutside() const {
    const Files outside = Content(Outside());
    Require(outside == Files{{"canary", "still here"}},
            "nothing outside is touched");
    Require(ReadFile(Storage() + "/notes.txt") == "somebody else's",
            "nothing beside the database is touched");
  }
  // Of a database that was restored there.
  void CheckRestored(const std::string& folder, uint64_t sequence) const {
    const auto check = CheckFiles(folder, "", {});
    RequireOk(check.status(), "a restored database passes its check");
    Require(check->last_sequence == sequence,
            "the report of a restore is true");
  }
  // Somewhere in the work folder.
  bool OldIsKept() const {
    for (const auto& entry : std::filesystem::directory_iterator(Work())) {
      if (entry.is_directory() && Content(entry.path().string()) == old_) {
        return true;
      }
    }
    return false;
  }

 private:
  FastClock clock_;
  RestorerOptions options_;
  Files old_;
};

// The manifest tells the truth about what is in the files, if they do.
std::string OwnArchiveOf(const Files& files) {
  const std::string folder = Scratch::Get().Sub("made");
  std::filesystem::create_directory(folder);
  for (const auto& [name, content] : files) {
    WriteFile(folder + "/" + name, content);
  }
  const auto check = CheckFiles(folder, "", {});
  std::filesystem::remove_all(folder);
  return MakeOwnArchive(files, [&check](Manifest manifest) {
    if (check.ok()) manifest.last_sequence = check->last_sequence;
    return EncodeManifest(manifest);
  });
}

std::string ArchiveOf(uint8_t kind, FuzzedBytes* input) {
  switch (kind) {
    case 0:
      return std::string(input->Rest());
    case 1:
      return OwnArchiveOf(ChangedDatabase(input));
    default: {
      const Files files = ChangedDatabase(input);
      return GzipMember(TarOf(files, std::string(kDbName) + "/") + TarEnd());
    }
  }
}

// Where the archive went, with its bytes; in restore/, applied/ or rejected/.
std::string FindArchive(const World& world, const std::string& archive) {
  std::string found;
  for (const auto& [path, content] : ReadTree(world.Drop())) {
    if (path.ends_with(".tar.gz") && content == archive) found = path;
  }
  Require(!found.empty(), "an archive in restore/ is kept as it is");
  return found;
}

void CheckSecondStart(World* world, const Files& live) {
  auto restorer = world->Start();
  const auto recovered = restorer->Recover();
  RequireOk(recovered.status(), "a second start recovers");
  Require(!recovered->finished_restore && !recovered->undone_restore,
          "a second start finds nothing to do");
  const auto again = restorer->ApplyDropped(nullptr, {});
  RequireOk(again.status(), "a second start looks into restore/");
  Require(!again->applied && again->rejected.empty(),
          "an archive is judged once");
  Require(World::Content(world->Live()) == live,
          "a second start changes nothing");
}

void CheckUndo(World* world, Restorer* restorer, const Files& live) {
  Require(restorer->UndoAvailable(), "a restore can be undone");
  RequireOk(restorer->Undo(nullptr).status(), "a restore can be undone");
  Require(World::Content(world->Live()) == world->old(),
          "undo brings exactly the old database back");
  RequireOk(restorer->Undo(nullptr).status(), "undo can be undone");
  Require(World::Content(world->Live()) == live,
          "undo of undo brings exactly the new database back");
}

void RunDrop(uint8_t kind, FuzzedBytes input) {
  World world;
  const uint8_t flags = input.Byte();
  const bool opens = flags % 4 != 0;
  const std::string name =
      flags % 8 < 4 ? "any.tar.gz" : "backup_2024-12-27_120000.tar.gz";
  const std::string archive = ArchiveOf(kind, &input);
  WriteFile(world.Drop() + "/" + name, archive);
  auto restorer = world.Start();
  RequireOk(restorer->Recover().status(), "a start recovers");
  const auto outcome = restorer->ApplyDropped(
      [&](const std::string& folder) {
        Require(folder == world.Live(), "the live database is opened");
        return opens ? Status::Ok()
                     : Status(StatusCode::kCorruption, "it does not open");
      },
      {});
  RequireOk(outcome.status(), "a start never fails because of an archive");
  world.CheckOutside();
  const std::string where = FindArchive(world, archive);
  const Files live = World::Content(world.Live());
  if (!outcome->applied) {
    Require(live == world.old(), "what is refused changes nothing");
    if (!outcome->rejected.empty()) {
      Require(!outcome->rejected[0].reason.empty() &&
                  PathExists(FileSystem::Posix(), where + ".reason.txt"),
              "a rejection says why");
    }
  } else {
    Require(opens && world.OldIsKept(), "the old database is kept");
    world.CheckRestored(world.Live(), outcome->applied->last_sequence);
    CheckUndo(&world, restorer.get(), live);
  }
  restorer.reset();
  CheckSecondStart(&world, live);
  world.CheckOutside();
}

uint64_t InodeOf(const std::string& path) {
  return FileSystem::Posix()->Stat(path).value().inode;
}

// The lines of a journal, with the inodes that only this run knows.
std::string JournalOf(const World& world, std::string_view lines) {
  std::string text = "levelkeep journal 1\n" + std::string(lines);
  if (!text.ends_with('\n')) text += '\n';
  const std::array<std::pair<std::string_view, std::string>, 3> inodes = {
      {{"@OLD@", world.Live()},
       {"@NEW@", world.Work() + "/staging-1"},
       {"@KEPT@", world.Work() + "/rollback-1"}}};
  for (const auto& [mark, folder] : inodes) {
    for (size_t at; (at = text.find(mark)) != text.npos;) {
      text.replace(at, mark.size(), std::to_string(InodeOf(folder)));
    }
  }
  char crc[32];
  std::snprintf(crc, sizeof crc, "crc32c %08x\n", Crc32c(0, text));
  return text + crc;
}

void RunJournal(FuzzedBytes input) {
  World world;
  const bool opens = input.Byte() % 2 == 1;
  const std::string staged = world.Work() + "/staging-1";
  const std::string kept = world.Work() + "/rollback-1";
  for (const std::string& folder : {staged, kept}) {
    std::filesystem::create_directory(folder);
    for (const auto& [name, content] : SampleDatabase()) {
      WriteFile(folder + "/" + name, content);
    }
    WriteFile(folder + "/BACKUP_ID",
              std::string(32, folder == staged ? 'd' : 'e') + "\n");
  }
  const Files fresh = World::Content(staged);
  const Files before = World::Content(kept);
  WriteFile(world.Work() + "/journal", JournalOf(world, input.Rest()));
  auto restorer = world.Start();
  const auto recovered = restorer->Recover([&](const std::string&) {
    return opens ? Status::Ok()
                 : Status(StatusCode::kCorruption, "it does not open");
  });
  world.CheckOutside();
  const Files live = World::Content(world.Live());
  Require(live == world.old() || live == fresh || live == before,
          "the live database is exactly one of those that there were");
  if (!recovered.ok()) return;
  restorer.reset();
  CheckSecondStart(&world, live);
}

}  // namespace

void Run(FuzzedBytes input) {
  const uint8_t kind = input.Byte() % 4;
  kind == 3 ? RunJournal(input) : RunDrop(kind, input);
}

}  // namespace levelkeep::fuzz
