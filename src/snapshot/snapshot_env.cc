// SnapshotEnv: LevelDB's calls, forwarded and recorded.
//
// The classes derived from LevelDB's are all here, so that a LevelDB without
// run-time type information needs only this file built that way.

#include "snapshot/snapshot_env.h"

#include <map>
#include <utility>

#include "base/status_macros.h"
#include "dbfiles/db_lock.h"
#include "snapshot/file_set.h"
#include "snapshot/hot_database.h"

namespace levelkeep {
namespace {

// The hint becomes the second part of LevelDB's message.
leveldb::Status ToLevelDbStatus(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
      return leveldb::Status::OK();
    case StatusCode::kNotFound:
      return leveldb::Status::NotFound(status.message(), status.hint());
    case StatusCode::kCorruption:
      return leveldb::Status::Corruption(status.message(), status.hint());
    case StatusCode::kUnsupported:
      return leveldb::Status::NotSupported(status.message(), status.hint());
    case StatusCode::kInvalidArgument:
      return leveldb::Status::InvalidArgument(status.message(), status.hint());
    default:
      return leveldb::Status::IOError(status.message(), status.hint());
  }
}

// A file that LevelDB writes.
//
// A log or MANIFEST is recorded: each call is forwarded, then recorded, and the
// first failure is final. Otherwise LevelDB would append a record behind an
// incomplete one and acknowledge it.
//
// The first Sync of a log or table also syncs the folder. LevelDB syncs new
// logs and tables, but their names only with the next MANIFEST. Acknowledged
// writes could vanish with a log, and a MANIFEST could be on disk before a
// table that it names.
class WatchedFile : public leveldb::WritableFile {
 public:
  // Without `recorder` (null), nothing is recorded. `new_in` is the folder to
  // sync, or empty.
  WatchedFile(leveldb::WritableFile* base, std::unique_ptr<Recorder> recorder,
              FileSystem* fs, std::string new_in)
      : base_(base),
        recorder_(std::move(recorder)),
        fs_(fs),
        new_in_(std::move(new_in)) {}

  leveldb::Status Append(const leveldb::Slice& data) override {
    if (!failure_.ok()) return failure_;
    leveldb::Status status = base_->Append(data);
    if (!status.ok()) return Fail(std::move(status));
    if (recorder_) {
      recorder_->Written(std::string_view(data.data(), data.size()));
    }
    return status;
  }

  leveldb::Status Flush() override {
    if (!failure_.ok()) return failure_;
    return Record(base_->Flush());
  }

  leveldb::Status Sync() override {
    if (!failure_.ok()) return failure_;
    if (!new_in_.empty()) {
      const Status synced = fs_->SyncDirectory(new_in_);
      if (!synced.ok()) return Fail(ToLevelDbStatus(synced));
      new_in_.clear();
    }
    return Record(base_->Sync());
  }

  leveldb::Status Close() override {
    leveldb::Status status = base_->Close();
    if (!failure_.ok()) return failure_;
    return Record(std::move(status));
  }

 private:
  leveldb::Status Record(leveldb::Status status) {
    if (!status.ok()) return Fail(std::move(status));
    if (recorder_) recorder_->Flushed();
    return status;
  }

  leveldb::Status Fail(leveldb::Status status) {
    if (recorder_) {
      failure_ = status;
      recorder_->Failed(failure_.ToString());
    }
    return status;
  }

  const std::unique_ptr<leveldb::WritableFile> base_;
  const std::unique_ptr<Recorder> recorder_;
  FileSystem* const fs_;
  std::string new_in_;
  leveldb::Status failure_;
};

// A log that LevelDB replays. If it can't read the log, LevelDB skips it and
// the logs behind it. The database is told, and then refuses new files.
class ReplayedLog : public leveldb::SequentialFile {
 public:
  ReplayedLog(leveldb::SequentialFile* base, std::string path,
              std::shared_ptr<HotDatabase> database)
      : base_(base), path_(std::move(path)), database_(std::move(database)) {}

  leveldb::Status Read(size_t size, leveldb::Slice* result,
                       char* scratch) override {
    return Note(base_->Read(size, result, scratch));
  }
  leveldb::Status Skip(uint64_t count) override {
    return Note(base_->Skip(count));
  }

