#include "restore/staging.h"

#include <utility>

#include "base/folder_probe.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "dbfiles/database_files.h"
#include "restore/store_check.h"
#include "restore/swap.h"

namespace levelkeep {
namespace {

constexpr char kDatabase[] = "the database";

struct ExtractRequest {
  RestoreSource source;
  std::string target_dir;   // created; removed if the call fails
  std::string scratch_dir;  // for the check; created and removed
  // The identity of the database that will be replaced. Empty: that has none,
  // and the archive's is used. Nullopt: the result is not for this application,
  // so its comparator does not matter and no identity is written.
  std::optional<std::string> replaced_id;
  Work work;
};

struct ExtractedStore {
  RestoreOutcome outcome;
  StoreCheck check;
};

Status CheckComparator(const RestoreContext& context,
                       const std::string& comparator) {
  if (comparator.empty() || comparator == context.options.comparator_name) {
    return Status::Ok();
  }
  return Status(StatusCode::kUnsupported,
                "the backup's comparator is " + Printable(comparator) +
                    ", but this application's is " +
                    context.options.comparator_name,
                "restore it with the application that made the backup");
}

Status CompareWithManifest(const Manifest& manifest, const StoreCheck& check) {
  if (manifest.last_sequence != check.last_sequence) {
    return Status(StatusCode::kCorruption,
                  "the database ends at write number " +
                      std::to_string(check.last_sequence) +
                      ", but its manifest says " +
                      std::to_string(manifest.last_sequence));
  }
  if (!check.comparator.empty() && check.comparator != manifest.comparator) {
    return Status(StatusCode::kCorruption, "the database's comparator is " +
                                               Printable(check.comparator) +
                                               ", but its manifest says " +
                                               Printable(manifest.comparator));
  }
  return Status::Ok();
}

uint64_t LargestRecordOf(const std::shared_ptr<const Manifest>& manifest) {
  return manifest == nullptr ? 0 : manifest->largest_record;
}

// Checks that the extracted database is sound, matches its manifest, and can be
// used by the application.
Result<StoreCheck> CheckExtracted(const RestoreContext& context,
                                  const ExtractRequest& request,
                                  const ExtractedDatabase& extracted) {
  StoreCheck check;
  if (extracted.own && extracted.manifest != nullptr &&
      !request.source.scanned_sha256.empty() &&
      request.source.scanned_sha256 == extracted.archive_sha256) {
    check.last_sequence = extracted.manifest->last_sequence;
    return check;
  }
  LEVELKEEP_ASSIGN_OR_RETURN(
      check, CheckStore(context, request.target_dir, request.scratch_dir,
                        request.work.stop,
                        extracted.own ? Vouched::kYes : Vouched::kNo,
                        LargestRecordOf(extracted.manifest)));
  if (extracted.manifest != nullptr) {
    LEVELKEEP_RETURN_IF_ERROR(CompareWithManifest(*extracted.manifest, check));
  }
  if (request.replaced_id) {
    LEVELKEEP_RETURN_IF_ERROR(CheckComparator(context, check.comparator));
  }
  return check;
}

// The identity of a database that is restored from this archive.
DatabaseIdentity NextIdentity(const std::string& replaced_id,
                              const ExtractedDatabase& extracted) {
  DatabaseIdentity identity;
  identity.id = replaced_id.empty() ? extracted.database_id : replaced_id;
  identity.epoch = RandomId();
  if (const Manifest* const manifest = extracted.manifest.get()) {
    if (identity.id.empty()) identity.id = manifest->db_id;
    // Another program may have written any text into db_epoch.
    if (IsEpoch(manifest->db_epoch)) identity.parent = manifest->db_epoch;
  }
  if (identity.id.empty()) identity.id = RandomId();
  return identity;
}

// The identity of the live database; without one, of the last known database.
Result<std::string> ReplacedId(const RestoreContext& context) {
  LEVELKEEP_ASSIGN_OR_RETURN(const DatabaseIdentity live,
                             ReadIdentity(context.fs, context.db_dir()));
  return live.id.empty() ? context.options.remembered_id : live.id;
}

Result<ExtractedStore> ExtractInto(const RestoreContext& context,
                                   const ExtractRequest& request,
                                   ArchiveReader* reader,
                                   const ArchiveReadOptions& options) {
  LEVELKEEP_ASSIGN_OR_RETURN(ExtractedDatabase extracted,
                             reader->Extract(request.target_dir, options));
  ExtractedStore store;
  store.outcome.archive_name = BaseName(request.source.path);
  store.outcome.archive_sha256 = extracted.archive_sha256;
  store.outcome.own = extracted.own;
  store.outcome.content_bytes = extracted.content_bytes;
  LEVELKEEP_ASSIGN_OR_RETURN(store.check,
                             CheckExtracted(context, request, extracted));
  store.outcome.last_sequence = store.check.last_sequence;
  if (request.replaced_id) {
    const DatabaseIdentity identity =
        NextIdentity(*request.replaced_id, extracted);
    store.outcome.epoch = identity.epoch;
    LEVELKEEP_RETURN_IF_ERROR(
        WriteIdentity(context.fs, request.target_dir, identity));
  }
  store.outcome.manifest = std::move(extracted.manifest);
  return store;
}

// Opening writes tables from the logs and a new MANIFEST; this is their size.
uint64_t ScratchBytes(const Manifest& manifest) {
  uint64_t bytes = 0;
  for (const ManifestFile& file : manifest.files) {
    const DbFileKind kind = ParseDbFileName(file.name).kind;
    if (kind == DbFileKind::kLog || kind == DbFileKind::kManifest) {
      bytes += file.size_bytes;
    }
  }
  return bytes;
}

Status Judge(const VerifyRequest& request, const std::string& sha256) {
  return request.judge ? request.judge(sha256) : Status::Ok();
}

// Writes no file of the database: checks its digests, then levelkeep-check
// opens it inside the archive.
Result<StoreCheck> VerifyInPlace(const RestoreContext& context,
                                 const VerifyRequest& request,
                                 const std::string& scratch_dir) {
  const ArchiveOutline& outline = request.reader->outline();
  LEVELKEEP_RETURN_IF_ERROR(RequireRoom(context, kDatabase,
                                        ScratchBytes(*outline.manifest),
                                        request.scratch_parent)
                                .status());
  ArchiveReadOptions options;
  options.threads = context.options.threads;
  options.work = request.work;
  LEVELKEEP_ASSIGN_OR_RETURN(const ExtractedDatabase database,
                             request.paced_reader->Check(options));
  LEVELKEEP_RETURN_IF_ERROR(Judge(request, database.archive_sha256));
  const Result<StoreCheck> check = CheckArchivedStore(
      context, request.archive_path, outline.content_bytes, scratch_dir,
      request.work.stop, LargestRecordOf(outline.manifest));
  // First of all: levelkeep-check may have read another file.
  LEVELKEEP_RETURN_IF_ERROR(request.reader->CheckUnchanged(request.work.stop));
  if (!check.ok()) return check.status();
  LEVELKEEP_RETURN_IF_ERROR(CompareWithManifest(*outline.manifest, *check));
  return check;
}

Result<ExtractedStore> ExtractOpened(const RestoreContext& context,
                                     const ExtractRequest& request,
                                     ArchiveReader* reader) {
  ArchiveReadOptions options;
  LEVELKEEP_ASSIGN_OR_RETURN(
      options.limits.max_total_bytes,
      CheckFits(context, reader->outline(), ParentPath(request.target_dir),
                request.replaced_id.has_value()));
  options.threads = context.options.threads;
  options.work = request.work;
  LEVELKEEP_RETURN_IF_ERROR(context.fs->CreateDirectory(request.target_dir));
  auto store = ExtractInto(context, request, reader, options);
  if (!store.ok()) {
    // Best effort: the next start removes the rest.
    (void)RemoveTree(context.fs, request.target_dir);
  }
  return store;
}

// Extracts, checks and compares with the manifest. On return everything is
// durable except the name of `target_dir`. See IsArchiveFault.
Result<ExtractedStore> ExtractChecked(const RestoreContext& context,
                                      const ExtractRequest& request) {
  if (request.source.reader != nullptr) {
    return ExtractOpened(context, request, request.source.reader);
  }
  LEVELKEEP_ASSIGN_OR_RETURN(
      auto reader, ArchiveReader::Open(context.fs, request.source.path));
  return ExtractOpened(context, request, reader.get());
}

// A restore by root gives the files to the owner of the live database.
Status GiveToService(const RestoreContext& context,
                     const std::string& directory) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, context.fs->List(directory));
  for (const std::string& name : names) {
    context.fs->GiveOwnerOf(context.db_dir(), JoinPath(directory, name));
  }
  context.fs->GiveOwnerOf(context.db_dir(), directory);
  return Status::Ok();
}

}  // namespace

