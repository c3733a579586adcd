// Verification at three depths, and the record of its verdict in the catalog.

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "archive/parallel.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/scratch_directory.h"
#include "base/status_macros.h"
#include "engine/engine.h"
#include "engine/paced_archive.h"
#include "restore/staging.h"
#include "restore/store_check.h"

namespace levelkeep {

namespace {

// The digest of a file that is not an archive; empty: the file can't be read.
std::string DigestOf(FileSystem* fs, const std::string& path,
                     std::stop_token stop) {
  const auto file = fs->Open(path, OpenMode::kRead);
  if (!file.ok()) return "";
  const auto info = (*file)->Stat();
  if (!info.ok()) return "";
  const auto digest = DigestOfSource(DigestKind::kSha256, **file,
                                     info->size_bytes, std::move(stop));
  return digest.ok() ? *digest : "";
}

std::string TemporaryFolder() {
  const char* const named = std::getenv("TMPDIR");
  return named != nullptr && *named != '\0' ? named : "/tmp";
}

}  // namespace

// 1. one verification at a time   2. check on another thread   3. record the
// verdict
// 4. write the sidecar if it is missing
Result<VerifyReport> Engine::Verify(const FoundBackup& backup,
                                    VerifyDepth depth, const Work& work) {
  // If the user gave a file and there is no BACKUP_DIR, no folder for backups
  // is created.
  const bool elsewhere =
      backup.by_path && !PathExists(fs_, options_.backup_dir);
  std::unique_ptr<ScratchDirectory> passing;
  Content content;
  if (elsewhere) {
    LEVELKEEP_ASSIGN_OR_RETURN(
        passing, ScratchDirectory::Make(
                     fs_, JoinPath(TemporaryFolder(),
                                   "levelkeep-verify-" + RandomId())));
    content.folder = passing->path();
  } else {
    LEVELKEEP_RETURN_IF_ERROR(Prepare());
    content.folder = VerifyFolder(backup);
  }
  LEVELKEEP_ASSIGN_OR_RETURN(auto lock,
                             fs_->Lock(JoinPath(content.folder, kVerifyLock)));
  std::vector<std::string> swept;
  (void)RemoveScratch(content.folder, &swept);
  content.report.name = backup.name;
  content.report.depth = depth;
  const InUseMark mark = MarkInUse(backup);
  const auto started = clock_->SteadyNow();
  const Status status = RunAside(options().resources.priority, [&] {
    return CheckContent(backup, depth, work, &content);
  });
  content.report.duration_ms = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(
          clock_->SteadyNow() - started)
          .count());
  if (!backup.by_path) {
    LEVELKEEP_RETURN_IF_ERROR(Record(backup, depth, status, content.sha256));
  }
  if (!status.ok()) return status.WithContext(backup.name);
  if (!backup.by_path) {
    LEVELKEEP_RETURN_IF_ERROR(Honour(backup, depth, content));
  }
  LogInfo(kEngineLogTag,
          backup.name + ": verified (" + std::string(NameOf(depth)) + ")");
  return content.report;
}

Status Engine::Honour(const FoundBackup& backup, VerifyDepth depth,
                      const Content& content) {
  if (depth == VerifyDepth::kFull && content.report.own) {
    RememberScan(content.sha256);
  }
  if (backup.sha256.empty() && !content.sha256.empty()) {
    // A crash came between publishing and writing the sidecar; the archive has
    // just passed the check.
    LEVELKEEP_RETURN_IF_ERROR(catalog_.WriteSidecar(
        backup.name, DigestKind::kSha256, content.sha256));
  }
  if (platform_.has_storage && depth == VerifyDepth::kFull) ForgetUndoWhenDue();
  return Status::Ok();
}

