#include "restore_world.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/status_macros.h"
#include "check/file_checks.h"
#include "check/overlay_env.h"
#include "fixed_random.h"
#include "sample_database.h"

namespace levelkeep::fuzz {
namespace {

constexpr uint64_t kReserveBytes = 1 << 20;
constexpr uint64_t kRoomBytes = 1 << 20;  // for a database
constexpr char kOutside[] = "/srv/outside";
constexpr char kNotes[] = "/srv/storage/notes.txt";

// The open check of the application.
Status Open(FileSystem* fs, const std::string& folder, bool opens) {
  LEVELKEEP_RETURN_IF_ERROR(
      levelkeep::ReadFile(fs, folder + "/CURRENT", 4096).status());
  return opens ? Status::Ok()
               : Status(StatusCode::kCorruption, "it does not open");
}

void Arm(const Fault& fault, uint64_t operations, test::SimulatedDisk* disk) {
  const uint64_t n = 1 + fault.at % operations;
  switch (fault.kind) {
    case kNoFault:
    case kFaultKinds:
      return;
    case kIoError:
      return disk->FailAt(n, EIO);
    case kDiskFull:
      return disk->FailAt(n, ENOSPC);
    case kTooManyFiles:
      return disk->FailAt(n, EMFILE);
    case kNoAccess:
      return disk->FailAt(n, EACCES);
    case kInterrupted:
      return disk->FailAt(n, EINTR);
    case kShortWrite:
      return disk->ShortWriteAt(n);
    case kCrash:
      return disk->CrashAt(n);
  }
}

void Put(FileSystem* fs, const std::string& path, std::string_view content) {
  auto file = fs->Open(path, OpenMode::kCreateNew);
  RequireOk(file.status(), "a file of the first state");
  RequireOk((*file)->Append(content), "a file of the first state");
}

Fault TakeFault(FuzzedBytes* input) {
  Fault fault;
  fault.kind = static_cast<FaultKind>(input->Byte() % kFaultKinds);
  fault.at = input->Byte();
  fault.at |= uint64_t{input->Byte()} << 8;
  fault.loss = input->Byte();
  return fault;
}

}  // namespace

void WriteFolder(FileSystem* fs, const std::string& folder,
                 const Files& files) {
  RequireOk(fs->CreateDirectory(folder), "a folder of the first state");
  for (const auto& [name, content] : files) {
    Put(fs, folder + "/" + name, content);
  }
}

Interruptions TakeInterruptions(FuzzedBytes* input) {
  Interruptions interruptions;
  interruptions.first = TakeFault(input);
  interruptions.second = TakeFault(input);
  return interruptions;
}

Result<StoreCheck> CheckFiles(FileSystem* fs, const std::string& db_dir) {
  const check::FolderFiles files(fs, db_dir);
  LEVELKEEP_ASSIGN_OR_RETURN(const check::FileFindings findings,
                             check::FileChecks(&files).Run());
  StoreCheck store;
  store.last_sequence = findings.last_sequence;
  store.tables = findings.tables;
  store.comparator = findings.comparator;
  return store;
}

Files WithoutId(Files content) {
  const std::string id = content["BACKUP_ID"];
  Require(id.size() == 33 && id.back() == '\n' &&
              id.find_first_not_of("0123456789abcdef") == 32,
          "a restored database has an id of its own");
  content.erase("BACKUP_ID");
  const std::string database = content["DATABASE_ID"];
  Require(database.size() >= 33 && database.back() == '\n',
          "a restored database has an identity");
  content.erase("DATABASE_ID");
  return content;
}

World::World(uint8_t flags) : flags_(flags) {
  RestartFixedRandom();
  disk_.set_free_space(kReserveBytes + kRoomBytes);
  disk_.set_exchange_supported(!Is(kNoExchange));
  for (const std::string& folder : {Storage(), Work(), Drop()}) {
    RequireOk(CreateDirectories(disk_.file_system(), folder), "a folder");
  }
  WriteAll(kOutside, {{"canary", "still here"}});
  Write(kNotes, "somebody else's");
  if (!Is(kNoDatabase)) {
    Files files = TinyDatabase();
    files["BACKUP_ID"] = std::string(32, 'c') + "\n";
    WriteAll(Live(), files);
  }
  old_ = Content(Live());
  options_.storage_dir = Storage();
  options_.db_name = kDbName;
  options_.restore_dir = Drop();
  options_.reserve_bytes = kReserveBytes;
  options_.threads = 1;
  options_.store_checker = [this](const std::string& folder, const std::string&,
                                  std::stop_token) {
    return CheckFiles(disk_.file_system(), folder);
  };
}

std::string World::Live() const { return Storage() + "/" + kDbName; }

std::string World::Work() const { return WorkDirOf(Storage(), kDbName); }

std::string World::Dropped() const {
  return Drop() + (Is(kNamedAsOurs) ? "/backup_2024-12-27_120000.tar.gz"
                                    : "/any.tar.gz");
}

void World::Write(const std::string& path, std::string_view content) {
  Put(disk_.file_system(), path, content);
}

void World::WriteAll(const std::string& folder, const Files& files) {
  WriteFolder(disk_.file_system(), folder, files);
}

FileInfo World::Stat(const std::string& path) {
  const auto info = disk_.file_system()->Stat(path);
  RequireOk(info.status(), "a file of the first state");
  return *info;
}

void World::Seal() {
  if (Is(kReadOnlyDrop)) {
    RequireOk(disk_.file_system()->SetMode(Drop(), 0500), "a mode");
  }
  disk_.SyncAll();
  first_ = disk_.Save();
  Rewind();
}

void World::Rewind() {
  disk_.Restore(first_);
  RestartFixedRandom();
}

std::unique_ptr<test::TestRestorer> World::NewRestorer() {
  auto restorer = std::make_unique<test::TestRestorer>(disk_.file_system(),
                                                       &clock_, options_);
  RequireOk(restorer->Prepare(), "a start can prepare its folders");
  return restorer;
}

Life World::Start() {
  Life life;
  const OpenCheck open = [&](const std::string& folder) {
    Require(folder == Live(), "the live database is opened");
    return Open(disk_.file_system(), folder, Is(kOpens));
  };
  const uint64_t before = disk_.operations();
  life.status = [&]() -> Status {
    test::TestRestorer restorer(disk_.file_system(), &clock_, options_);
    LEVELKEEP_RETURN_IF_ERROR(restorer.Prepare());
    LEVELKEEP_ASSIGN_OR_RETURN(life.recovered, restorer.Recover(open));
    LEVELKEEP_ASSIGN_OR_RETURN(life.drops, restorer.ApplyDropped(open, {}));
    return Status::Ok();
  }();
  life.operations = disk_.operations() - before;
  return life;
}

void World::StartInto(const Interruptions& interruptions, uint64_t operations) {
  StartInto(interruptions.first, operations);
  if (interruptions.second.kind != kNoFault) {
    StartInto(interruptions.second, operations);
  }
}

void World::StartInto(const Fault& fault, uint64_t operations) {
  Arm(fault, operations, &disk_);
  (void)Start();
  disk_.Reboot(fault.loss);
}

Files World::Content(const std::string& folder) const {
  Files content;
  const test::SimulatedState state = disk_.Save();
  const test::SimulatedInode* const directory = state.At(folder);
  if (directory == nullptr) return content;
  for (const auto& [name, number] : directory->entries) {
    const test::SimulatedInode& inode = *state.Find(number);
    Require(inode.type == FileType::kRegular, "a database is flat");
    if (name != "LOCK") content[name] = *inode.bytes;
  }
  return content;
}

Files World::Below(const std::string& folder) const {
  Files files;
  const test::SimulatedState state = disk_.Save();
  for (const auto& [path, line] : state.Describe()) {
    if (!path.starts_with(folder + "/") || path.ends_with('/')) continue;
    files[path] = *state.At(path)->bytes;
  }
  return files;
}

void World::CheckOutside() const {
  const test::SimulatedState state = disk_.Save();
  for (const auto& [path, line] : state.Describe()) {
    const bool ours = path.starts_with(Live() + "/") ||
                      path.starts_with(Work() + "/") ||
                      path.starts_with(Drop() + "/");
    Require(ours || path == "/srv/" || path == Storage() + "/" ||
                path == ParentPath(Work()) + "/" || path == kNotes ||
                path == std::string(kOutside) + "/" ||
                path == std::string(kOutside) + "/canary",
            "nothing is written outside of the three folders: " + path);
  }
  const auto* const canary = state.At(std::string(kOutside) + "/canary");
  const auto* const notes = state.At(kNotes);
  Require(canary != nullptr && *canary->bytes == "still here",
          "nothing outside is touched");
  Require(notes != nullptr && *notes->bytes == "somebody else's",
          "nothing beside the database is touched");
}

void World::CheckTidy() const {
  const test::SimulatedState state = disk_.Save();
  for (const auto& [name, number] : state.At(Work())->entries) {
    const bool known = name == "instance.lock" || name == "undo" ||
                       name == "applied" || name.starts_with("rollback-");
    Require(known, "nothing half-done is left in the work folder: " + name);
  }
}

bool World::IsKept(const Files& content) const {
  const test::SimulatedState state = disk_.Save();
  for (const auto& [name, number] : state.At(Work())->entries) {
    if (state.Find(number)->type == FileType::kDirectory &&
        Content(Work() + "/" + name) == content) {
      return true;
    }
  }
  return false;
}

}  // namespace levelkeep::fuzz