Result<uint64_t> RequireRoom(const RestoreContext& context,
                             const std::string& what, uint64_t needed,
                             const std::string& folder) {
  LEVELKEEP_ASSIGN_OR_RETURN(
      const uint64_t free,
      context.fs->FreeSpace(NearestFolder(context.fs, folder)));
  const RestorerOptions& options = context.options;
  const uint64_t reserve =
      options.reserve ? options.reserve() : options.reserve_bytes;
  if (free >= reserve && free - reserve >= needed) return free - reserve;
  return Status(StatusCode::kNoSpace,
                what + " needs " + FormatBytes(needed) + " and " +
                    FormatBytes(reserve) + " must stay free, but " + folder +
                    " has only " + FormatBytes(free) + " left",
                "free some space or lower BACKUP_RESERVE" +
                    ForgetUndoHint(context, folder));
}

Status CheckFileSize(uint64_t bytes, const std::string& what) {
  const auto limit = FileSizeLimit();
  if (!limit || bytes <= *limit) return Status::Ok();
  return Status(StatusCode::kIoError,
                what + " needs " + FormatBytes(bytes) +
                    ", but files may have " + FormatBytes(*limit) +
                    " at most here (ulimit -f, LimitFSIZE)",
                "raise the limit for the process that restores");
}