// Only a proof is a verdict. A full disk, a signal, a limit of the host, a
// failing disk or an unknown compression say nothing about the archive: the
// earlier verdict stays, and the reason why there is no new one is recorded
// beside it.
Status Engine::Record(const FoundBackup& backup, VerifyDepth depth,
                      const Status& outcome, const std::string& sha256) {
  switch (outcome.code()) {
    case StatusCode::kOk:
    case StatusCode::kCorruption:
      return RecordVerdict(backup, depth, outcome, sha256);
    case StatusCode::kBusy:       // somebody else is verifying
    case StatusCode::kCancelled:  // the caller has no use for a verdict
      return Status::Ok();
    default:
      RecordNotChecked(backup.name, outcome.message());
      return Status::Ok();
  }
}

Status Engine::RecordVerdict(const FoundBackup& backup, VerifyDepth depth,
                             const Status& verdict, const std::string& sha256) {
  if (verdict.ok() && depth == VerifyDepth::kStructure) return Status::Ok();
  VerifyRecord record;
  record.depth = depth;
  record.passed = verdict.ok();
  record.at = clock_->Now();
  record.message = verdict.message();
  // The verdict counts for the digest in the sidecar, which a bad archive may
  // not have: if the sidecar changes, the archive is checked again.
  return catalog_.RecordVerification(
      backup.name, record, backup.sha256.empty() ? sha256 : backup.sha256);
}

void Engine::RecordNotChecked(const std::string& name,
                              const std::string& reason) {
  if (const Status recorded =
          catalog_.RecordNotChecked(name, reason, clock_->Now());
      !recorded.ok()) {
    LogWarn(kEngineLogTag,
            name + ": not checked, and the reason was not recorded: " +
                recorded.ToString());
  }
}

// A clock that was set back does not extend the pause.
std::chrono::milliseconds Engine::RestBeforeRecheck(
    const CatalogEntry& backup) const {
  using std::chrono::milliseconds;
  if (!backup.not_checked) return milliseconds(0);
  const milliseconds pause = PauseBeforeRecheck(backup.not_checked->times);
  const auto rested = std::chrono::duration_cast<milliseconds>(
      clock_->Now() - backup.not_checked->at);
  return std::clamp(pause - rested, milliseconds(0), pause);
}

void Engine::NoteUnfinished(const FoundBackup& backup) {
  RecordNotChecked(backup.name, "the check was stopped with its process");
}

void Engine::RememberScan(const std::string& sha256) {
  if (!platform_.has_storage) return;
  const auto remember = [&]() -> Status {
    LEVELKEEP_ASSIGN_OR_RETURN(auto state_lock, catalog_.folder()->LockState());
    return AddScanned({fs_, clock_, NewRestorerOptions()}, sha256);
  };
  if (const Status added = remember(); !added.ok()) {
    LogWarn(kEngineLogTag,
            "the verdict was not stored, so a restore will scan the backup "
            "again: " +
                added.ToString());
  }
}

Result<std::unique_ptr<ArchiveReader>> Engine::OpenToCheck(
    const FoundBackup& backup, const Work& work, std::string* sha256) {
  auto opened = OpenArchive(backup, work);
  if (opened.status().code() == StatusCode::kCorruption && backup.is_local()) {
    *sha256 = DigestOf(fs_, backup.path, work.stop);
  }
  return opened;
}

// Of a check, which BACKUP_RATE_LIMIT slows, but never so much that
// levelkeep-check, which reports no progress, would be taken for hung.
// `timeout`: the seconds without progress that end the job; 0: none do.
RestoreContext Engine::PacedContext(uint64_t content_bytes, int timeout) {
  constexpr uint64_t kMargin = 6;  // it reads everything less than three times
  RestoreContext context{fs_, clock_, NewRestorerOptions()};
  uint64_t rate = options().resources.rate_limit_bytes_per_second;
  if (rate > 0 && timeout > 0) {
    rate = std::max(rate,
                    kMargin * content_bytes / static_cast<uint64_t>(timeout));
  }
  context.options.check_rate = rate;
  return context;
}

