// Attach and Detach: is it our database, and is it still open?

#include <algorithm>
#include <map>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/status_macros.h"
#include "dbfiles/database_files.h"
#include "dbfiles/db_lock.h"
#include "leveldb/db.h"
#include "manager/backup_manager_impl.h"

namespace levelkeep {

namespace {

// LevelDB may remove a table between two reads, but hardly in each of so many.
constexpr int kLookAttempts = 50;
constexpr std::chrono::milliseconds kLookDelay{10};

struct TableId {
  uint64_t number = 0;
  uint64_t bytes = 0;
};

// The tables of an open DB, from lines like " 12:3456['a' @ 7 : 1 .. 'b' @ 9 :
// 1]".
std::vector<TableId> TablesOf(leveldb::DB* db) {
  std::vector<TableId> tables;
  std::string text;
  if (!db->GetProperty("leveldb.sstables", &text)) return tables;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    TableId table;
    char colon = 0;
    if (fields >> table.number >> colon >> table.bytes && colon == ':') {
      tables.push_back(table);
    }
  }
  return tables;
}

bool HoldsAll(const std::vector<TableId>& tables, FileSystem* fs,
              const std::string& db_dir) {
  const auto names = fs->List(db_dir);
  if (!names.ok()) return true;  // unknown: assume that it may be ours
  std::map<uint64_t, std::string> files;
  for (const std::string& name : *names) {
    const DbFileName parsed = ParseDbFileName(name);
    if (parsed.kind == DbFileKind::kTable) files[parsed.number] = name;
  }
  return std::all_of(tables.begin(), tables.end(), [&](const TableId& table) {
    const auto file = files.find(table.number);
    if (file == files.end()) return false;
    const auto info = fs->Stat(JoinPath(db_dir, file->second));
    if (info.ok()) return info->size_bytes == table.bytes;
    return info.status().code() != StatusCode::kNotFound;  // unknown: assume so
  });
}

}  // namespace

// Databases without tables can't be told apart, nor a database from its copy.
bool BackupManager::Impl::MayBeOurs(leveldb::DB* db) const {
  const std::vector<TableId> tables = TablesOf(db);
  if (!tables.empty()) return HoldsAll(tables, fs_, options_.storage_path());
  const SnapshotEnvStats stats = Stats();
  return !stats.attached || stats.tables == 0;
}

// 1. this process has the database open   2. it holds the tables that `db` has
Status BackupManager::Impl::RequireOurs(leveldb::DB* db) const {
  const std::string db_dir = options_.storage_path();
  const auto another = [&](const std::string& why) {
    return Status(
        StatusCode::kInvalidArgument,
        "the attached database is not the one in " + db_dir + ": " + why,
        "open options().storage_path(), and attach that DB");
  };
  if (!Stats().attached) {
    std::string holder;
    LEVELKEEP_ASSIGN_OR_RETURN(const DbLock::State state,
                               DbLock::Probe(fs_, db_dir, &holder));
    if (state == DbLock::State::kHeldByOther) {
      return another("that database is open in " + holder);
    }
    if (state == DbLock::State::kFree) {
      return another(engine_.DatabasePresent()
                         ? "no process has that database open"
                         : "there is none");
    }
  }
  for (int attempt = 1; !MayBeOurs(db); ++attempt) {
    if (attempt == kLookAttempts) return another("it has other tables");
    std::this_thread::sleep_for(kLookDelay);
  }
  return Status::Ok();
}

Status BackupManager::Impl::Attach(leveldb::DB* db) {
  LEVELKEEP_RETURN_IF_ERROR(RequireInitialized());
  if (db == nullptr) {
    return Status(StatusCode::kInvalidArgument, "Attach needs an open DB");
  }
  {
    MutexLock lock(&mutex_);
    if (db_ != nullptr) {
      return Status(StatusCode::kAlreadyExists,
                    "a database is attached already",
                    "destroy the first Attachment before you attach again");
    }
  }
  LEVELKEEP_RETURN_IF_ERROR(RequireOurs(db));
  LEVELKEEP_ASSIGN_OR_RETURN(Adoption adoption, engine_.Adopt(true));
  const bool through_env = Stats().attached;
  if (!through_env) LogWarn(kEngineLogTag, kForgottenEnv);
  {
    MutexLock lock(&mutex_);
    db_ = db;
    through_env_ = through_env;
    epoch_ = std::move(adoption.identity.epoch);
    forked_ = std::move(adoption.forked);
  }
  OpenJobs(adoption.identity.id);
  jobs_.Resume(JobType::kCreate);
  StartSchedule();
  WatchForAbsence();
  return Status::Ok();
}

