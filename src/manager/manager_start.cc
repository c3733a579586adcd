// Initialize: everything that must happen before the application opens
// LevelDB.

#include <map>
#include <memory>
#include <utility>

#include "base/log.h"
#include "base/status_macros.h"
#include "dbfiles/db_lock.h"
#include "manager/backup_manager_impl.h"

namespace levelkeep {

namespace {

constexpr char kANewOneBegins[] = "; a new database begins";

void Log(const StartReport& report) {
  if (report.restored) {
    LogInfo(kEngineLogTag, report.restored_from + ": restored, write number " +
                               std::to_string(report.restored_sequence));
  }
  if (report.restored_other_database) {
    LogWarn(kEngineLogTag,
            report.restored_from +
                " is a backup of ANOTHER database; it was restored because it "
                "was in RESTORE_DIR. levelkeep restore --undo puts the old "
                "database back");
  }
  for (const auto& [name, reason] : report.rejected) {
    LogWarn(kEngineLogTag, name + ": rejected, " + reason);
  }
  if (!report.gap.empty()) {
    LogWarn(kEngineLogTag,
            "writes are missing before or in " + report.gap +
                " of the database: the power or a write failed, or a log was "
                "removed; LevelDB continues without them");
  }
  if (!report.missing_database.empty()) {
    LogWarn(kEngineLogTag, report.missing_database + kANewOneBegins);
  }
  for (const std::string& name : report.swept) {
    LogInfo(kEngineLogTag, name + ": left-over removed");
  }
  LogInfo(kEngineLogTag, report.lock);
}

}  // namespace

// 1. options   2. folders   3. instance lock   4. interrupted restore
// 5. left-overs   6. dropped archives   7. is the database whole, and ours?
//    8. LOCK
Result<StartReport> BackupManager::Impl::Initialize(std::stop_token stop) {
  if (initialized_) {
    return Status(StatusCode::kAlreadyExists,
                  "the backup manager is initialized already");
  }
  LEVELKEEP_RETURN_IF_ERROR(options_.Validate());
  Restorer* const restorer = engine_.OpenRestorer();
  LEVELKEEP_RETURN_IF_ERROR(SettleFolders(Walk::Act()));

  StartReport report;
  report.no_check = engine_.DescribeMissingCheck();
  LEVELKEEP_RETURN_IF_ERROR(CheckLock(&report));
  LEVELKEEP_ASSIGN_OR_RETURN(RecoveryOutcome recovery, restorer->Recover());
  report.recovered = recovery.finished_restore || recovery.undone_restore;
  report.swept = std::move(recovery.swept);
  LEVELKEEP_ASSIGN_OR_RETURN(auto swept, engine_.Sweep());
  report.swept.insert(report.swept.end(), swept.begin(), swept.end());
  if (options_.restore.at_start) {
    LEVELKEEP_RETURN_IF_ERROR(ApplyDropped(std::move(stop), &report));
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string database_id,
                             LookAtDatabase(&report));
  LEVELKEEP_RETURN_IF_ERROR(CheckLock(&report));
  Log(report);
  for (const std::string& warning : engine_.Warnings()) {
    LogWarn(kEngineLogTag, warning);
  }
  initialized_ = true;
  jobs_.Suspend(JobType::kCreate);  // until a database is attached
  OpenNotifications();
  OpenJobs(database_id);
  SubmitVerificationOfReplaced();
  SubmitRechecks();
  return report;
}

// Follows the order of Initialize and uses its steps: 1. options   2. folders
// 3. what a start would recover and sweep   4. is the database whole, and ours?
Result<std::vector<std::string>> BackupManager::Impl::CheckStart() {
  LEVELKEEP_RETURN_IF_ERROR(options_.Validate());
  std::vector<std::string> warnings;
  const Walk judge = Walk::Judge(&warnings);
  LEVELKEEP_RETURN_IF_ERROR(SettleFolders(judge));
  LEVELKEEP_RETURN_IF_ERROR(engine_.restorer()->Recover(judge).status());
  LEVELKEEP_RETURN_IF_ERROR(engine_.Sweep(judge).status());
  std::string missing;
  LEVELKEEP_RETURN_IF_ERROR(RequireUsable(&missing));
  if (!missing.empty()) warnings.push_back(missing + kANewOneBegins);
  for (std::string& warning : engine_.Warnings()) {
    warnings.push_back(std::move(warning));
  }
  return warnings;
}

// Settles the folders of the manager, and those of the engine and the restorer
// in them.
Status BackupManager::Impl::SettleFolders(const Walk& walk) {
  for (const auto& [variable, folder] :
       {std::pair("STORAGE_DIR", options_.storage_dir),
        std::pair("RESTORE_DIR", options_.restore_dir),
        std::pair("BACKUP_DIR", options_.backup_dir)}) {
    LEVELKEEP_RETURN_IF_ERROR(
        walk.MakeFolder(fs_, folder).WithContext(variable));
  }
  LEVELKEEP_RETURN_IF_ERROR(CheckFoldersDiffer());
  LEVELKEEP_RETURN_IF_ERROR(engine_.CheckFolders());
  LEVELKEEP_RETURN_IF_ERROR(engine_.Prepare(walk).WithContext("BACKUP_DIR"));
  LEVELKEEP_RETURN_IF_ERROR(engine_.CheckBackupFolder(walk));
  return engine_.OpenRestorer()->Prepare(walk);
}

// Compares the folders themselves, because a link or a mount may lead to the
// same place. Folders that do not exist yet are compared by name.
Status BackupManager::Impl::CheckFoldersDiffer() {
  const std::pair<const char*, std::string> folders[] = {
      {"STORAGE_DIR", options_.storage_dir},
      {"BACKUP_DIR", options_.backup_dir},
      {"RESTORE_DIR", options_.restore_dir}};
  std::map<std::pair<uint64_t, uint64_t>, const char*> seen;
  for (const auto& [variable, path] : folders) {
    const auto info = fs_->StatFollowing(path);
    if (info.status().code() == StatusCode::kNotFound) continue;
    LEVELKEEP_RETURN_IF_ERROR(info.status());
    const auto [it, inserted] =
        seen.emplace(std::pair(info->device, info->inode), variable);
    if (inserted) continue;
    return Status(StatusCode::kInvalidArgument,
                  std::string(it->second) + " and " + variable +
                      " are the same folder (" + path + ")",
                  "give each its own folder");
  }
  return Status::Ok();
}

// A left-over LOCK file blocks nothing, because the kernel released the lock
// with its process. A held LOCK is never touched; the message names its holder.
Status BackupManager::Impl::CheckLock(StartReport* report) {
  const std::string db_dir = options_.storage_path();
  std::string holder;
  LEVELKEEP_ASSIGN_OR_RETURN(const DbLock::State state,
                             DbLock::Probe(fs_, db_dir, &holder));
  if (state == DbLock::State::kFree) {
    report->lock = "LOCK of " + db_dir + " is not held: nothing to clear";
    return Status::Ok();
  }
  if (state == DbLock::State::kHeldByThisProcess) {
    return Status(StatusCode::kBusy,
                  "database " + db_dir + " is open in this process already",
                  "call BackupManager::Initialize before leveldb::DB::Open, "
                  "and use one BackupManager for each database");
  }
  return Status(StatusCode::kBusy,
                "database " + db_dir + " is open in " + holder,
                "stop that process first; deleting LOCK would let two "
                "processes destroy the database");
}

// An empty database in place of a missing one would be backed up until rotation
// had removed every backup of the real one.
Status BackupManager::Impl::RequireUsable(std::string* missing) {
  LEVELKEEP_RETURN_IF_ERROR(engine_.RequireUsable());
  if (engine_.DatabasePresent()) return Status::Ok();
  const Status here = engine_.RequireDatabase();
  if (!options_.restore.allow_new_database) return here;
  *missing = here.message();
  return Status::Ok();
}

Result<std::string> BackupManager::Impl::LookAtDatabase(StartReport* report) {
  LEVELKEEP_RETURN_IF_ERROR(RequireUsable(&report->missing_database));
  if (!engine_.DatabasePresent()) return std::string();
  LEVELKEEP_ASSIGN_OR_RETURN(const Adoption adoption, engine_.Adopt(true));
  report->gap = adoption.gap;
  if (adoption.began) report->forked = adoption.forked;
  return adoption.identity.id;
}

// Somebody who drops a file into an empty installation wants its data. A
// restart by a supervisor must not create an empty database instead, so the
// start fails.
Status BackupManager::Impl::RefuseEmptyStart(const DropOutcome& outcome) const {
  std::string message = "there is no database in " + options_.storage_path() +
                        ", and the archive in " + options_.restore_dir +
                        " was not restored: " + outcome.refused;
  const Status missing = engine_.RequireDatabase();
  if (!missing.ok()) message += "; also, " + missing.message();
  return Status(StatusCode::kRefused, message,
                "replace or remove that archive and start again, or set "
                "ALLOW_NEW_DATABASE=true to begin with an empty database");
}

// Applies the dropped archives. If there is no database and a dropped archive
// can't be restored, the start fails.
Status BackupManager::Impl::ApplyDropped(std::stop_token stop,
                                         StartReport* report) {
  const bool only_hope =
      !engine_.DatabasePresent() && !options_.restore.allow_new_database;
  const Owner owner = engine_.ReadOwner();
  LEVELKEEP_ASSIGN_OR_RETURN(
      const DropOutcome outcome,
      engine_.restorer()->ApplyDropped(
          std::move(stop), only_hope ? BadDrops::kStay : BadDrops::kMoveAside));
  if (only_hope && !outcome.left.empty() && !outcome.applied) {
    return RefuseEmptyStart(outcome);
  }
  for (const RejectedDrop& rejection : outcome.rejected) {
    report->rejected.emplace_back(rejection.name, rejection.reason);
  }
  report->refused = outcome.refused;
  for (const LeftDrop& drop : outcome.left) {
    report->unrestored.push_back(drop.why);
  }
  if (outcome.applied) {
    report->restored = true;
    report->restored_from = outcome.applied->archive_name;
    report->restored_sequence = outcome.applied->last_sequence;
    const auto& manifest = outcome.applied->manifest;
    report->restored_other_database =
        manifest != nullptr && owner.IsOther(*manifest);
  }
  return Status::Ok();
}

}  // namespace levelkeep
