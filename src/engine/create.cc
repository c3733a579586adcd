// Steps C2..C7 of a create: from a snapshot to a published archive.

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "base/log.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "dbfiles/database_files.h"
#include "engine/engine.h"
#include "restore/context.h"
#include "restore/swap.h"

namespace levelkeep {

namespace {

// Room for headers, manifest and table of contents, per file and in all.
constexpr uint64_t kOverheadPerFile = 2048;
constexpr uint64_t kOverhead = 1 << 20;
// The pause between two tries to get the lock from another process.
constexpr std::chrono::milliseconds kWriteLockDelay{50};

std::vector<ArchiveInput> InputsOf(const Snapshot& snapshot,
                                   const std::string& db_name,
                                   const ReusePlan& reuse) {
  std::vector<ArchiveInput> inputs;
  const std::vector<SnapshotFile>& files = snapshot.info().files;
  inputs.reserve(files.size());
  for (size_t i = 0; i < files.size(); ++i) {
    inputs.push_back({db_name + "/" + files[i].name, files[i].size_bytes,
                      [&snapshot, i] { return snapshot.Open(i); },
                      reuse.Find(files[i])});
  }
  return inputs;
}

// REQUIRES: `info` has LevelDB's write number.
DatabaseHead HeadOf(const SnapshotInfo& info) {
  DatabaseHead head;
  head.sequence = info.last_sequence;
  for (const SnapshotFile& file : info.files) {
    if (file.kind != DbFileKind::kManifest) continue;
    head.manifest_number = ParseDbFileName(file.name).number;
  }
  return head;
}

// An upper bound that needs no reading: a batch is not larger than its log, and
// a block is not larger than snappy could inflate the whole table.
uint64_t LargestRecordIn(const SnapshotInfo& info) {
  constexpr uint64_t kMostInflation = 22;
  uint64_t largest = 0;
  for (const SnapshotFile& file : info.files) {
    const bool table = file.kind == DbFileKind::kTable;
    largest = std::max(
        largest, table ? kMostInflation * file.size_bytes : file.size_bytes);
  }
  return largest;
}

// The hash chain needs the digest even if the sidecar is missing (after a
// crash, or because somebody removed it). If the archive can't be read, the
// chain ends.
void NamePrevious(FileSystem* fs, const CatalogEntry& previous,
                  std::stop_token stop, Manifest* manifest) {
  std::string sha256 = previous.sha256;
  if (sha256.empty()) {
    auto reader = ArchiveReader::Open(fs, previous.path);
    if (!reader.ok()) return;
    auto digest = (*reader)->Sha256(std::move(stop));
    if (!digest.ok()) return;
    sha256 = *digest;
  }
  manifest->previous_name = previous.name;
  manifest->previous_sha256 = std::move(sha256);
}

// The text of levelkeep-manifest.json, once the digests are known.
Result<std::string> DescribeBackup(FileSystem* fs, const BackupOptions& options,
                                   const SnapshotInfo& info,
                                   const BackupRequest& request,
                                   const Listing& listing, Time created,
                                   uint64_t took_ms,
                                   const std::vector<TocFile>& archived,
                                   Manifest* described) {
  Manifest manifest;
  manifest.id = RandomId();
  manifest.created = std::chrono::floor<std::chrono::milliseconds>(created);
  manifest.order_time = listing.OrderTimeAt(created);
  manifest.label = request.label;
  manifest.trigger = request.trigger;
  manifest.hostname = HostName();
  manifest.levelkeep_version = LevelKeepVersion();
  manifest.snapshot_method = NameOf(info.method);
  manifest.db_name = options.db_name;
  manifest.db_id = request.database.id;
  manifest.db_epoch = request.database.epoch;
  manifest.db_parent = request.database.parent;
  manifest.comparator = info.comparator;
  manifest.last_sequence = info.last_sequence;
  manifest.largest_record = LargestRecordIn(info);
  if (request.events) {
    manifest.events = ManifestEvents{
        request.events->count, request.events->first, request.events->last,
        request.events->first_time, request.events->last_time};
  }
  if (listing.newest_usable() != nullptr) {
    NamePrevious(fs, *listing.newest_usable(), request.work.stop, &manifest);
  }
  manifest.took_ms = took_ms;
  manifest.source_bytes = info.total_bytes();
  manifest.files.reserve(archived.size());
  for (const TocFile& file : archived) {
    manifest.files.push_back(
        {BaseName(file.name), file.size_bytes, file.sha256});
  }
  std::string text = EncodeManifest(manifest);
  manifest.files = {};  // as large as the text
  // A backup that our own reader refuses must not be reported as made.
  LEVELKEEP_RETURN_IF_ERROR(
      DecodeManifest(text).status().WithContext("the new backup's manifest"));
  manifest.manifest_number = HeadOf(info).manifest_number;
  *described = std::move(manifest);
  return text;
}

}  // namespace

Result<std::unique_ptr<FileLock>> Engine::WaitToWrite(
    const BackupRequest& request) {
  const auto give_up = clock_->SteadyNow() + request.wait;
  for (bool first = true;; first = false) {
    auto lock = LockForWriting();
    if (lock.status().code() != StatusCode::kBusy ||
        clock_->SteadyNow() >= give_up) {
      return lock;
    }
    if (first && request.on_wait) request.on_wait(lock.status().message());
    if (!clock_->SleepFor(kWriteLockDelay, request.work.stop)) {
      return Status(StatusCode::kCancelled,
                    "stopped while waiting: " + lock.status().message());
    }
  }
}

// 1. remove left-overs, one create at a time   2. pre hook   3. snapshot
// 4. write and publish   5. rotate
Result<BackupInfo> Engine::Create(BackupRequest request) {
  LEVELKEEP_RETURN_IF_ERROR(ValidateLabel(request.label));
  const std::string db_dir = options_.storage_path();
  LEVELKEEP_RETURN_IF_ERROR(CheckFolders());
  if (!database_->IsOpen()) LEVELKEEP_RETURN_IF_ERROR(RequireWhole());
  if (!DatabasePresent()) {
    return Status(StatusCode::kNotFound, "there is no database in " + db_dir,
                  "check STORAGE_DIR and DB_NAME");
  }
  if (!IsAdopted()) LEVELKEEP_RETURN_IF_ERROR(Adopt(false).status());
  SweepParts();
  LEVELKEEP_ASSIGN_OR_RETURN(auto lock, WaitToWrite(request));
  LEVELKEEP_ASSIGN_OR_RETURN(request.database, ReadIdentity(fs_, db_dir));
  if (request.before_snapshot) {
    LEVELKEEP_RETURN_IF_ERROR(request.before_snapshot(&request.warning));
  }
  LEVELKEEP_ASSIGN_OR_RETURN(auto snapshot,
                             database_->TakeSnapshot(request.work.stop));
  LEVELKEEP_ASSIGN_OR_RETURN(const DatabaseIdentity after,
                             ReadIdentity(fs_, db_dir));
  if (after != request.database) {
    return Status(StatusCode::kBusy,
                  "another database was put in place of " + db_dir +
                      " while the snapshot was taken",
                  "try again");
  }
  LEVELKEEP_ASSIGN_OR_RETURN(BackupInfo made, Write(*snapshot, request));
  if (snapshot->info().method != SnapshotMethod::kLogical) {
    RememberHead(HeadOf(snapshot->info()));
  }
  LogInfo(kEngineLogTag,
          made.name + ": created, " + std::to_string(made.size_bytes) +
              " bytes, write number " + std::to_string(made.last_sequence) +
              " (" + std::string(NameOf(made.snapshot_method)) + ")");
  if (const auto strangers = FindStrangers(fs_, db_dir);
      strangers.ok() && !strangers->empty()) {
    LogWarn(kEngineLogTag,
            db_dir + " has files of other programs, which are in no backup: " +
                NamesOf(*strangers));
  }
  // If the rotation fails, the backup stays valid; health reports the failure.
  if (!request.rotate) return made;
  if (auto rotated = RemoveOld({made.name}); !rotated.ok()) {
    LogError(kEngineLogTag, "rotation failed: " + rotated.status().ToString());
  }
  return made;
}

// 1. check space   2. find the tables that the newest archive already holds
// 3. write, sync and read back a hidden part   4. publish it under a free name
// 5. sidecars   6. remember for the next backup   7. describe
Result<BackupInfo> Engine::Write(const Snapshot& snapshot,
                                 const BackupRequest& request) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto listing, catalog_.List());
  LEVELKEEP_RETURN_IF_ERROR(
      CheckSpace(snapshot.info(), listing->newest_usable()));
  const Time created = clock_->Now();
  FolderDestination* const folder = catalog_.folder();
  FolderDestination::Part part;
  Manifest described;
  // If we die before it is published: the part is swept at the next start.
  ReusePlan reuse = ReusePlan::Load(fs_, options_, snapshot, request.database,
                                    request.work.stop);
  auto summary =
      WritePart(snapshot, request, *listing, reuse, created, &part, &described);
  if (summary.status().code() == StatusCode::kCorruption &&
      reuse.archive() != nullptr) {
    // Any error leads to a full backup, because no backup depends on the one
    // before.
    LogWarn(kEngineLogTag,
            "compressing everything: " + summary.status().ToString());
    folder->Discard(&part);
    reuse = ReusePlan();
    summary = WritePart(snapshot, request, *listing, reuse, created, &part,
                        &described);
  }
  const auto publish = [&]() -> Result<std::string> {
    LEVELKEEP_RETURN_IF_ERROR(summary.status());
    chain_.BeginLedger(request.database.id, *listing);
    return catalog_.Publish(part,
                            {created, request.label, summary->sha256,
                             summary->md5, described, request.warning},
                            *listing);
  };
  const auto name = publish();
  if (!name.ok()) {
    folder->Discard(&part);
    return name.status();
  }
  Remember(*name, snapshot, request, reuse, &*summary);
  LEVELKEEP_ASSIGN_OR_RETURN(const CatalogEntry entry, catalog_.Find(*name));
  return ToBackupInfo(entry);
}