// A restore detaches the database, too, but goes on with another one.
void BackupManager::Impl::BackUpAtShutdown() {
  constexpr std::chrono::seconds kLongest{15};  // supervisors are impatient
  if (!engine_.options().schedule.on_shutdown || !IsOpen() ||
      jobs_.Running() == JobType::kRestore) {
    return;
  }
  const auto cover = FindCover();
  if (cover.ok() && !cover->empty()) {
    engine_.NoteCovered(*cover);
    return;
  }
  std::stop_source late;
  const std::jthread timer([&](const std::stop_token& stop) {
    if (clock_->SleepFor(kLongest, stop)) late.request_stop();
  });
  const Status made =
      jobs_
          .Run({.type = JobType::kCreate, .trigger = "shutdown"},
               {.stop = late.get_token(), .patience = kLongest})
          .status;
  if (made.ok()) return;
  LogError(kEngineLogTag,
           "no backup at the stop: " + (late.stop_requested()
                                            ? "it took longer than 15 s"
                                            : made.ToString()));
}

// After db_ is null, no new job can use the DB; a job that uses it is stopped
// and waited for.
void BackupManager::Impl::Detach() {
  BackUpAtShutdown();
  {
    MutexLock lock(&mutex_);
    db_ = nullptr;
  }
  notifier_.EndWatch();
  // A reload that saw the database still attached has set its schedule now.
  { MutexLock lock(&schedule_mutex_); }
  jobs_.Suspend(JobType::kCreate);
  {
    MutexLock lock(&mutex_);
    counted_.wait(mutex_, std::stop_token(),
                  [&]() REQUIRES_LOCK(mutex_) { return counting_ == 0; });
  }
  engine_.Release();
}

bool BackupManager::Impl::IsOpen() const {
  MutexLock lock(&mutex_);
  return db_ != nullptr;
}

uint64_t BackupManager::Impl::LastSequence() const {
  return Stats().last_sequence;
}

bool BackupManager::Impl::ClosedWhileAttached(
    const SnapshotEnvStats& stats) const {
  MutexLock lock(&mutex_);
  return db_ != nullptr && through_env_ && !stats.attached;
}

// Touches no memory of the DB, which may be deleted already if the application
// destroys the Attachment too late. Instead looks who has the LOCK: a DB of our
// Env has returned it to the Env, another DB to the kernel.
Status BackupManager::Impl::RequireStillOpen() const {
  const std::string db_dir = options_.storage_path();
  bool open = !ClosedWhileAttached(Stats());
  if (open) {
    std::string holder;
    LEVELKEEP_ASSIGN_OR_RETURN(const DbLock::State state,
                               DbLock::Probe(fs_, db_dir, &holder));
    open = state == DbLock::State::kHeldByThisProcess;
  }
  if (open) return Status::Ok();
  return Status(StatusCode::kRefused,
                "database " + db_dir + " was closed while it was attached",
                "destroy the Attachment before the DB; to continue, open the "
                "database and attach it again");
}

Result<std::unique_ptr<Snapshot>> BackupManager::Impl::TakeSnapshot(
    std::stop_token stop) {
  leveldb::DB* db = nullptr;
  {
    MutexLock lock(&mutex_);
    db = db_;
  }
  // The env knows the database even while the host is still opening it.
  if (Stats().attached) return env()->Take(options_.storage_path());
  if (db == nullptr) return Database::TakeSnapshot(std::move(stop));
  LEVELKEEP_RETURN_IF_ERROR(RequireStillOpen());
  return TakeLogicalSnapshot(fs_, db, options_.comparator_name,
                             NewScratchPath(), std::move(stop));
}

}  // namespace levelkeep
