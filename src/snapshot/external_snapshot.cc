// Snapshots of a database that another process has open.
//
// The order is everything: what is read later can only cover what was read
// before. Logs first, then the MANIFEST, then the tables that it names. A
// MANIFEST that is newer than the logs has at most swallowed whole logs; one
// that is older would miss them, and the copy would open with a silent gap.

#include <utility>

#include "base/status_macros.h"
#include "snapshot/file_set.h"
#include "snapshot/scratch.h"
#include "snapshot/snapshot.h"
#include "snapshot/table_holder.h"

namespace levelkeep {
namespace {

class ExternalTaker {
 public:
  ExternalTaker(FileSystem* fs, const std::string& db_dir,
                const ExternalSnapshotOptions& options)
      : fs_(fs),
        db_dir_(db_dir),
        options_(options),
        tables_(fs, db_dir, options.scratch_dir) {}

  Result<std::unique_ptr<Snapshot>> Take();

 private:
  // What to do after a try.
  enum class Next { kDone, kReadManifestAgain, kStartOver };

  struct OpenLog {
    uint64_t number = 0;
    std::shared_ptr<File> file;
    uint64_t size_bytes = 0;  // when it was opened
    LogScan scan;
  };
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

  Result<Next> Try();
  Status OpenLogs();
  Status Begin();
  bool IsStillCurrent() const;
  Status ReadVersion();
  Result<Manifest> FindManifest() const;
  Result<bool> FollowManifest();
  Result<OpenLog> OpenOneLog(uint64_t number) const;
  Status ScanLogs();
  Status CheckSequence() const;
  Result<std::unique_ptr<Snapshot>> Build();
  void StartOver();
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
  bool started_ = false;
  std::vector<OpenLog> logs_;
  Manifest manifest_;
  Version version_;
  Status last_problem_;
};

Result<std::unique_ptr<Snapshot>> ExternalTaker::Take() {
  LEVELKEEP_RETURN_IF_ERROR(ReadCurrent(fs_, db_dir_).status());
  LEVELKEEP_ASSIGN_OR_RETURN(scratch_,
                             ScratchDirectory::Make(fs_, options_.scratch_dir));
  for (int attempt = 0; attempt < options_.max_attempts; attempt++) {
    LEVELKEEP_ASSIGN_OR_RETURN(const Next next, Try());
    if (next == Next::kDone) return Build();
    if (next == Next::kStartOver) StartOver();
  }
  return Status(StatusCode::kUnsupported,
                "database " + db_dir_ +
                    " changed faster than it could be "
                    "copied, " +
                    std::to_string(options_.max_attempts) +
                    " times; the last time: " + last_problem_.message(),
                "take the backup through the process that has it open, or "
                "when it writes less");
}

Result<ExternalTaker::Next> ExternalTaker::Try() {
  const Status opened_anew(StatusCode::kBusy, "it was opened anew");
  if (!started_) {
    Announce(1);
    const Status begun = Begin();
    // CURRENT was switched in between; the next look finds the new MANIFEST.
    if (begun.code() == StatusCode::kNotFound) {
      return Again(Next::kStartOver, begun);
    }
    LEVELKEEP_RETURN_IF_ERROR(begun);
  }
  Announce(2);
  if (!IsStillCurrent()) return Again(Next::kStartOver, opened_anew);
  LEVELKEEP_RETURN_IF_ERROR(ReadVersion());
  LEVELKEEP_ASSIGN_OR_RETURN(const bool followed, FollowManifest());
  if (!followed) {
    return Again(Next::kReadManifestAgain,
                 Status(StatusCode::kBusy, "its newest log went away"));
  }
  Announce(3);
  const Status held = tables_.Hold(version_);
  if (held.code() == StatusCode::kNotFound) {
    return Again(Next::kReadManifestAgain, held);
  }
  LEVELKEEP_RETURN_IF_ERROR(held);
  Announce(4);
  if (!IsStillCurrent()) return Again(Next::kStartOver, opened_anew);
  Announce(5);
  LEVELKEEP_RETURN_IF_ERROR(ScanLogs());
  const Status sequence = CheckSequence();
  if (!sequence.ok()) return Again(Next::kStartOver, sequence);
  return Next::kDone;
}

void ExternalTaker::StartOver() {
  started_ = false;
  manifest_ = Manifest();
  logs_.clear();
  tables_.Clear();
}

// The MANIFEST's identity comes first: logs of one life of the database and
// tables of the next (DestroyDB reuses all names) must never meet.
Status ExternalTaker::Begin() {
  LEVELKEEP_ASSIGN_OR_RETURN(manifest_, FindManifest());
  LEVELKEEP_RETURN_IF_ERROR(OpenLogs());
  started_ = true;
  return Status::Ok();
}

bool ExternalTaker::IsStillCurrent() const {
  const Result<Manifest> now = FindManifest();
  return now.ok() && now->SameFile(manifest_);
}

// Two listings: the second one surely has every log up to the newest of the
// first. Ascending, because a log that is not the newest is complete.
Status ExternalTaker::OpenLogs() {
  LEVELKEEP_ASSIGN_OR_RETURN(const std::vector<uint64_t> first,
                             ListLogs(fs_, db_dir_));
  LEVELKEEP_ASSIGN_OR_RETURN(const std::vector<uint64_t> second,
                             ListLogs(fs_, db_dir_));
  if (first.empty()) return Status::Ok();
  for (const uint64_t number : second) {
    if (number > first.back()) break;
    Result<OpenLog> log = OpenOneLog(number);
    // Gone: the MANIFEST, which is read later, covers it.
    if (log.status().code() == StatusCode::kNotFound) continue;
    LEVELKEEP_RETURN_IF_ERROR(log.status());
    logs_.push_back(std::move(log).value());
  }
  return Status::Ok();
}

Result<ExternalTaker::OpenLog> ExternalTaker::OpenOneLog(
    uint64_t number) const {
  OpenLog log;
  log.number = number;
  LEVELKEEP_ASSIGN_OR_RETURN(
      log.file,
      fs_->Open(JoinPath(db_dir_, LogFileName(number)), OpenMode::kRead));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, log.file->Stat());
  log.size_bytes = info.size_bytes;
  return log;
}

Result<ExternalTaker::Manifest> ExternalTaker::FindManifest() const {
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

Status ExternalTaker::ReadVersion() {
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, manifest_.file->Stat());
  Result<ManifestContent> content =
      ReadManifest(*manifest_.file, info.size_bytes, /*allow_torn_tail=*/true);
  if (!content.ok()) {
    return content.status().WithContext(JoinPath(db_dir_, manifest_.name));
  }
  version_ = std::move(content->version);
  return Status::Ok();
}

// The MANIFEST counts writes that the logs, as they were before, lack: look
// at the newest log once more. Its growth does no harm, because it is the
// newest; and if it is empty even now, the MANIFEST's count is exact.
// False: the MANIFEST has moved on meanwhile.
Result<bool> ExternalTaker::FollowManifest() {
  std::erase_if(logs_, [this](const OpenLog& log) {
    return !NeedsLog(version_, log.number);
  });
  if (!logs_.empty()) {
    LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, logs_.back().file->Stat());
    logs_.back().size_bytes = info.size_bytes;
    return true;
  }
  const uint64_t number = version_.log_number();
  Result<OpenLog> log = OpenOneLog(number);
  if (log.status().code() == StatusCode::kNotFound) {
    // Repaired and very new databases have no log. All others have this one
    // until the MANIFEST names a newer one, or DestroyDB is at work.
    return number == 0;
  }
  LEVELKEEP_RETURN_IF_ERROR(log.status());
  logs_.push_back(std::move(log).value());
  return true;
}