 private:
  leveldb::Status Note(leveldb::Status status) {
    if (!status.ok()) database_->SetUnreadable(path_, status.ToString());
    return status;
  }

  const std::unique_ptr<leveldb::SequentialFile> base_;
  const std::string path_;
  const std::shared_ptr<HotDatabase> database_;
};

class HeldLock : public leveldb::FileLock {
 public:
  std::string dir;
  std::unique_ptr<DbLock> lock;
  std::shared_ptr<HotDatabase> database;
};

}  // namespace

class SnapshotEnv::Impl {
 public:
  explicit Impl(FileSystem* file_system) : fs(file_system) {}

  // Null if the directory does not exist or has no HotDatabase. Looks up device
  // and inode: "./storage/x", "storage//x/" and links are equal.
  std::shared_ptr<HotDatabase> Find(const std::string& dir) const {
    {
      MutexLock lock(&mutex_);
      const auto found = attached_.find(dir);
      if (found != attached_.end()) return found->second;
    }
    const Result<FileInfo> info = fs->StatFollowing(dir);
    if (!info.ok()) return nullptr;
    MutexLock lock(&mutex_);
    const auto found = databases_.find({info->device, info->inode});
    return found != databases_.end() ? found->second : nullptr;
  }

  // Null if the directory does not exist.
  std::shared_ptr<HotDatabase> FindOrAdd(const std::string& dir) {
    if (std::shared_ptr<HotDatabase> known = Find(dir)) return known;
    const Result<FileInfo> info = fs->StatFollowing(dir);
    if (!info.ok()) return nullptr;
    MutexLock lock(&mutex_);
    auto& database = databases_[{info->device, info->inode}];
    if (database == nullptr) database = std::make_shared<HotDatabase>(fs);
    return database;
  }

  // False only if the file certainly does not exist and is not expected.
  bool MayExist(const std::string& name) const {
    return fs->Stat(name).status().code() != StatusCode::kNotFound ||
           !LookBeforeOpen(name).ok();
  }

  // An error if `name` is the CURRENT of a database that can't be opened.
  Status LookBeforeOpen(const std::string& name) const {
    if (BaseName(name) != "CURRENT") return Status::Ok();
    const std::string dir = ParentPath(name);
    const std::shared_ptr<HotDatabase> database = Find(dir);
    return database != nullptr && database->attached() ? RequireWhole(fs, dir)
                                                       : Status::Ok();
  }

  Status BeforeCreate(const std::string& name) {
    if (!IsBackedUp(ParseDbFileName(BaseName(name)).kind)) return Status::Ok();
    const std::shared_ptr<HotDatabase> database = Find(ParentPath(name));
    if (database == nullptr) return Status::Ok();
    LEVELKEEP_RETURN_IF_ERROR(database->CheckReadable());
    return database->BeforeReplace(name, BaseName(name));
  }

  Status BeforeAppend(const std::string& name) const {
    const std::shared_ptr<HotDatabase> database = Find(ParentPath(name));
    return database == nullptr ? Status::Ok() : database->CheckReadable();
  }

  // Null if nothing needs to be recorded for the file.
  std::unique_ptr<Recorder> RecordNew(const std::string& name) {
    const DbFileName parsed = ParseDbFileName(BaseName(name));
    WrittenFile file;
    if (parsed.kind == DbFileKind::kLog) {
      file.log = std::make_shared<HotLog>();
      file.log->number = parsed.number;
    } else if (parsed.kind == DbFileKind::kManifest) {
      file.manifest = std::make_shared<HotManifest>();
      file.manifest->name = BaseName(name);
    } else {
      return nullptr;
    }
    return Record(name, file);
  }

  std::unique_ptr<Recorder> Record(const std::string& name,
                                   const WrittenFile& file) {
    const std::shared_ptr<HotDatabase> database = FindOrAdd(ParentPath(name));
    if (database == nullptr) return nullptr;
    if (file.log != nullptr) {
      database->AddLog(file.log);
      return std::make_unique<LogRecorder>(database, file.log, file.size_bytes);
    }
    database->AddManifest(file.manifest);
    return std::make_unique<ManifestRecorder>(database, file.manifest,
                                              file.size_bytes);
  }

