// levelkeep worker

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/mutex.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "cli/reload.h"
#include "cli/session.h"
#include "cli/supervision.h"
#include "dbfiles/identity.h"
#include "engine/due_verification.h"
#include "engine/engine.h"
#include "jobs/job.h"
#include "jobs/job_runner.h"
#include "jobs/job_watch.h"
#include "notify/notifier.h"

namespace levelkeep::cli {

namespace {

constexpr char kWorkerTag[] = "BackupWorker";
constexpr char kWorkerHelp[] =
    "Verifies new backups in the background, in a process of its own.\n"
    "\n"
    "Usage: levelkeep worker [--once]\n"
    "\n"
    "The worker looks for unverified backups in BACKUP_DIR "
    "every\nBACKUP_WORKER_POLL_MS and never opens the event store. It also "
    "does "
    "the\nverifications and rotations that levelkeep job run has left there. "
    "It "
    "runs no\nschedule.\n";

constexpr std::chrono::seconds kMessagePatience{3};

// A worker that can't read a secret tells nobody anything.
NotifyOptions NotifyOptionsOf(const Settings& settings) {
  if (settings.notify_secret_problem.empty()) return settings.backup.notify;
  LogWarn(kWorkerTag,
          "nobody is told of verifications: " + settings.notify_secret_problem);
  return {};
}

// The pause after another process verified backups of the same database.
constexpr std::chrono::milliseconds kBusyDelay{5'000};

constexpr VerbOption kWorkerOptions[] = {
    {"--once", nullptr, "verify the present backups, then end",
     &VerbArguments::once},
};

class Worker {
 public:
  // Tells what there is to tell, at most for a few seconds.
  ~Worker() {
    jobs_.Close();
    notifier_.Flush(kMessagePatience);
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  // `once`: a backup that could not be checked is not tried again.
  Worker(const Settings& settings, const World& world, bool once)
      : once_(once),
        options_(settings.backup),
        fs_(world.fs),
        clock_(world.clock),
        engine_(settings.backup,
                {.fs = world.fs, .clock = world.clock, .has_storage = false}),
        notifier_(NotifyOptionsOf(settings), world.fs, world.clock,
                  settings.backup.db_name),
        jobs_(world.clock,
              {{JobType::kVerify,
                {.run = [this](const JobRun& run) { return Verify(run); },
                 .is_needed =
                     [this](const JobRequest& job) { return IsNeeded(job); }}},
               {JobType::kRotate,
                {.run = [this](const JobRun&) { return Rotate(); }}}},
              [this](const JobRequest& job) { return StoreOf(job); }),
        stop_(world.stop, [this] { jobs_.StopAll(); }) {
    notifier_.Open("");  // STORAGE_DIR belongs to another process
    jobs_.AddListener([this](const Job& job) { notifier_.Hear(job); });
  }

  // Also removes the scratch folders of killed workers, but not those of living
  // processes.
  Status Prepare() {
    // The process that makes backups creates the folder. Until then, or while
    // its volume is not mounted, there is nothing to verify.
    Status prepared = engine_.ListRecentEntries().status();
    if (prepared.code() == StatusCode::kNotFound) return prepared;
    prepared = engine_.Prepare();
    if (prepared.ok()) prepared = engine_.CheckBackupFolder();
    LEVELKEEP_RETURN_IF_ERROR(prepared);
    LEVELKEEP_ASSIGN_OR_RETURN(const auto swept, engine_.Sweep());
    for (const std::string& name : swept) {
      LogInfo(kWorkerTag, name + ": left-over removed");
    }
    return Status::Ok();
  }

  // Submits the verification of each backup without one, except while a backup
  // rests after a failed try. Returns the jobs.
  Result<std::vector<std::string>> SubmitPending() {
    LEVELKEEP_ASSIGN_OR_RETURN(const auto pending,
                               engine_.PendingVerification());
    std::vector<std::string> ids;
    for (const std::string& name : pending) {
      const auto backup = engine_.Find(name);
      if (!backup.ok() || WasDone(*backup)) continue;  // or rotated away
      const auto rest = engine_.RestBeforeRecheck(*backup);
      auto id =
          jobs_.Submit({.request = {.type = JobType::kVerify,
                                    .backup = name,
                                    .if_needed = true,
                                    .trigger = "worker"},
                        .joins = true,
                        .delay = once_ ? std::chrono::milliseconds(0) : rest});
      if (id.status().code() == StatusCode::kCancelled)
        return NotToItsEnd(name);
      LEVELKEEP_RETURN_IF_ERROR(id.status());
      ids.push_back(std::move(*id));
    }
    return ids;
  }

  // Takes up the jobs that others put into BACKUP_DIR, now and from now on.
  // Creates no folder.
  void TakeUpOffered() {
    for (const std::string& folder : engine_.JobsFolders()) {
      if (PathExists(fs_, folder)) OpenStore(folder);
    }
  }
  // The jobs that have not ended.
  std::set<std::string> OpenJobs() {
    std::set<std::string> ids;
    const auto jobs = jobs_.List({});
    for (const Job& job : jobs.ok() ? *jobs : std::vector<Job>()) {
      if (!job.has_ended()) ids.insert(job.id);
    }
    return ids;
  }

  JobRunner* jobs() { return &jobs_; }
  void Reload(const Settings& settings) { engine_.Reload(settings.backup); }

  // The worker's present work, for a question.
  std::string State() {
    MutexLock lock(&mutex_);
    return (at_.empty() ? "waiting" : "checking " + at_) +
           ", checked since the start: " + std::to_string(checked_);
  }

 private:
  static Status NotToItsEnd(const std::string& name) {
    return Status(StatusCode::kCancelled,
                  name + " was not verified to its end");
  }

  using Key = std::pair<int64_t, std::string>;
  static Key KeyOf(const FoundBackup& backup) {
    return {backup.mtime_ns, backup.sha256};
  }

  // True if this process has verified the backup. Its record may not count on a
  // file system that shows other owners; without this set, it would be verified
  // again for ever.
  bool WasDone(const FoundBackup& backup) {
    MutexLock lock(&mutex_);
    const auto done = done_.find(backup.name);
    return done != done_.end() && done->second == KeyOf(backup);
  }

  // Not if the server verified the backup meanwhile, or rotated it away.
  bool IsNeeded(const JobRequest& job) {
    if (job.all) return true;
    const auto backup = engine_.Find(job.backup);
    return backup.ok() && !WasDone(*backup) && !backup->verified_in_full();
  }

  // The store of the backup's database. The jobs that a killed worker left in
  // it are taken up when it is opened.
  std::shared_ptr<JobStore> StoreOf(const JobRequest& job) {
    const auto backup = engine_.Find(job.backup);
    if (!backup.ok()) return nullptr;
    return OpenStore(engine_.JobsFolder(*backup));
  }

  std::shared_ptr<JobStore> OpenStore(const std::string& folder) {
    std::shared_ptr<JobStore> store;
    {
      MutexLock lock(&mutex_);
      const auto known = stores_.find(folder);
      if (known != stores_.end()) return known->second;
      store = std::make_shared<JobStore>(fs_, clock_, folder);
      stores_[folder] = store;
    }
    const Status taken = TakeUp(store, folder);
    if (!taken.ok())
      LogWarn(kWorkerTag, "kept jobs were not taken up: " + taken.ToString());
    if (once_) return store;
    auto watch = std::make_unique<JobWatch>(
        store, clock_, [this] { return engine_.options().schedule.poll; },
        [this, store, folder] { return TakeUp(store, folder); });
    MutexLock lock(&mutex_);
    watches_.push_back(std::move(watch));
    return store;
  }

  // A rotation needs to know whether a restore can be undone, which stands
  // beside the database.
  Status TakeUp(const std::shared_ptr<JobStore>& store,
                const std::string& folder) {
    const auto taken = jobs_.TakeUp(store, [&](JobType type) {
      if (type != JobType::kRotate) return true;
      const auto identity = ReadIdentity(fs_, options_.storage_path());
      return identity.ok() && !identity->id.empty() &&
             engine_.JobsFolder(identity->id) == folder;
    });
    return taken.status();
  }

  JobOutcome Rotate() {
    BackupOptions options = options_;
    options.retention = engine_.options().retention;
    Engine engine(options, {.fs = fs_, .clock = clock_});
    const auto decisions = engine.Rotate();
    if (!decisions.ok()) return {decisions.status()};
    const auto removed =
        std::ranges::count(*decisions, false, &RotationDecision::keep);
    LogInfo(kWorkerTag, std::to_string(removed) + " backups were removed");
    return {Status::Ok(), std::to_string(removed) + " backups were removed"};
  }

  JobOutcome VerifyDue(const JobRun& run) {
    const auto report =
        DueVerification(&engine_, fs_, clock_).Run(run.created, run.work);
    if (report.ok()) {
      LogInfo(kWorkerTag, report->message());
      return {report->status(), report->message()};
    }
    JobOutcome outcome{report.status()};
    outcome.postponed = report.status().code() == StatusCode::kBusy ||
                        report.status().code() == StatusCode::kCancelled;
    if (outcome.postponed && !once_) outcome.again = kBusyDelay;
    return outcome;
  }

  void IsAt(const std::string& name, uint64_t checked) {
    MutexLock lock(&mutex_);
    at_ = name;
    checked_ += checked;
  }

  JobOutcome Verify(const JobRun& run) {
    if (run.request.all) return VerifyDue(run);
    const std::string& name = run.request.backup;
    const auto backup = engine_.Find(name);
    if (!backup.ok()) return {Status::Ok(), name + " was rotated away"};
    LogInfo(kWorkerTag, name + ": processing");
    IsAt(name, 0);
    const Status status =
        engine_.Verify(*backup, VerifyDepth::kFull, run.work).status();
    const bool judged = status.ok() || status.code() == StatusCode::kCorruption;
    IsAt("", judged ? 1 : 0);
    if (judged) {
      MutexLock lock(&mutex_);
      done_[name] = KeyOf(*backup);
    }
    return Conclude(*backup, status);
  }

  JobOutcome Conclude(const FoundBackup& backup, const Status& status) const {
    JobOutcome outcome{
        status, backup.name + " is sound", {{"backup", backup.name}}};
    if (status.ok()) {
      LogInfo(kWorkerTag, backup.name + ": completed");
    } else if (status.code() == StatusCode::kCorruption) {
      LogError(kWorkerTag, backup.name + ": failed: " + status.message());
    } else if (status.code() == StatusCode::kCancelled) {
      LogInfo(kWorkerTag, backup.name + ": postponed: " + status.message());
      outcome.status = NotToItsEnd(backup.name);
    } else if (status.code() == StatusCode::kBusy) {
      // The server is verifying the backup.
      LogInfo(kWorkerTag, backup.name + ": postponed: " + status.message());
      if (!once_) outcome.again = kBusyDelay;
      outcome.postponed = true;
    } else {
      LogWarn(kWorkerTag, backup.name + ": not checked: " + status.ToString());
      const auto& before = backup.not_checked;
      if (!once_) {
        outcome.again = PauseBeforeRecheck((before ? before->times : 0) + 1);
      }
    }
    return outcome;
  }

  const bool once_;
  const BackupOptions options_;
  FileSystem* const fs_;
  Clock* const clock_;
  Engine engine_;
  Notifier notifier_;

  Mutex mutex_;
  std::map<std::string, Key> done_ GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<JobStore>> stores_ GUARDED_BY(mutex_);
  std::string at_ GUARDED_BY(mutex_);  // empty: idle
  uint64_t checked_ GUARDED_BY(mutex_) = 0;

  JobRunner jobs_;  // its threads use the members above
  std::vector<std::unique_ptr<JobWatch>> watches_ GUARDED_BY(mutex_);
  std::stop_callback<std::function<void()>> stop_;
};

// The pause between two scans, which a reload changes.
class Pause {
 public:
  explicit Pause(std::chrono::milliseconds length) : length_(length) {}

  // Also ends a present pause.
  void Set(std::chrono::milliseconds length) {
    MutexLock lock(&mutex_);
    length_ = length;
    ended_.request_stop();
  }
  void Sleep(Clock* clock, const std::stop_token& stop) {
    std::stop_source ended;
    std::chrono::milliseconds length{0};
    {
      MutexLock lock(&mutex_);
      ended_ = ended;
      length = length_;
    }
    const std::stop_callback forward(stop, [&ended] { ended.request_stop(); });
    clock->SleepFor(length, ended.get_token());
  }

 private:
  Mutex mutex_;
  std::chrono::milliseconds length_ GUARDED_BY(mutex_);
  std::stop_source ended_ GUARDED_BY(mutex_);
};

// Returns the first failure that is not a verdict; a stop has priority.
Status RunOnce(Session* session, Worker* worker) {
  const auto ids = worker->SubmitPending();
  if (!ids.ok() && ids.status().code() != StatusCode::kCancelled) {
    return ids.status();
  }
  worker->TakeUpOffered();
  uint64_t completed = 0, damaged = 0;
  Status stopped = ids.status(), failure;
  std::set<std::string> jobs = worker->OpenJobs();
  if (ids.ok()) jobs.insert(ids->begin(), ids->end());
  for (const std::string& id : jobs) {
    const auto job = worker->jobs()->Wait(id, session->world.stop);
    const StatusCode code = job.ok() ? job->code : job.status().code();
    const bool verified = job.ok() && job->request.type == JobType::kVerify;
    if (code == StatusCode::kOk && verified) ++completed;
    if (code == StatusCode::kCorruption) ++damaged;
    Status status = job.status();
    if (job.ok()) status = Status(code, job->message);
    if (code == StatusCode::kCancelled) {
      if (stopped.ok()) stopped = status;
    } else if (code != StatusCode::kOk && code != StatusCode::kCorruption &&
               code != StatusCode::kBusy && failure.ok()) {
      failure = status;
    }
  }
  session->result["completed"] = completed;
  session->result["damaged"] = damaged;
  session->console->Print(std::to_string(completed) + " verified, " +
                          std::to_string(damaged) + " damaged\n");
  if (damaged > 0) {
    return Status(StatusCode::kCorruption,
                  std::to_string(damaged) + " backups are damaged",
                  "see levelkeep list, and make a new one: levelkeep create");
  }
  return stopped.ok() ? failure : stopped;
}

Status CheckJobs(Worker* worker, std::chrono::milliseconds patience,
                 const std::stop_token& stop) {
  (void)worker->State();  // hangs if the worker's mutex does
  if (worker->jobs()->Turns(patience, stop)) return Status::Ok();
  return Status(StatusCode::kInternal,
                "the thread that begins jobs does not answer");
}

// Answers questions until the stop.
void Answer(Questions* questions, Worker* worker, Reloader* reloader,
            const std::stop_token& stop) {
  while (questions != nullptr && !stop.stop_requested()) {
    const auto wish = questions->Wait(stop);
    if (wish == Wish::kReport) {
      LogInfo(kWorkerTag, "state: " + worker->State());
    }
    if (wish == Wish::kReload) reloader->Reload();
  }
}

// Looks for backups until the stop. `prepared`: the result of Prepare.
void Scan(Worker* worker, Status prepared, Pause* pause, Clock* clock,
          const std::stop_token& stop) {
  std::string told;  // the failure that the log named last
  while (!stop.stop_requested()) {
    if (!prepared.ok()) prepared = worker->Prepare();
    const Status failure =
        prepared.ok() ? worker->SubmitPending().status() : prepared;
    if (prepared.ok()) worker->TakeUpOffered();
    if (!failure.ok() && failure.message() != told && !stop.stop_requested()) {
      LogWarn(kWorkerTag, "will try again: " + failure.ToString());
    }
    told = failure.message();
    pause->Sleep(clock, stop);
  }
  worker->jobs()->Close();
}

Status RunWorker(Session* session) {
  const Settings& settings = session->settings();
  if (!settings.worker_enabled) {
    LogInfo(kWorkerTag, "disabled by BACKUP_WORKER_ENABLED");
    return Status::Ok();
  }
  LowerThreadPriority(ThreadPriority::kLow);
  const bool once = session->arguments().once;
  Supervision supervision(session->world.supervisor);
  supervision.Starting();
  Worker worker(settings, session->world, once);
  Pause pause(settings.backup.schedule.poll);
  Reloader reloader(session, &supervision, {.apply = [&](const Settings& next) {
                      worker.Reload(next);
                      pause.Set(next.backup.schedule.poll);
                    }});
  Status prepared = worker.Prepare();
  const bool waits = !once && prepared.code() == StatusCode::kNotFound;
  if (!prepared.ok() && !waits) return prepared;
  if (once) return RunOnce(session, &worker);
  LogInfo(kWorkerTag,
          "Starting with poll interval " +
              std::to_string(settings.backup.schedule.poll.count()) +
              "ms. Storage root: " + settings.backup.backup_dir);
  if (supervision.is_watched()) {
    worker.jobs()->AddListener(
        [&supervision](const Job& job) { supervision.DescribeJob(job); });
  }
  supervision.Ready("waiting for backups in " + settings.backup.backup_dir,
                    std::bind_front(CheckJobs, &worker));
  const StopReports stop_reports{&supervision};
  // Answers also during a check, which may take hours.
  const std::jthread answers([&](const std::stop_token& ended) {
    Answer(session->world.questions, &worker, &reloader, ended);
  });
  Scan(&worker, std::move(prepared), &pause, session->world.clock,
       session->world.stop);
  LogInfo(kWorkerTag, "Stopped");
  return Status::Ok();
}

}  // namespace

const Verb kWorkerVerb = {.name = "worker",
                          .summary = "verify new backups in the background",
                          .help = kWorkerHelp,
                          .run = RunWorker,
                          .options = kWorkerOptions,
                          .is_service = true,
                          .names_place = false};

}  // namespace levelkeep::cli