Status ExternalTaker::ScanLogs() {
  for (OpenLog& log : logs_) {
    LEVELKEEP_ASSIGN_OR_RETURN(log.scan, ScanLog(*log.file, log.size_bytes,
                                                 /*batches=*/true, nullptr));
    if (log.scan.corrupt) {
      return DamagedLog(JoinPath(db_dir_, LogFileName(log.number)), log.scan);
    }
  }
  return Status::Ok();
}

// LevelDB itself does not notice a log that is missing between others.
Status ExternalTaker::CheckSequence() const {
  bool first = true;
  uint64_t last = version_.last_sequence();
  for (const OpenLog& log : logs_) {
    if (log.scan.records == 0) continue;
    // The MANIFEST may be ahead of the first log's start, never behind it.
    const bool follows = first ? log.scan.first_sequence <= last + 1
                               : log.scan.first_sequence == last + 1;
    if (!follows || log.scan.sequence_gap) {
      return Status(StatusCode::kCorruption,
                    "sequence numbers are missing before or in " +
                        LogFileName(log.number));
    }
    last = log.scan.last_sequence;
    first = false;
  }
  return Status::Ok();
}

Result<std::unique_ptr<Snapshot>> ExternalTaker::Build() {
  FileSetBuilder builder(SnapshotMethod::kExternal);
  tables_.AddTo(&builder);
  VersionEdit edit;
  for (const OpenLog& log : logs_) {
    builder.AddLog(log.number, log.scan.boundary, log.scan.last_sequence,
                   PrefixOpener(log.file));
    // No table holds anything newer than what these logs begin with.
    if (log.scan.records > 0) edit.last_sequence = log.scan.last_sequence;
  }
  LEVELKEEP_RETURN_IF_ERROR(version_.Apply(edit));
  builder.AddManifest(version_, manifest_.name);
  return builder.Build(scratch_);
}

}  // namespace

Result<std::unique_ptr<Snapshot>> TakeExternalSnapshot(
    FileSystem* fs, const std::string& db_dir,
    const ExternalSnapshotOptions& options) {
  return ExternalTaker(fs, db_dir, options).Take();
}

}  // namespace levelkeep
