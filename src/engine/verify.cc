// Verification at three depths, and what the catalog remembers of it.

#include <system_error>
#include <thread>
#include <utility>

#include "archive/archive_reader.h"
#include "archive/parallel.h"
#include "base/log.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "engine/engine.h"
#include "restore/staging.h"

namespace levelkeep {

// 1. one at a time   2. check it, aside   3. remember the verdict
// 4. write the sidecar if it is missing
Result<VerifyReport> Engine::Verify(const FoundBackup& backup,
                                    VerifyDepth depth, const Work& work) {
  LEVELKEEP_RETURN_IF_ERROR(Prepare());
  LEVELKEEP_ASSIGN_OR_RETURN(auto lock, fs_->Lock(StatePath("verify.lock")));
  Content content;
  content.report.name = backup.name;
  content.report.depth = VerifyDepthName(depth);
  const auto started = clock_->SteadyNow();
  const Status status = CheckAside(backup, depth, work, &content);
  content.report.duration_ms = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(
          clock_->SteadyNow() - started)
          .count());
  if (!backup.by_path) {
    LEVELKEEP_RETURN_IF_ERROR(RecordVerdict(backup, depth, status));
  }
  if (!status.ok()) return status.WithContext(backup.name);
  if (!backup.by_path && backup.sha256.empty() && !content.sha256.empty()) {
    // A crash came between publishing and the sidecar; the archive has just
    // proven itself.
    LEVELKEEP_ASSIGN_OR_RETURN(auto state_lock, LockState());
    LEVELKEEP_RETURN_IF_ERROR(
        catalog_.WriteSidecar(backup.name, "sha256", content.sha256));
  }
  LogInfo(kEngineLogTag,
          backup.name + ": verified (" + content.report.depth + ")");
  if (depth == VerifyDepth::kFull && !backup.by_path) {
    // The backup is verified, whatever becomes of what it makes superfluous.
    if (const auto forgotten = ForgetUndoWhenDue(); !forgotten.ok()) {
      LogWarn(kEngineLogTag, "the replaced database was not removed: " +
                                 forgotten.status().ToString());
    }
  }
  return content.report;
}

// Only a verdict is remembered: no space, a stop or a failing disk say
// nothing about the archive.
Status Engine::RecordVerdict(const FoundBackup& backup, VerifyDepth depth,
                             const Status& verdict) {
  const bool bad = verdict.code() == StatusCode::kCorruption ||
                   verdict.code() == StatusCode::kUnsupported;
  const bool good = verdict.ok() && depth != VerifyDepth::kStructure;
  if (!bad && !good) return Status::Ok();
  VerifyRecord record;
  record.depth = depth;
  record.passed = good;
  record.at = clock_->Now();
  record.message = verdict.message();
  LEVELKEEP_ASSIGN_OR_RETURN(auto state_lock, LockState());
  return catalog_.RecordVerification(backup.name, record);
}

// The caller's thread waits, as it is: it may be the application's, and it
// goes on to take locks that others wait for. Threads and levelkeep-check
// inherit what theirs is.
Status Engine::CheckAside(const FoundBackup& backup, VerifyDepth depth,
                          const Work& work, Content* content) {
  Status status;
  const auto check = [&] {
    status =
        RunGuarded([&] { return CheckContent(backup, depth, work, content); });
  };
  try {
    std::jthread([&] {
      LowerThreadPriority(options_.priority);
      check();
    }).join();
  } catch (const std::system_error&) {
    check();  // no thread to be had
  }
  return status;
}

// The bytes are read once: their digests and the archive's own are taken in
// the same pass.
Status Engine::CheckContent(const FoundBackup& backup, VerifyDepth depth,
                            const Work& work, Content* content) {
  VerifyReport* const report = &content->report;
  LEVELKEEP_ASSIGN_OR_RETURN(auto reader,
                             ArchiveReader::Open(fs_, backup.path));
  const ArchiveOutline& outline = reader->outline();
  report->own = outline.own;
  report->bytes = outline.content_bytes;
  if (outline.manifest) report->files = outline.manifest->files.size();
  if (depth == VerifyDepth::kStructure) return Status::Ok();

  const auto judge = [&](const std::string& sha256) {
    content->sha256 = sha256;
    return CheckSidecar(backup, sha256);
  };
  const auto check = [&]() -> Status {
    if (depth == VerifyDepth::kChecksums) {
      ArchiveReadOptions read;
      read.threads = options_.threads;
      read.work = work;
      LEVELKEEP_ASSIGN_OR_RETURN(const ExtractedDatabase database,
                                 reader->Check(read));
      if (!database.own) report->files = database.files.size();
      report->bytes = database.content_bytes;
      return judge(database.archive_sha256);
    }
    LEVELKEEP_ASSIGN_OR_RETURN(const RestorerOptions options,
                               NewRestorerOptions());
    LEVELKEEP_ASSIGN_OR_RETURN(
        const StoreCheck store,
        VerifyArchive({fs_, clock_, options},
                      {reader.get(), backup.path, StatePath(""), work, judge}));
    report->entries = store.entries;
    report->last_sequence = store.last_sequence;
    return Status::Ok();
  };
  const Status status = check();
  if (status.ok() || !content->sha256.empty()) return status;
  return ExplainFault(backup, reader.get(), status, work);
}

Status Engine::ExplainFault(const FoundBackup& backup, ArchiveReader* reader,
                            const Status& fault, const Work& work) {
  if (!IsArchiveFault(fault.code())) return fault;
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string sha256,
                             reader->Sha256(work.stop));
  LEVELKEEP_RETURN_IF_ERROR(CheckSidecar(backup, sha256));
  return fault;
}

Result<InspectReport> Engine::Inspect(const FoundBackup& backup,
                                      const Work& work) {
  InspectReport report;
  report.path = backup.path;
  LEVELKEEP_ASSIGN_OR_RETURN(auto reader,
                             ArchiveReader::Open(fs_, report.path));
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
