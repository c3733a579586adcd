// Snapshots of a database that another process has open.
//
// The order of reading matters, because a file that is read later can only
// cover what was read before: first the logs, then the MANIFEST, then the
// tables that it names. A MANIFEST newer than the logs may have made some whole
// logs obsolete; an older one would lack logs, and the copy a range of writes.

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/scratch_directory.h"
#include "base/status_macros.h"
#include "snapshot/file_set.h"

namespace levelkeep {
namespace {

using std::chrono::steady_clock;

// Owns what keeps the files of the snapshot unchanged.
struct ExternalKeeper {
  std::shared_ptr<ScratchDirectory> scratch;
  std::shared_ptr<const void> tables;
};

class ExternalTaker {
 public:
  ExternalTaker(FileSystem* fs, const std::string& db_dir,
                const ExternalSnapshotOptions& options)
      : fs_(fs),
        db_dir_(db_dir),
        options_(options),
        tables_(fs, db_dir, options.scratch_dir, WithoutLinks::kDescriptors),
        logs_(fs, db_dir) {}

  Result<std::unique_ptr<Snapshot>> Take() {
    LEVELKEEP_RETURN_IF_ERROR(ReadCurrent(fs_, db_dir_).status());
    LEVELKEEP_RETURN_IF_ERROR(RefuseRocksDb(fs_, db_dir_));
    LEVELKEEP_ASSIGN_OR_RETURN(
        scratch_, ScratchDirectory::Make(fs_, options_.scratch_dir));
    const auto deadline = steady_clock::now() + options_.patience;
    int attempt = 0;
    do {
      LEVELKEEP_RETURN_IF_ERROR(WaitBefore(attempt++));
      LEVELKEEP_ASSIGN_OR_RETURN(const Next next, Try());
      if (next == Next::kDone) return Build();
      if (next == Next::kStartOver) StartOver();
    } while (steady_clock::now() < deadline);
    return Status(StatusCode::kUnsupported,
                  "database " + db_dir_ +
                      " changed faster than it could be copied, for " +
                      std::to_string(options_.patience.count() / 1000) +
                      " s (" + std::to_string(attempt) +
                      " tries); the last time: " + last_problem_.message(),
                  "take the backup through the process that has it open, or "
                  "when it writes less");
  }

 private:
  // What to do after a try.
  enum class Next { kDone, kReadManifestAgain, kStartOver };

  struct Manifest {
    std::string name;
    // Kept open, so that no later file can get its inode number.
    std::shared_ptr<File> file;
    uint64_t device = 0;
    uint64_t inode = 0;
    bool SameFile(const Manifest& other) const {
      return name == other.name && device == other.device &&
             inode == other.inode;
    }
  };

  Result<Next> Try() {
    const Status opened_anew(StatusCode::kBusy, "it was opened anew");
    if (!started_) {
      Announce(1);
      const Status begun = Begin();
      // CURRENT was switched in between; the next try finds the new MANIFEST.
      if (begun.code() == StatusCode::kNotFound) {
        return Again(Next::kStartOver, begun);
      }
      LEVELKEEP_RETURN_IF_ERROR(begun);
    }
    Announce(2);
    if (!IsStillCurrent()) return Again(Next::kStartOver, opened_anew);
    LEVELKEEP_ASSIGN_OR_RETURN(Next next, ReadVersion());
    if (next != Next::kDone) return next;
    LEVELKEEP_ASSIGN_OR_RETURN(next, FollowManifest());
    if (next != Next::kDone) return next;
    Announce(3);
    LEVELKEEP_ASSIGN_OR_RETURN(next, HoldTables());
    if (next != Next::kDone) return next;
    Announce(4);
    if (!IsStillCurrent()) return Again(Next::kStartOver, opened_anew);
    Announce(5);
    return CheckLogs();
  }

  // Finds the MANIFEST's identity first: logs of the database before DestroyDB
  // and tables of its successor, which reuses all names, must never be mixed.
  Status Begin() {
    LEVELKEEP_ASSIGN_OR_RETURN(manifest_, FindManifest());
    LEVELKEEP_RETURN_IF_ERROR(OpenLogs());
    started_ = true;
    return Status::Ok();
  }

  // Lists the logs twice: the second list certainly has every log up to the
  // newest one of the first. Ascending: a log that is not the newest is
  // complete.
  Status OpenLogs() {
    LEVELKEEP_ASSIGN_OR_RETURN(const std::vector<uint64_t> first,
                               ListLogs(fs_, db_dir_));
    LEVELKEEP_ASSIGN_OR_RETURN(const std::vector<uint64_t> second,
                               ListLogs(fs_, db_dir_));
    if (first.empty()) return Status::Ok();
    for (const uint64_t number : second) {
      if (number > first.back()) break;
      const Status held = logs_.Hold(number);
      // The log is gone: the MANIFEST, which is read later, covers its writes.
      if (held.code() == StatusCode::kNotFound) continue;
      LEVELKEEP_RETURN_IF_ERROR(held);
    }
    return Status::Ok();
  }

  bool IsStillCurrent() const {
    const Result<Manifest> now = FindManifest();
    return now.ok() && now->SameFile(manifest_);
  }

  // A file is removed only after the MANIFEST has an edit that no longer names
  // it. If the MANIFEST has no new edit since it was read, a missing file is
  // real damage. (The file's size proves nothing: some write it through a
  // mapping.)
  bool IsUnchanged() const {
    if (!IsStillCurrent()) return false;
    const Result<ManifestContent> now = ReadManifestFile();
    return now.ok() && now->boundary == manifest_end_;
  }