// Called first: nothing is written for an archive that can't fit.
Result<uint64_t> CheckFits(const RestoreContext& context,
                           const ArchiveOutline& outline,
                           const std::string& parent, bool for_application) {
  if (const Manifest* const manifest = outline.manifest.get()) {
    if (for_application) {
      LEVELKEEP_RETURN_IF_ERROR(CheckComparator(context, manifest->comparator));
    }
    for (const ManifestFile& file : manifest->files) {
      LEVELKEEP_RETURN_IF_ERROR(CheckFileSize(file.size_bytes, file.name));
    }
  }
  // A foreign archive does not state its content's size, which is at least the
  // size of the archive.
  const uint64_t needed = outline.content_bytes != 0 ? outline.content_bytes
                                                     : outline.archive_bytes;
  return RequireRoom(context, kDatabase, needed, parent);
}

Status CheckTarget(FileSystem* fs, const std::string& target_dir,
                   const std::string& db_name) {
  const auto info = fs->Stat(target_dir);
  if (info.status().code() == StatusCode::kNotFound) return Status::Ok();
  if (!info.ok()) return info.status();
  if (info->type != FileType::kDirectory) {
    return Status(StatusCode::kAlreadyExists,
                  target_dir + " is not a directory", "name another target");
  }
  if (IsMountPoint(fs, target_dir)) {
    return Status(StatusCode::kUnsupported,
                  target_dir + " is a mount point, which no folder can replace",
                  "name a folder in it: " + JoinPath(target_dir, db_name));
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, fs->List(target_dir));
  if (names.empty()) return Status::Ok();
  return Status(StatusCode::kAlreadyExists, target_dir + " is not empty",
                "name a directory that does not exist yet");
}

bool IsArchiveFault(StatusCode code) {
  return code == StatusCode::kCorruption ||
         code == StatusCode::kInvalidArgument || code == StatusCode::kRefused;
}

Result<Restorer::Staged> Restorer::Stage(const RestoreSource& source,
                                         const Work& work) {
  return StageArchive(context_, source, work);
}

Result<Restorer::Staged> StageArchive(const RestoreContext& context,
                                      const RestoreSource& source,
                                      const Work& work) {
  Restorer::Staged staged = NewStaged(context);
  ExtractRequest request;
  request.source = source;
  request.target_dir = staged.directory;
  request.scratch_dir = context.InWork(kScratchPrefix + staged.id);
  LEVELKEEP_ASSIGN_OR_RETURN(request.replaced_id, ReplacedId(context));
  request.work = work;
  // If we die here: the next start sweeps staging and scratch (row R0-R5).
  LEVELKEEP_ASSIGN_OR_RETURN(ExtractedStore store,
                             ExtractChecked(context, request));
  staged.outcome = std::move(store.outcome);
  LEVELKEEP_RETURN_IF_ERROR(FinishStaging(context, staged));
  return staged;
}

Restorer::Staged NewStaged(const RestoreContext& context) {
  Restorer::Staged staged;
  staged.id = RandomId();
  staged.directory = context.InWork(kStagingPrefix + staged.id);
  return staged;
}