  // A file made by root gets the owner of its folder.
  void GiveAway(const std::string& path) const {
    fs->GiveOwnerOf(ParentPath(path), path);
  }

  // `recorder` may be null.
  leveldb::WritableFile* Wrap(leveldb::WritableFile* file,
                              std::unique_ptr<Recorder> recorder,
                              const std::string& name) const {
    GiveAway(name);
    const DbFileKind kind = ParseDbFileName(BaseName(name)).kind;
    const bool durable = kind == DbFileKind::kLog || kind == DbFileKind::kTable;
    if (!durable && !recorder) return file;
    return new WatchedFile(file, std::move(recorder), fs,
                           durable ? ParentPath(name) : "");
  }

  Result<std::unique_ptr<HeldLock>> Lock(const std::string& name) {
    if (ParseDbFileName(BaseName(name)).kind != DbFileKind::kLock) {
      return Status(StatusCode::kUnsupported, name + " is not a LOCK file");
    }
    const std::string dir = ParentPath(name);
    auto held = std::make_unique<HeldLock>();
    LEVELKEEP_ASSIGN_OR_RETURN(held->lock, DbLock::Acquire(fs, dir));
    held->database = FindOrAdd(dir);
    if (held->database == nullptr) {
      return Status(StatusCode::kIoError,
                    dir + " vanished while it was opened");
    }
    if (!fs->Stat(JoinPath(dir, "CURRENT")).ok()) {
      // A new database: LevelDB makes its folder and syncs the content, but not
      // the folder's own name.
      LEVELKEEP_RETURN_IF_ERROR(fs->SyncDirectory(ParentPath(dir)));
    }
    held->database->Attach(dir);
    held->dir = dir;
    MutexLock lock(&mutex_);
    attached_[dir] = held->database;
    return held;
  }

  void Unlock(const HeldLock& held) {
    {
      MutexLock lock(&mutex_);
      attached_.erase(held.dir);
    }
    held.database->Detach();
  }

  FileSystem* const fs;

 private:
  using DirectoryId = std::pair<uint64_t, uint64_t>;  // device, inode

  mutable Mutex mutex_;
  std::map<DirectoryId, std::shared_ptr<HotDatabase>> databases_
      GUARDED_BY(mutex_);
  // The attached databases, by the path under which LevelDB holds their LOCK:
  // operations of LevelDB are recorded even if the disk does not answer now.
  std::map<std::string, std::shared_ptr<HotDatabase>> attached_
      GUARDED_BY(mutex_);
};

SnapshotEnv::SnapshotEnv(leveldb::Env* base)
    : SnapshotEnv(base, FileSystem::Posix()) {}

SnapshotEnv::SnapshotEnv(leveldb::Env* base, FileSystem* fs)
    : leveldb::EnvWrapper(base), impl_(std::make_unique<Impl>(fs)) {}

SnapshotEnv::~SnapshotEnv() = default;

Result<std::unique_ptr<Snapshot>> SnapshotEnv::Take(const std::string& db_dir) {
  const std::shared_ptr<HotDatabase> database = impl_->Find(db_dir);
  if (database != nullptr) return TakeHotSnapshot(database);
  return Status(StatusCode::kNotFound,
                "no database is open in " + db_dir + " through this Env");
}

SnapshotEnvStats SnapshotEnv::GetStats(const std::string& db_dir) const {
  const std::shared_ptr<HotDatabase> database = impl_->Find(db_dir);
  return database != nullptr ? database->GetStats() : SnapshotEnvStats();
}

bool SnapshotEnv::FileExists(const std::string& name) {
  return target()->FileExists(name) || impl_->MayExist(name);
}

leveldb::Status SnapshotEnv::NewSequentialFile(const std::string& name,
                                               leveldb::SequentialFile** file) {
  *file = nullptr;
  const Status whole = impl_->LookBeforeOpen(name);
  if (!whole.ok()) return ToLevelDbStatus(whole);
  const leveldb::Status status = target()->NewSequentialFile(name, file);
  if (ParseDbFileName(BaseName(name)).kind != DbFileKind::kLog) return status;
  const std::shared_ptr<HotDatabase> database = impl_->Find(ParentPath(name));
  if (database == nullptr || !database->attached()) return status;
  if (status.ok()) {
    *file = new ReplayedLog(*file, name, database);
  } else {
    database->SetUnreadable(name, status.ToString());
  }
  return status;
}

