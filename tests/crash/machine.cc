#include "crash/machine.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/log.h"
#include "base/status_macros.h"
#include "manager/backup_manager_access.h"
#include "support/made_up_bytes.h"

namespace levelkeep::test {
namespace {

void Require(const Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", what, status.ToString().c_str());
  std::abort();
}

Status ToStatus(const leveldb::Status& status) {
  return status.ok() ? Status::Ok()
                     : Status(StatusCode::kIoError, status.ToString());
}

// Bytes that no compressor makes smaller.
std::string Value(const std::string& version, uint64_t number, size_t size) {
  const std::string value = version + " " + std::to_string(number) + " ";
  if (value.size() >= size) return value;
  return value +
         RandomBytes(number * 7919 + version.size(), size - value.size());
}

std::string Key(uint64_t number) {
  char key[16];
  std::snprintf(key, sizeof(key), "evt:%04u", static_cast<unsigned>(number));
  return key;
}

// Tables on two levels and a log with records that are in neither.
void BuildDatabase(Machine* machine) {
  const auto put = [&](leveldb::DB* db, const std::string& version,
                       uint64_t first, uint64_t last, size_t size) {
    for (uint64_t number = first; number <= last; ++number) {
      Require(ToStatus(db->Put({}, Key(number), Value(version, number, size))),
              "filling the first database");
    }
  };
  leveldb::Options options;
  options.env = machine->env();
  options.create_if_missing = true;
  for (int round = 0; round < 3; ++round) {
    leveldb::DB* raw = nullptr;
    Require(ToStatus(leveldb::DB::Open(options, machine->Live(), &raw)),
            "opening the first database");
    const std::unique_ptr<leveldb::DB> db(raw);
    // Large enough to be reused by the next backup.
    if (round == 0) put(db.get(), "first", 1, 36, 1000);
    if (round == 0) db->CompactRange(nullptr, nullptr);
    if (round == 1) put(db.get(), "second", 30, 50, 60);
    if (round == 2) put(db.get(), "third", 45, 60, 40);
  }
}

Installation MakeInstallation() {
  LogOptions silent;
  silent.level = LogLevel::kOff;
  Require(ConfigureLogging(silent), "logging");
  Installation made;
  Machine machine;
  BuildDatabase(&machine);
  Application app(&machine);
  Require(app.Start(), "the first start");
  auto earlier = app.Read();
  Require(earlier.status(), "reading");
  made.earlier = *earlier;
  const auto backup = app.manager()->CreateBackup({});
  Require(backup.status(), "the first backup");
  made.backup = backup->name;
  made.archive = machine.ReadWhole(backup->path);
  for (uint64_t number = 50; number <= 70; ++number) {
    Require(app.Put(Key(number), Value("fourth", number, 50)), "writing");
  }
  auto current = app.Read();
  Require(current.status(), "reading");
  made.current = *current;
  app.Close();
  machine.disk()->SyncAll();
  made.disk = machine.disk()->Save();
  return made;
}

}  // namespace

Machine::Machine() : env_(&disk_) {
  options_.storage_dir = "/srv/storage";
  options_.backup_dir = "/srv/backups";
  options_.restore_dir = "/srv/restore";
  options_.schedule.enabled = false;
  options_.verification.after_backup = false;  // it would run in another thread
  // A limit of silence needs a thread, and this clock runs on its own.
  options_.retries.backup_timeout = 0;
  options_.retries.rotate_timeout = 0;
  options_.retries.verify_timeout = 0;
  options_.retention.max_backups = 2;
  options_.archive.md5_sidecar = true;
  options_.resources.threads = 1;
  options_.resources.reserve_bytes = 1 << 20;
  Require(CreateDirectories(fs(), options_.storage_dir), "the first folder");
}

Platform Machine::platform() {
  Platform platform;
  platform.fs = fs();
  platform.clock = &clock_;
  platform.env = &env_;
  platform.tries_folders = tries_folders_;
  platform.watches_jobs = false;
  platform.store_checker = SimulatedStoreChecker(fs(), &env_);
  platform.archive_checker = SimulatedArchiveChecker(fs(), &env_);
  return platform;
}

std::string Machine::ReadWhole(const std::string& path) {
  auto text = ReadFile(fs(), path, uint64_t{1} << 30);
  Require(text.status(), "reading a file");
  return std::move(text).value();
}

void Machine::WriteWhole(const std::string& path, const std::string& contents) {
  Require(CreateDirectories(fs(), ParentPath(path)), "making a folder");
  Require(WriteFileDurably(fs(), path, contents), "writing a file");
}

Application::Application(Machine* machine)
    : manager_(
          BackupManagerAccess::Make(machine->options(), machine->platform())) {
  RestoreHooks hooks;
  hooks.close = [this] {
    Close();
    return Status::Ok();
  };
  hooks.reopen = [this] { return Open(); };
  manager_.SetRestoreHooks(std::move(hooks));
}

Application::~Application() { Close(); }

Result<StartReport> Application::Initialize() { return manager_.Initialize(); }

Status Application::Open() {
  if (refuse_open_ && refuse_open_()) {
    return Status(StatusCode::kCorruption, "the application can't open it");
  }
  leveldb::Options options;
  options.env = manager_.env();
  options.create_if_missing = true;
  leveldb::DB* db = nullptr;
  LEVELKEEP_RETURN_IF_ERROR(ToStatus(
      leveldb::DB::Open(options, manager_.options().storage_path(), &db)));
  db_.reset(db);
  auto attachment = manager_.Attach(db);
  if (!attachment.ok()) {
    db_.reset();
    return attachment.status();
  }
  attachment_ = std::move(*attachment);
  return Status::Ok();
}

void Application::Close() {
  attachment_.reset();
  db_.reset();
}

Status Application::Start() {
  LEVELKEEP_RETURN_IF_ERROR(Initialize().status());
  return Open();
}

Status Application::Put(const std::string& key, const std::string& value) {
  if (db_ == nullptr) return Status(StatusCode::kIoError, "no database");
  leveldb::WriteOptions options;
  options.sync = true;
  return ToStatus(db_->Put(options, key, value));
}

Result<Content> Application::Read() {
  auto entries = std::make_shared<Entries>();
  if (db_ == nullptr) return Status(StatusCode::kIoError, "no database");
  leveldb::ReadOptions options;
  options.verify_checksums = true;
  const std::unique_ptr<leveldb::Iterator> entry(db_->NewIterator(options));
  for (entry->SeekToFirst(); entry->Valid(); entry->Next()) {
    entries->emplace_hint(entries->end(), entry->key().ToString(),
                          entry->value().ToString());
  }
  LEVELKEEP_RETURN_IF_ERROR(ToStatus(entry->status()));
  return Content(std::move(entries));
}

const Installation& TheInstallation() {
  static const Installation* const kInstallation =
      new Installation(MakeInstallation());
  return *kInstallation;
}

}  // namespace levelkeep::test