  Result<Manifest> FindManifest() const {
    Manifest manifest;
    LEVELKEEP_ASSIGN_OR_RETURN(manifest.name, ReadCurrent(fs_, db_dir_));
    LEVELKEEP_ASSIGN_OR_RETURN(
        manifest.file,
        fs_->Open(JoinPath(db_dir_, manifest.name), OpenMode::kRead));
    LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, manifest.file->Stat());
    manifest.device = info.device;
    manifest.inode = info.inode;
    return manifest;
  }

  Result<ManifestContent> ReadManifestFile() const {
    LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, manifest_.file->Stat());
    auto content = ReadManifest(*manifest_.file, info.size_bytes);
    if (content.ok()) return content;
    return content.status()
        .WithContext(JoinPath(db_dir_, manifest_.name))
        .WithHint(kRestoreHint);
  }

  Result<Next> ReadVersion() {
    Result<ManifestContent> content = ReadManifestFile();
    if (!content.ok()) return LookAgainAt(content.status());
    version_ = std::move(content->version);
    manifest_end_ = content->boundary;
    return Next::kDone;
  }

  // A process that writes through a mapping may be in the middle of a record.
  // If the same damage is seen kLooks times in a row, it is real damage.
  Result<Next> LookAgainAt(const Status& damage) {
    constexpr int kLooks = 15;
    if (damage.code() != StatusCode::kCorruption) return damage;
    looks_ = damage.message() == last_problem_.message() ? looks_ + 1 : 1;
    if (looks_ == kLooks) return damage;
    return Again(Next::kReadManifestAgain, damage);
  }

  // The MANIFEST may count writes that the logs lacked when they were held, so
  // the newest log is extended. That is safe, because no log follows it; if it
  // is still empty, the MANIFEST's count is exact. A log known only from the
  // MANIFEST is newer than all logs that were listed.
  Result<Next> FollowManifest() {
    logs_.KeepNeeded(version_);
    LEVELKEEP_RETURN_IF_ERROR(logs_.FollowNewest());
    for (const uint64_t number : NamedLogs(version_)) {
      if (logs_.Has(number)) continue;
      const Status held = logs_.Hold(number);
      if (held.code() != StatusCode::kNotFound) {
        LEVELKEEP_RETURN_IF_ERROR(held);
        continue;
      }
      const Status missing =
          MissingFile(JoinPath(db_dir_, LogFileName(number)), "the manifest");
      if (IsUnchanged()) return missing;
      return Again(Next::kReadManifestAgain, missing);
    }
    return Next::kDone;
  }

  Result<Next> HoldTables() {
    const Status held = tables_.Hold(version_);
    if (held.code() != StatusCode::kNotFound) {
      LEVELKEEP_RETURN_IF_ERROR(held);
      return Next::kDone;
    }
    if (!IsUnchanged()) return Again(Next::kReadManifestAgain, held);
    return Status(StatusCode::kCorruption, held.message(), held.hint());
  }

  Result<Next> CheckLogs() {
    const Status scanned = logs_.Scan();
    if (!scanned.ok()) return LookAgainAt(scanned);
    const Status sequence = logs_.CheckSequence(version_);
    if (sequence.ok()) return Next::kDone;
    if (IsUnchanged()) return sequence;
    return Again(Next::kStartOver, sequence);
  }

  void StartOver() {
    started_ = false;
    manifest_ = Manifest();
    logs_.Clear();
    tables_.Clear();
  }

  // Waits before the next try: a busy writer may be less busy in a moment.
  Status WaitBefore(int attempt) const {
    constexpr int kAtOnce = 10;
    constexpr int kLongest = 6;  // 64 ms
    if (options_.stop.stop_requested()) {
      return Status(StatusCode::kCancelled, "external snapshot was cancelled");
    }
    if (attempt < kAtOnce) return Status::Ok();
    std::this_thread::sleep_for(
        std::chrono::milliseconds(1 << std::min(attempt - kAtOnce, kLongest)));
    return Status::Ok();
  }

  Result<std::unique_ptr<Snapshot>> Build() {
    FileSetBuilder builder(SnapshotMethod::kExternal);
    tables_.CorrectSizes(&version_);
    tables_.AddTo(&builder);
    logs_.AddTo(&builder);
    // No table holds a write newer than the first write of these logs.
    if (const uint64_t last = logs_.last_sequence(); last > 0) {
      VersionEdit edit;
      edit.last_sequence = last;
      LEVELKEEP_RETURN_IF_ERROR(version_.Apply(edit));
    }
    builder.AddManifest(version_, manifest_.name);
    return builder.Build(std::make_shared<const ExternalKeeper>(
        ExternalKeeper{std::move(scratch_), tables_.keeper()}));
  }

  void Announce(int step) const {
    if (options_.before_step) options_.before_step(step);
  }
  Next Again(Next next, const Status& why) {
    last_problem_ = why;
    return next;
  }

  FileSystem* const fs_;
  const std::string db_dir_;
  const ExternalSnapshotOptions& options_;
  std::shared_ptr<ScratchDirectory> scratch_;
  TableHolder tables_;
  HeldLogs logs_;
  bool started_ = false;
  Manifest manifest_;
  uint64_t manifest_end_ = 0;  // of the last record that version_ holds
  Version version_;
  Status last_problem_;
  int looks_ = 0;  // how often in a row the same damage was seen
};

}  // namespace

Result<std::unique_ptr<Snapshot>> TakeExternalSnapshot(
    FileSystem* fs, const std::string& db_dir,
    const ExternalSnapshotOptions& options) {
  return ExternalTaker(fs, db_dir, options).Take();
}

}  // namespace levelkeep