// Errors from here on can't spoil the backup, because it is published.
void Engine::Remember(const std::string& name, const Snapshot& snapshot,
                      const BackupRequest& request, const ReusePlan& reuse,
                      ArchiveSummary* summary) {
  if (summary->damaged_members > 0) {
    VerifyRecord damage;
    damage.depth = VerifyDepth::kChecksums;
    damage.at = clock_->Now();
    damage.message = std::to_string(summary->damaged_members) +
                     " of its members changed after they were written";
    LogWarn(kEngineLogTag, reuse.archive_name() +
                               " is damaged: " + damage.message + "; " + name +
                               " does not depend on them");
    if (reuse.archive_is_original()) {
      (void)catalog_.RecordVerification(reuse.archive_name(), damage);
    }
  }
  if (summary->unreadable_members > 0) {
    LogWarn(kEngineLogTag, std::to_string(summary->unreadable_members) +
                               " members of " + reuse.archive_name() +
                               " could not be read and were compressed again; "
                               "check the disk, and verify that backup");
  }
  if (summary->reused_bytes > 0) {
    LogInfo(kEngineLogTag, name + " holds " +
                               FormatBytes(summary->reused_bytes) + " of " +
                               FormatBytes(summary->source_bytes) +
                               " copied from " + reuse.archive_name());
  }
  // If we die here, or the save fails: the next backup compresses everything.
  const Status saved =
      SaveReuseRecord(fs_, options_, snapshot, request.database, name,
                      std::move(summary->archived));
  if (!saved.ok()) {
    LogWarn(kEngineLogTag,
            "the next backup will compress everything: " + saved.ToString());
  }
}

