// The jobs of this manager: their handlers, the folder of their records, and
// the submission of jobs for other callers.

#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "base/work.h"
#include "manager/backup_manager_impl.h"

namespace levelkeep {

std::map<JobType, JobHandler> BackupManager::Impl::Handlers() {
  return {
      {JobType::kCreate,
       {.run = [this](const JobRun& run) { return Create(run); },
        .is_needed = [this](const JobRequest&) { return NeedsCreate(); }}},
      {JobType::kRestore,
       {.run = [this](const JobRun& run) { return Restore(run); }}},
      {JobType::kUndo,
       {.run = [this](const JobRun& run) { return Undo(run); }}},
      {JobType::kVerify,
       {.run = [this](const JobRun& run) { return Verify(run); },
        .is_needed =
            [this](const JobRequest& request) {
              return NeedsVerify(request);
            }}},
      {JobType::kRotate, {.run = [this](const JobRun&) { return Rotate(); }}},
      {JobType::kDelete,
       {.run = [this](const JobRun& run) { return Delete(run); }}},
  };
}

// The records are stored with the other records of the database. A restore that
// puts another database in place leaves them there.
void BackupManager::Impl::OpenJobs(const std::string& database_id) {
  {
    MutexLock lock(&mutex_);
    if (database_id.empty() || database_id == database_id_) return;
    database_id_ = database_id;
  }
  const auto store =
      std::make_shared<JobStore>(fs_, clock_, engine_.JobsFolder(database_id));
  {
    MutexLock lock(&mutex_);
    job_store_ = store;
  }
  // A verification changes nothing: an interrupted one is simply done again.
  for (const Job& job : jobs_.TakeUp(store)) {
    if (job.request.type == JobType::kVerify) {
      SubmitVerification(job.request.backup);
    }
  }
}

// Refuses a wrong request now, and not when the job begins; "latest" means the
// newest backup at this moment.
Result<JobRequest> BackupManager::Impl::Complete(JobRequest request) {
  LEVELKEEP_RETURN_IF_ERROR(RequireInitialized());
  LEVELKEEP_RETURN_IF_ERROR(ValidateLabel(request.label));
  switch (request.type) {
    case JobType::kRestore: {
      LEVELKEEP_ASSIGN_OR_RETURN(const FoundBackup backup,
                                 FindForRestore(request.backup, request.mode));
      request.backup = backup.name;
      break;
    }
    case JobType::kVerify:
    case JobType::kDelete: {
      LEVELKEEP_ASSIGN_OR_RETURN(const FoundBackup backup,
                                 engine_.Find(request.backup));
      request.backup = backup.name;
      break;
    }
    case JobType::kUndo:
      LEVELKEEP_RETURN_IF_ERROR(
          JudgeUndo(request.all ? UndoScope::kAll : UndoScope::kLast));
      break;
    case JobType::kCreate:
    case JobType::kRotate:
      break;
  }
  return request;
}

Result<std::string> BackupManager::Impl::SubmitJob(JobRequest request) {
  LEVELKEEP_ASSIGN_OR_RETURN(request, Complete(std::move(request)));
  return jobs_.Submit(
      {.request = std::move(request), .must_be_recorded = true});
}

}  // namespace levelkeep
