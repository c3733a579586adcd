// Verification at three depths, and what the catalog remembers of it.

#include <system_error>
#include <thread>
#include <utility>

#include "archive/archive_reader.h"
#include "archive/parallel.h"
#include "base/log.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "manager/backup_set.h"
#include "manager/open_check.h"
#include "restore/restorer.h"

namespace levelkeep {

namespace {

constexpr char kTag[] = "BackupManager";

}  // namespace

Status CheckSidecar(const BackupInfo& backup, const std::string& sha256) {
  if (backup.sha256.empty() || backup.sha256 == sha256) return Status::Ok();
  return Status(StatusCode::kCorruption,
                "its SHA-256 is not the one in " + backup.name + ".sha256",
                "the archive was changed or damaged: use another backup");
}

Result<std::vector<std::string>> BackupSet::PendingVerification() {
  LEVELKEEP_ASSIGN_OR_RETURN(auto listing, catalog_.ListRecent());
  const auto& entries = listing->entries();
  std::vector<std::string> names;
  for (auto it = entries.rbegin(); it != entries.rend(); ++it) {
    const CatalogEntry& entry = **it;
    const bool full =
        entry.verification && (!entry.verification->passed ||
                               entry.verification->depth == VerifyDepth::kFull);
    if (entry.manifest && !full) names.push_back(entry.name);
  }
  return names;
}

Result<VerifyReport> BackupSet::Verify(
    const std::string& source, VerifyDepth depth, std::stop_token stop,
    const std::function<void(double)>& progress) {
  const bool by_path = source.find('/') != std::string::npos;
  CatalogEntry entry;
  if (by_path) {
    entry.name = BaseName(source);
    entry.path = source;
  } else {
    LEVELKEEP_ASSIGN_OR_RETURN(entry, FindEntry(source));
  }
  LEVELKEEP_RETURN_IF_ERROR(Prepare());
  LEVELKEEP_ASSIGN_OR_RETURN(auto lock, fs_->Lock(StatePath("verify.lock")));

  VerifyReport report;
  report.name = entry.name;
  report.depth = VerifyDepthName(depth);
  const auto started = clock_->SteadyNow();
  std::string sha256;
  const Status status =
      CheckAside(entry, depth, stop, progress, &report, &sha256);
  report.duration_ms = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(
          clock_->SteadyNow() - started)
          .count());

  // Only a verdict is remembered: no space, a stop or a failing disk say
  // nothing about the archive.
  const bool verdict = status.ok() ||
                       status.code() == StatusCode::kCorruption ||
                       status.code() == StatusCode::kUnsupported;
  if (!by_path && verdict &&
      (!status.ok() || depth != VerifyDepth::kStructure)) {
    VerifyRecord record;
    record.depth = depth;
    record.passed = status.ok();
    record.at = clock_->Now();
    record.message = status.message();
    LEVELKEEP_ASSIGN_OR_RETURN(auto state_lock, LockState());
    LEVELKEEP_RETURN_IF_ERROR(catalog_.RecordVerification(entry.name, record));
  }
  if (!status.ok()) return status.WithContext(entry.name);
  if (!by_path && entry.sha256.empty() && !sha256.empty()) {
    // A crash came between publishing and the sidecar; the archive has just
    // proven itself.
    LEVELKEEP_ASSIGN_OR_RETURN(auto state_lock, LockState());
    LEVELKEEP_RETURN_IF_ERROR(
        catalog_.WriteSidecar(entry.name, "sha256", sha256));
  }
  LogInfo(kTag, entry.name + ": verified (" + report.depth + ")");
  return report;
}

// The caller's thread waits, as it is: it may be the application's, and it
// goes on to take locks that others wait for. Threads and levelkeep-check
// inherit what theirs is.
Status BackupSet::CheckAside(const CatalogEntry& entry, VerifyDepth depth,
                             std::stop_token stop,
                             const std::function<void(double)>& progress,
                             VerifyReport* report, std::string* sha256) {
  Status status;
  const auto check = [&] {
    status = RunGuarded([&] {
      return CheckContent(entry, depth, stop, progress, report, sha256);
    });
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

Status BackupSet::CheckContent(const CatalogEntry& entry, VerifyDepth depth,
                               std::stop_token stop,
                               const std::function<void(double)>& progress,
                               VerifyReport* report, std::string* sha256) {
  LEVELKEEP_ASSIGN_OR_RETURN(auto reader, ArchiveReader::Open(fs_, entry.path));
  const ArchiveOutline& outline = reader->outline();
  report->own = outline.own;
  report->bytes = outline.content_bytes;
  if (outline.manifest) report->files = outline.manifest->files.size();
  if (depth == VerifyDepth::kStructure) return Status::Ok();

  LEVELKEEP_ASSIGN_OR_RETURN(*sha256, reader->Sha256(stop));
  LEVELKEEP_RETURN_IF_ERROR(CheckSidecar(ToBackupInfo(entry), *sha256));
  if (depth == VerifyDepth::kChecksums) {
    ArchiveReadOptions read;
    read.threads = options_.threads;
    read.work = {std::move(stop), progress};
    LEVELKEEP_ASSIGN_OR_RETURN(const ExtractedDatabase content,
                               reader->Check(read));
    if (!content.own) report->files = content.files.size();
    report->bytes = content.content_bytes;
    return Status::Ok();
  }
  reader.reset();

  LEVELKEEP_ASSIGN_OR_RETURN(RestorerOptions restore,
                             ToRestorerOptions(options_, platform_));
  Restorer restorer(fs_, clock_, std::move(restore));
  LEVELKEEP_ASSIGN_OR_RETURN(
      const StoreCheck check,
      restorer.VerifyFull(entry.path, StatePath(""), stop, progress));
  report->entries = check.entries;
  report->last_sequence = check.last_sequence;
  return Status::Ok();
}

}  // namespace levelkeep