Status Engine::CheckSpace(const SnapshotInfo& info,
                          const CatalogEntry* previous) {
  uint64_t estimate =
      info.total_bytes() + kOverhead + info.files.size() * kOverheadPerFile;
  // The estimate assumes the last compression ratio, plus a fifth for data that
  // compresses worse.
  if (previous != nullptr && previous->manifest->source_bytes > 0) {
    const double ratio = static_cast<double>(previous->size_bytes) /
                         static_cast<double>(previous->manifest->source_bytes);
    const double expected =
        1.2 * ratio * static_cast<double>(info.total_bytes());
    estimate = std::min(estimate, static_cast<uint64_t>(expected) + kOverhead);
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t free,
                             fs_->FreeSpace(options_.backup_dir));
  if (free >= estimate &&
      free - estimate >= options().resources.reserve_bytes) {
    return Status::Ok();
  }
  return Status(StatusCode::kNoSpace,
                "no space for a backup in " + options_.backup_dir + ": needs " +
                    FormatBytes(estimate) + " plus the reserve of " +
                    FormatBytes(options().resources.reserve_bytes) +
                    ", but only " + FormatBytes(free) + " are free",
                "free disk space, lower MAX_BACKUPS, or lower BACKUP_RESERVE" +
                    ForgetUndoHint({fs_, clock_, NewRestorerOptions()},
                                   options_.backup_dir));
}