leveldb::Status SnapshotEnv::NewWritableFile(const std::string& name,
                                             leveldb::WritableFile** file) {
  *file = nullptr;
  const Status prepared = impl_->BeforeCreate(name);
  if (!prepared.ok()) return ToLevelDbStatus(prepared);
  const leveldb::Status status = target()->NewWritableFile(name, file);
  if (!status.ok()) return status;
  *file = impl_->Wrap(*file, impl_->RecordNew(name), name);
  return status;
}

leveldb::Status SnapshotEnv::NewAppendableFile(const std::string& name,
                                               leveldb::WritableFile** file) {
  *file = nullptr;
  const DbFileKind kind = ParseDbFileName(BaseName(name)).kind;
  if (kind != DbFileKind::kLog && kind != DbFileKind::kManifest) {
    return target()->NewAppendableFile(name, file);
  }
  const Status prepared = impl_->BeforeAppend(name);
  if (!prepared.ok()) return ToLevelDbStatus(prepared);
  Result<WrittenFile> found = InspectForAppend(impl_->fs, name);
  if (found.status().code() == StatusCode::kNotFound) {
    return NewWritableFile(name, file);
  }
  if (!found.ok()) {
    return leveldb::Status::NotSupported(found.status().ToString());
  }
  const leveldb::Status status = target()->NewAppendableFile(name, file);
  if (!status.ok()) return status;
  *file = impl_->Wrap(*file, impl_->Record(name, *found), name);
  return status;
}

leveldb::Status SnapshotEnv::GetChildren(const std::string& dir,
                                         std::vector<std::string>* names) {
  Result<std::vector<std::string>> found = impl_->fs->List(dir);
  if (!found.ok()) return ToLevelDbStatus(found.status());
  *names = std::move(*found);
  return leveldb::Status::OK();
}

leveldb::Status SnapshotEnv::RemoveFile(const std::string& name) {
  const std::string base = BaseName(name);
  if (IsBackedUp(ParseDbFileName(base).kind)) {
    if (const auto database = impl_->Find(ParentPath(name))) {
      const Result<bool> kept = database->BeforeRemove(name, base);
      if (!kept.ok()) return ToLevelDbStatus(kept.status());
      if (*kept) return leveldb::Status::OK();
    }
  }
  return target()->RemoveFile(name);
}

leveldb::Status SnapshotEnv::RenameFile(const std::string& from,
                                        const std::string& to) {
  const auto source = impl_->Find(ParentPath(from));
  const auto destination = impl_->Find(ParentPath(to));
  const bool current = BaseName(to) == "CURRENT";
  Status prepared;
  if (source != nullptr) {
    prepared = source->BeforeReplace(from, BaseName(from), /*keep_name=*/true);
  }
  if (prepared.ok() && destination != nullptr && !current) {
    prepared = destination->BeforeReplace(to, BaseName(to));
  }
  if (!prepared.ok()) return ToLevelDbStatus(prepared);
  const leveldb::Status status = target()->RenameFile(from, to);
  if (status.ok() && current && destination != nullptr) {
    destination->CurrentChanged();
  }
  return status;
}

leveldb::Status SnapshotEnv::CreateDir(const std::string& dir) {
  const leveldb::Status status = target()->CreateDir(dir);
  if (status.ok()) impl_->GiveAway(dir);
  return status;
}

leveldb::Status SnapshotEnv::NewLogger(const std::string& name,
                                       leveldb::Logger** logger) {
  const leveldb::Status status = target()->NewLogger(name, logger);
  if (status.ok()) impl_->GiveAway(name);
  return status;
}

leveldb::Status SnapshotEnv::LockFile(const std::string& name,
                                      leveldb::FileLock** lock) {
  *lock = nullptr;
  auto held = impl_->Lock(name);
  if (held.ok()) *lock = held->release();
  return ToLevelDbStatus(held.status());
}

leveldb::Status SnapshotEnv::UnlockFile(leveldb::FileLock* lock) {
  const std::unique_ptr<HeldLock> held(static_cast<HeldLock*>(lock));
  impl_->Unlock(*held);
  return leveldb::Status::OK();
}

}  // namespace levelkeep