Status FinishStaging(const RestoreContext& context,
                     const Restorer::Staged& staged) {
  FileSystem* const fs = context.fs;
  // The folder keeps the mode that the operator gave the live one.
  Status finished;
  const auto live = fs->Stat(context.db_dir());
  if (live.ok() && live->type == FileType::kDirectory) {
    finished = fs->SetMode(staged.directory, live->mode | 0700);
  }
  if (finished.ok()) finished = GiveToService(context, staged.directory);
  if (finished.ok()) finished = fs->SyncDirectory(staged.directory);
  if (finished.ok()) finished = fs->SyncDirectory(context.work_dir());
  if (!finished.ok()) (void)RemoveTree(fs, staged.directory);
  return finished;
}

Status Restorer::JudgeExtract(const ArchiveOutline& outline,
                              const std::string& target_dir) const {
  LEVELKEEP_RETURN_IF_ERROR(
      CheckTarget(context_.fs, target_dir, context_.options.db_name));
  const std::string parent = ParentPath(target_dir);
  if (context_.options.tries_folders) {
    LEVELKEEP_RETURN_IF_ERROR(RequireFolder(context_.fs, "the target's folder",
                                            parent, {.keeps_time = true}));
  }
  return CheckFits(context_, outline, parent, true).status();
}

Result<RestoreOutcome> Restorer::ExtractTo(const RestoreSource& source,
                                           const std::string& target_dir,
                                           const Work& work) {
  FileSystem* const fs = context_.fs;
  LEVELKEEP_RETURN_IF_ERROR(
      CheckTarget(context_.fs, target_dir, context_.options.db_name));
  const std::string parent = ParentPath(target_dir);
  LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(fs, parent));
  const std::string hidden = JoinPath(parent, NewTemporaryName(""));
  ExtractRequest request;
  request.source = source;
  request.target_dir = hidden + ".extract";
  request.scratch_dir = hidden + ".scratch";
  request.replaced_id = "";  // the database keeps its identity
  request.work = work;
  LEVELKEEP_ASSIGN_OR_RETURN(ExtractedStore store,
                             ExtractChecked(context_, request));
  // rename() replaces only an empty directory.
  Status published = fs->Rename(request.target_dir, target_dir);
  if (!published.ok()) {
    (void)RemoveTree(fs, request.target_dir);
    return published;
  }
  // If we die here: the target exists completely, or not at all.
  LEVELKEEP_RETURN_IF_ERROR(fs->SyncDirectory(parent));
  return store.outcome;
}

Result<DrillOutcome> DrillArchive(const RestoreContext& context,
                                  const DrillRequest& request) {
  ExtractRequest extract;
  extract.source = request.archive_name;
  extract.target_dir = JoinPath(request.folder, "database");
  extract.scratch_dir = JoinPath(request.folder, "check");
  if (request.for_application) {
    LEVELKEEP_ASSIGN_OR_RETURN(extract.replaced_id, ReplacedId(context));
  }
  extract.work = request.work;
  LEVELKEEP_ASSIGN_OR_RETURN(ExtractedStore store,
                             ExtractOpened(context, extract, request.reader));
  return DrillOutcome{std::move(store.outcome), std::move(store.check)};
}

Result<StoreCheck> VerifyArchive(const RestoreContext& context,
                                 const VerifyRequest& request) {
  const std::string base =
      JoinPath(request.scratch_parent, kScratchPrefix + RandomId());
  LEVELKEEP_RETURN_IF_ERROR(
      CreateDirectories(context.fs, request.scratch_parent));
  // A foreign archive is extracted, and also an archive for a test's checker or
  // without a path: levelkeep-check can't open these in place.
  const bool in_place =
      !context.options.store_checker || context.options.archive_checker;
  if (request.reader->outline().own && request.reader->has_path() && in_place) {
    return VerifyInPlace(context, request, base + "-check");
  }
  ExtractRequest extract;
  extract.source = request.archive_path;
  extract.target_dir = base;
  extract.scratch_dir = base + "-check";
  extract.work = request.work;
  LEVELKEEP_ASSIGN_OR_RETURN(
      const ExtractedStore store,
      ExtractOpened(context, extract, request.paced_reader));
  LEVELKEEP_RETURN_IF_ERROR(RemoveTree(context.fs, base));
  LEVELKEEP_RETURN_IF_ERROR(Judge(request, store.outcome.archive_sha256));
  return store.check;
}

}  // namespace levelkeep
