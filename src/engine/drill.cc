// A drill: a restore into a scratch folder, as far as a restore goes before it
// exchanges databases.

#include <chrono>
#include <memory>
#include <utility>

#include "archive/parallel.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/scratch_directory.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "catalog/drill_records.h"
#include "engine/engine.h"
#include "engine/paced_archive.h"
#include "restore/context.h"
#include "restore/staging.h"

namespace levelkeep {

namespace {

// A start removes it, too: its name begins as those of other scratch folders.
constexpr char kDrillPrefix[] = "scratch-drill-";

// Removes what killed drills left; the folders of living ones stay.
void SweepDrills(FileSystem* fs, const std::string& folder) {
  const auto names = fs->List(folder);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (!name.starts_with(kDrillPrefix)) continue;
    const auto removed = SweepScratch(fs, JoinPath(folder, name));
    if (removed.ok() && !*removed) continue;
    LogInfo(kEngineLogTag, removed.ok()
                               ? name + ": left-over of a drill removed"
                               : name + ": the left-over of a drill stays: " +
                                     removed.status().ToString());
  }
}

// The scratch folder of a drill. The folders above it that had to be made go
// with it.
class DrillScratch {
 public:
  DrillScratch(FileSystem* fs, std::string parent)
      : fs_(fs),
        parent_(std::move(parent)),
        makes_above_(!PathExists(fs, ParentPath(parent_))) {}
  ~DrillScratch() {
    folder_.reset();
    if (makes_above_) (void)fs_->RemoveDirectory(ParentPath(parent_));
  }
  DrillScratch(const DrillScratch&) = delete;

  Status Make() {
    LEVELKEEP_ASSIGN_OR_RETURN(
        folder_, ScratchDirectory::Make(
                     fs_, JoinPath(parent_, kDrillPrefix + RandomId())));
    return Status::Ok();
  }
  const std::string& path() const { return folder_->path(); }

 private:
  FileSystem* const fs_;
  const std::string parent_;
  const bool makes_above_;
  std::unique_ptr<ScratchDirectory> folder_;
};

// The drill was stopped, or the backup is gone.
bool SaysNothing(StatusCode code) {
  return code == StatusCode::kBusy || code == StatusCode::kCancelled ||
         code == StatusCode::kNotFound;
}

// To a thousandth, as the record has it.
double RoundedSeconds(std::chrono::nanoseconds time) {
  const auto milliseconds =
      std::chrono::round<std::chrono::milliseconds>(time).count();
  return static_cast<double>(milliseconds) / 1000.0;
}

void Describe(const DrillOutcome& outcome, DrillReport* report) {
  report->bytes = outcome.restored.content_bytes;
  report->entries = outcome.check.entries;
  report->last_sequence = outcome.check.last_sequence;
  if (const Manifest* const manifest = outcome.restored.manifest.get()) {
    report->events = manifest->events ? manifest->events->count : 0;
  }
  if (!outcome.restored.own) {
    report->not_compared.emplace_back(
        "the archive has no manifest: its files and write number could not be "
        "compared");
  }
  if (!outcome.check.order_checked) {
    report->not_compared.emplace_back(
        "the comparator is unknown here: the order of keys was not checked");
  }
}

}  // namespace