// Reads the bytes once: one pass computes the digests of the files and of the
// archive.
Status Engine::CheckContent(const FoundBackup& backup, VerifyDepth depth,
                            const Work& work, Content* content) {
  VerifyReport* const report = &content->report;
  LEVELKEEP_ASSIGN_OR_RETURN(const std::unique_ptr<ArchiveReader> reader,
                             OpenToCheck(backup, work, &content->sha256));
  const ArchiveOutline& outline = reader->outline();
  report->own = outline.own;
  report->bytes = outline.content_bytes;
  if (outline.manifest) report->files = outline.manifest->files.size();
  if (!outline.own && backup.manifest) {
    content->sha256 = DigestOf(fs_, backup.path, work.stop);
    return Status(StatusCode::kCorruption,
                  backup.damaged() ? backup.verification->message
                                   : "it is no archive of LevelKeep any more");
  }
  if (depth == VerifyDepth::kStructure) return Status::Ok();

  PacedArchive paced(clock_, options().resources.rate_limit_bytes_per_second,
                     work.stop);
  LEVELKEEP_ASSIGN_OR_RETURN(ArchiveReader* const paced_reader,
                             paced.Open(fs_, backup.name, reader.get()));
  const auto judge = [&](const std::string& sha256) {
    content->sha256 = sha256;
    return CheckSidecar(backup, sha256);
  };
  const auto check = [&]() -> Status {
    if (depth == VerifyDepth::kChecksums) {
      ArchiveReadOptions read;
      read.threads = options_.resources.threads;
      read.work = work;
      LEVELKEEP_ASSIGN_OR_RETURN(const ExtractedDatabase database,
                                 paced_reader->Check(read));
      if (!database.own) report->files = database.files.size();
      report->bytes = database.content_bytes;
      return judge(database.archive_sha256);
    }
    LEVELKEEP_RETURN_IF_ERROR(RequireCheck());
    LEVELKEEP_ASSIGN_OR_RETURN(
        const StoreCheck store,
        VerifyArchive(PacedContext(outline.content_bytes,
                                   options_.retries.verify_timeout),
                      {reader.get(), paced_reader, backup.path, content->folder,
                       work, judge}));
    report->entries = store.entries;
    report->last_sequence = store.last_sequence;
    report->order_checked = store.order_checked;
    return Status::Ok();
  };
  const Status status = check();
  if (status.ok() || !content->sha256.empty()) return status;
  return ExplainFault(backup, reader.get(), status, work, &content->sha256);
}

Status Engine::ExplainFault(const FoundBackup& backup, ArchiveReader* reader,
                            const Status& fault, const Work& work,
                            std::string* sha256) {
  if (!IsArchiveFault(fault.code()) &&
      fault.code() != StatusCode::kUnsupported) {
    return fault;
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string digest,
                             reader->Sha256(work.stop));
  if (sha256 != nullptr) *sha256 = digest;
  LEVELKEEP_RETURN_IF_ERROR(CheckSidecar(backup, digest));
  return fault;
}

Result<InspectReport> Engine::Inspect(const FoundBackup& backup,
                                      const Work& work) {
  InspectReport report;
  report.path = backup.path;
  LEVELKEEP_ASSIGN_OR_RETURN(auto reader, OpenArchive(backup, work));
  const ArchiveOutline& outline = reader->outline();
  report.size_bytes = outline.archive_bytes;
  report.own = outline.own;
  report.manifest = outline.manifest;
  if (outline.manifest) {
    report.files = outline.manifest->files;
    return report;
  }
  ArchiveReadOptions read;
  read.work = work;
  LEVELKEEP_ASSIGN_OR_RETURN(ExtractedDatabase content, reader->Check(read));
  report.files = std::move(content.files);
  report.manifest = std::move(content.manifest);
  return report;
}

}  // namespace levelkeep
