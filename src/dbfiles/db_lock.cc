#include "dbfiles/db_lock.h"

#include <unistd.h>

#include <set>

#include "base/mutex.h"

namespace levelkeep {
namespace {

// Process, device, inode. (A forked child does not hold its parent's locks.)
using Holding = std::tuple<pid_t, uint64_t, uint64_t>;

Holding OfThisProcess(const FileInfo& info) {
  return {::getpid(), info.device, info.inode};
}

// The LOCK files that this process holds through DbLock.
struct Registry {
  Mutex mutex;
  std::set<Holding> held GUARDED_BY(mutex);
};

Registry& TheRegistry() {
  static Registry* const registry = new Registry;  // outlives all statics
  return *registry;
}

std::string LockPath(const std::string& db_dir) {
  return JoinPath(db_dir, "LOCK");
}

Status HeldHere(const std::string& db_dir) {
  return Status(StatusCode::kBusy,
                "database " + db_dir + " is open in this process",
                "close it first, or take the backup through the handle that "
                "is open");
}

// The text behind "by": "/db/LOCK is locked by another process (pid 412,
// geth)".
std::string HolderIn(const std::string& message) {
  constexpr std::string_view kMarker = " is locked by ";
  const size_t at = message.rfind(kMarker);
  if (at == std::string::npos) return "another process";
  return message.substr(at + kMarker.size());
}

constexpr uint32_t kForItsOwner = 0600;

// A copy may have lost the permissions of LOCK; LevelDB could not open it
// either. The owner of LOCK can restore them; other users get an error.
bool LacksItsModes(const Result<FileInfo>& info) {
  return info.ok() && info->type == FileType::kRegular &&
         (info->mode & kForItsOwner) != kForItsOwner;
}

Result<std::unique_ptr<FileLock>> LockFile(FileSystem* fs,
                                           const std::string& path,
                                           const Result<FileInfo>& info) {
  auto lock = fs->Lock(path);
  if (lock.status().code() != StatusCode::kPermissionDenied ||
      !LacksItsModes(info) ||
      !fs->SetMode(path, info->mode | kForItsOwner).ok()) {
    return lock;
  }
  return fs->Lock(path);
}

}  // namespace

Result<std::unique_ptr<DbLock>> DbLock::Acquire(FileSystem* fs,
                                                const std::string& db_dir) {
  const std::string path = LockPath(db_dir);
  // Allocated before the guard: if memory runs out later, `held` is destroyed
  // after the guard, and its destructor takes the same mutex.
  std::unique_ptr<DbLock> held(new DbLock);
  Registry& registry = TheRegistry();
  // Held across the system calls (which never wait), so that no two threads
  // can both find the registry empty.
  MutexLock guard(&registry.mutex);
  Result<FileInfo> info = fs->Stat(path);
  if (!info.ok() && info.status().code() != StatusCode::kNotFound) {
    return info.status();
  }
  if (info.ok() && (registry.held.contains(OfThisProcess(*info)) ||
                    HoldsClassicLock(*info))) {
    return HeldHere(db_dir);
  }
  Result<std::unique_ptr<FileLock>> lock = LockFile(fs, path, info);
  if (!lock.ok()) {
    if (lock.status().code() != StatusCode::kBusy) return lock.status();
    return Status(StatusCode::kBusy,
                  "database " + db_dir + " is open in " +
                      HolderIn(lock.status().message()),
                  "stop that process, or ask it for what you need");
  }
  info = fs->Stat(path);
  if (!info.ok()) {
    // A program that unlinks a LOCK in use lets two writers in.
    return Status(StatusCode::kBusy,
                  path + " was removed while it was being locked",
                  "find out who removes LOCK files, then try again");
  }
  held->id_ = OfThisProcess(*info);
  held->lock_ = std::move(lock).value();
  registry.held.insert(held->id_);
  return held;
}

Result<DbLock::State> DbLock::Probe(FileSystem* fs, const std::string& db_dir,
                                    std::string* holder) {
  const auto answer = [holder](State state, const std::string& who) {
    if (holder != nullptr) *holder = who;
    return state;
  };
  const std::string path = LockPath(db_dir);
  Registry& registry = TheRegistry();
  MutexLock guard(&registry.mutex);
  const Result<FileInfo> info = fs->Stat(path);
  if (!info.ok()) {
    if (info.status().code() != StatusCode::kNotFound) return info.status();
    return answer(State::kFree, "");
  }
  if (registry.held.contains(OfThisProcess(*info)) || HoldsClassicLock(*info)) {
    return answer(State::kHeldByThisProcess, "this process");
  }
  const Result<std::unique_ptr<FileLock>> lock = LockFile(fs, path, info);
  if (lock.ok()) return answer(State::kFree, "");
  if (lock.status().code() != StatusCode::kBusy) return lock.status();
  return answer(State::kHeldByOther, HolderIn(lock.status().message()));
}

Status DbLock::Judge(FileSystem* fs, const std::string& db_dir) {
  const std::string path = LockPath(db_dir);
  const Status denied = fs->CheckAccess(path, Access::kReadWrite);
  const bool mended = !denied.ok() && LacksItsModes(fs->Stat(path)) &&
                      fs->CheckAccess(path, Access::kOwn).ok();
  return mended ? Status::Ok() : denied;
}

DbLock::~DbLock() {
  Registry& registry = TheRegistry();
  MutexLock guard(&registry.mutex);
  lock_.reset();
  registry.held.erase(id_);
}

}  // namespace levelkeep