// 1. one check at a time   2. mark the backup as being read   3. restore it on
// another thread, and remove it again   4. record the drill   5. record the
// verdict
Result<DrillReport> Engine::Drill(const FoundBackup& backup, const Work& work) {
  LEVELKEEP_RETURN_IF_ERROR(Prepare());
  Content content;
  content.folder = VerifyFolder(backup);
  LEVELKEEP_ASSIGN_OR_RETURN(auto lock,
                             fs_->Lock(JoinPath(content.folder, kVerifyLock)));
  const InUseMark mark = MarkInUse(backup);
  DrillReport report;
  report.name = backup.name;
  report.at = clock_->Now();
  Status status = RunAside(options().resources.priority, [&] {
    return RestoreAside(backup, work, &content, &report);
  });
  if (SaysNothing(status.code())) return status.WithContext(backup.name);
  report.ok = status.ok();
  report.damaged = status.code() == StatusCode::kCorruption;
  if (!report.ok && !report.damaged) status = status.WithContext("not checked");
  report.problem = status.message();
  RecordDrill(backup, report);
  if (report.ok || report.damaged) {
    LEVELKEEP_RETURN_IF_ERROR(
        RecordVerdict(backup, VerifyDepth::kFull, status, content.sha256));
  }
  if (!status.ok()) return status.WithContext(backup.name);
  LEVELKEEP_RETURN_IF_ERROR(Honour(backup, VerifyDepth::kFull, content));
  LogInfo(kEngineLogTag, backup.name + ": a drill restored " +
                             FormatBytes(report.bytes) + " and " +
                             std::to_string(report.entries) + " keys");
  return report;
}

// A restore would write beside the live database. A process without storage
// uses the folder of its check.
// 1. sweep   2. open the archive   3. is there space?   4. extract, open, read,
// compare   5. compare with the sidecar
Status Engine::RestoreAside(const FoundBackup& backup, const Work& work,
                            Content* content, DrillReport* report) {
  std::vector<std::string> swept;
  (void)RemoveScratch(content->folder, &swept);
  const bool has_storage =
      platform_.has_storage && PathExists(fs_, options_.storage_dir);
  const std::string folder =
      has_storage ? WorkDirOf(options_.storage_dir, options_.db_name)
                  : content->folder;
  SweepDrills(fs_, folder);
  LEVELKEEP_ASSIGN_OR_RETURN(const auto reader,
                             OpenToCheck(backup, work, &content->sha256));
  content->report.own = reader->outline().own;
  const RestoreContext context = PacedContext(reader->outline().content_bytes,
                                              options_.retries.drill_timeout);
  LEVELKEEP_RETURN_IF_ERROR(RequireCheck());
  LEVELKEEP_RETURN_IF_ERROR(
      CheckFits(context, reader->outline(), folder, has_storage).status());
  DrillScratch scratch(fs_, folder);
  LEVELKEEP_RETURN_IF_ERROR(scratch.Make());
  PacedArchive paced(clock_, options().resources.rate_limit_bytes_per_second,
                     work.stop);
  LEVELKEEP_ASSIGN_OR_RETURN(ArchiveReader* const paced_reader,
                             paced.Open(fs_, backup.name, reader.get()));
  const auto started = clock_->SteadyNow();
  const auto outcome = DrillArchive(
      context, {paced_reader, backup.name, scratch.path(), has_storage, work});
  const auto took = clock_->SteadyNow() - started;
  report->seconds = RoundedSeconds(took);
  report->limited = paced.waited() > took / 20;
  if (outcome.ok() || IsArchiveFault(outcome.status().code())) {
    // What was read is perhaps not what has the name now.
    LEVELKEEP_RETURN_IF_ERROR(reader->CheckUnchanged(work.stop));
  }
  if (!outcome.ok()) {
    return ExplainFault(backup, reader.get(), outcome.status(), work,
                        &content->sha256);
  }
  Describe(*outcome, report);
  content->sha256 = outcome->restored.archive_sha256;
  return CheckSidecar(backup, content->sha256);
}

// Beside the records of the backup's database; those of backups that name none
// beside the records of the owner.
void Engine::RecordDrill(const FoundBackup& backup, const DrillReport& report) {
  std::string folder = VerifyFolder(backup);
  if (folder == StatePath("")) {
    const std::string id = ReadOwner().id;
    if (!id.empty() && !IsOther(backup)) folder = records_.Folder(id);
  }
  const Status recorded = DrillRecords(fs_, folder).Add(report);
  if (recorded.ok()) return;
  LogWarn(kEngineLogTag,
          backup.name + ": the drill was not recorded: " + recorded.ToString());
}

}  // namespace levelkeep
