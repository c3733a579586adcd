// The jobs of this manager: their handlers, the folder of their records, and
// the submission of jobs for other callers.

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "base/work.h"
#include "jobs/job.h"
#include "manager/backup_manager_impl.h"

namespace levelkeep {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A verification or drill that interrupted its process so often is not begun
// again: it may be the reason.
constexpr uint64_t kMostInterruptions = 2;

// Characters of an Idempotency-Key.
bool IsKey(const std::string& key) {
  return !key.empty() && key.size() <= 255 &&
         std::all_of(key.begin(), key.end(),
                     [](char c) { return c > 0x20 && c < 0x7f; });
}

// A pre hook reports nothing, and has a limit of its own. At a low rate limit,
// reports are far apart.
seconds QuietLimitOfCreate(const BackupOptions& options) {
  constexpr uint64_t kMostBetweenReports = 4 << 20;
  seconds limit(options.retries.backup_timeout);
  if (limit.count() == 0) return limit;
  const auto& hooks = options.notify.hooks;
  if (!hooks.pre.empty()) limit += seconds(hooks.timeout_seconds);
  const uint64_t rate = options.resources.rate_limit_bytes_per_second;
  if (rate > 0) limit += seconds(kMostBetweenReports / rate);
  return limit;
}

}  // namespace

std::map<JobType, JobHandler> BackupManager::Impl::Handlers() {
  const auto& retries = options_.retries;
  return {
      {JobType::kCreate,
       {.run = [this](const JobRun& run) { return Create(run); },
        .is_needed = [this](const JobRequest&) { return NeedsCreate(); },
        .policy = {.retries = static_cast<uint64_t>(retries.backup),
                   .retry_delay =
                       std::min<milliseconds>(seconds(retries.backup_delay),
                                              options_.schedule.interval),
                   .quiet_limit = QuietLimitOfCreate(options_),
                   .quiet_setting = "BACKUP_TIMEOUT"}}},
      {JobType::kRestore,
       {.run = [this](const JobRun& run) { return Restore(run); }}},
      {JobType::kUndo,
       {.run = [this](const JobRun& run) { return Undo(run); }}},
      {JobType::kVerify,
       {.run = [this](const JobRun& run) { return Verify(run); },
        .is_needed =
            [this](const JobRequest& request) { return NeedsVerify(request); },
        .policy = {.quiet_limit = seconds(retries.verify_timeout),
                   .quiet_setting = "VERIFY_TIMEOUT",
                   .interruptions = kMostInterruptions}}},
      {JobType::kRotate,
       {.run = [this](const JobRun&) { return Rotate(); },
        .is_needed = [this](const JobRequest&) { return NeedsRotate(); },
        .policy = {.retries = static_cast<uint64_t>(retries.rotate),
                   .retry_delay = seconds(retries.rotate_delay),
                   .quiet_limit = seconds(retries.rotate_timeout),
                   .quiet_setting = "ROTATE_TIMEOUT"}}},
      {JobType::kDelete,
       {.run = [this](const JobRun& run) { return Delete(run); }}},
      {JobType::kDrill,
       {.run = [this](const JobRun& run) { return Drill(run); },
        .is_needed =
            [this](const JobRequest& request) { return NeedsDrill(request); },
        .policy = {.quiet_limit = seconds(retries.drill_timeout),
                   .quiet_setting = "DRILL_TIMEOUT",
                   .interruptions = kMostInterruptions}}},
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
    drills_ = std::make_shared<DrillRecords>(
        fs_, ParentPath(engine_.JobsFolder(database_id)));
  }
  (void)TakeUpJobs(store);  // the watch looks again, and tells of failures
  RecallFailure(store);
  WatchJobs(store);
}

// A verification that ended its process too often rests, as one that could not
// be done.
Status BackupManager::Impl::TakeUpJobs(const std::shared_ptr<JobStore>& store) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto interrupted, jobs_.TakeUp(store));
  for (const Job& job : interrupted) {
    const auto backup = engine_.Find(job.request.backup);
    if (!backup.ok()) continue;
    if (job.request.type == JobType::kVerify) engine_.NoteUnfinished(*backup);
    if (job.request.type == JobType::kDrill) {
      NoteUnfinishedDrill(*backup, "was interrupted by the end of its process");
    }
  }
  return Status::Ok();
}

// Ends the watch of an earlier store; null: only that.
void BackupManager::Impl::WatchJobs(std::shared_ptr<JobStore> store) {
  std::unique_ptr<JobWatch> watch;
  if (store != nullptr && watches_jobs_) {
    watch = std::make_unique<JobWatch>(
        store, clock_, [this] { return engine_.options().schedule.poll; },
        [this, store] { return TakeUpJobs(store); });
  }
  {
    MutexLock lock(&mutex_);
    watch.swap(job_watch_);
  }
  watch.reset();  // its thread may need the mutex
}

// So that a restart does not hide a failure: the last backup that ended failed,
// as far as records show, and none has succeeded since.
void BackupManager::Impl::RecallFailure(
    const std::shared_ptr<JobStore>& store) {
  constexpr size_t kFew = 20;
  const auto jobs = store->List({.limit = kFew, .type = JobType::kCreate});
  if (!jobs.ok()) return;
  const Time now = clock_->Now();
  // A job from the future ran while the clock was wrong; others are newer.
  const auto last = std::ranges::find_if(*jobs, [&](const Job& job) {
    return job.has_ended() && job.ended && *job.ended <= now;
  });
  if (last == jobs->end() || last->status != JobStatus::kFailed) return;
  const auto newest = NewestBackup();
  if (newest && *newest > *last->ended) return;
  MutexLock lock(&mutex_);
  last_error_ = last->message;
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
      if (request.all && request.backup.empty()) break;
      [[fallthrough]];
    case JobType::kDrill:
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

// A repeat with the same key gets the job of the first request, even if the
// request would be refused by now.
Result<std::string> BackupManager::Impl::SubmitJob(const JobRequest& request,
                                                   const std::string& key) {
  const std::string content = key.empty() ? "" : DescribeRequest(request);
  if (!key.empty()) {
    if (!IsKey(key)) {
      return Status(StatusCode::kInvalidArgument,
                    "the idempotency key is not usable",
                    "use 1 to 255 visible ASCII characters");
    }
    LEVELKEEP_ASSIGN_OR_RETURN(const auto known, jobs_.FindKey(key, content));
    if (known) return *known;
  }
  LEVELKEEP_ASSIGN_OR_RETURN(JobRequest complete, Complete(request));
  return jobs_.Submit({.request = std::move(complete),
                       .must_be_recorded = true,
                       .key = key,
                       .key_content = content});
}

}  // namespace levelkeep