std::string Engine::DescribeFileSizeLimit() {
  const auto limit = FileSizeLimit();
  if (!limit) return "";
  const auto listing = catalog_.ListRecent();
  const CatalogEntry* const newest =
      listing.ok() ? (*listing)->newest_usable() : nullptr;
  const auto bytes = newest != nullptr
                         ? Result<uint64_t>(newest->size_bytes)
                         : FolderBytes(fs_, options_.storage_path());
  if (!bytes.ok() || *bytes <= *limit) return "";
  return "files may have " + FormatBytes(*limit) +
         " at most here (ulimit -f, LimitFSIZE), and a backup of the "
         "database takes about " +
         FormatBytes(*bytes) + ": backups will fail until this limit is raised";
}

Result<ArchiveSummary> Engine::WritePart(const Snapshot& snapshot,
                                         const BackupRequest& request,
                                         const Listing& listing,
                                         const ReusePlan& reuse, Time created,
                                         FolderDestination::Part* part,
                                         Manifest* described) {
  const SnapshotInfo& info = snapshot.info();
  const auto started = clock_->SteadyNow();
  ArchiveWriteOptions write;
  write.compress = options().archive.compression;
  write.level = options().archive.compression_level;
  write.threads = options_.resources.threads;
  write.priority = options().resources.priority;
  write.rate_limit_bytes_per_second =
      options().resources.rate_limit_bytes_per_second;
  write.md5 = options().archive.md5_sidecar;
  write.read_back = true;
  write.reuse_from = reuse.archive();
  write.mtime = std::chrono::floor<std::chrono::seconds>(created);
  write.work = request.work;
  const auto describe =
      [&](const std::vector<TocFile>& archived) -> Result<std::string> {
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
        clock_->SteadyNow() - started);
    return DescribeBackup(fs_, options_, info, request, listing, created,
                          static_cast<uint64_t>(took.count()), archived,
                          described);
  };

  LEVELKEEP_ASSIGN_OR_RETURN(*part, catalog_.folder()->NewPart());
  LEVELKEEP_ASSIGN_OR_RETURN(
      ArchiveSummary summary,
      WriteArchive(InputsOf(snapshot, options_.db_name, reuse), describe, write,
                   part->file.get()));
  LEVELKEEP_RETURN_IF_ERROR(part->file->Close());
  return summary;
}

}  // namespace levelkeep
