// levelkeep worker

#include <map>
#include <string>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/mutex.h"
#include "base/process.h"
#include "cli/session.h"
#include "engine/rechecks.h"

namespace levelkeep::cli {

namespace {

constexpr char kWorkerTag[] = "BackupWorker";
constexpr char kWorkerHelp[] =
    "Verifies new backups in the background, in a process of its own.\n"
    "\n"
    "Usage: levelkeep worker [--once]\n"
    "\n"
    "It looks for unverified backups in BACKUP_DIR each\n"
    "BACKUP_WORKER_POLL_MS and never opens the event store.\n";

constexpr VerbOption kWorkerOptions[] = {
    {"--once", nullptr, "verify what there is now, then end",
     &VerbArguments::once},
};

// What came of one round.
struct Round {
  uint64_t completed = 0;
  uint64_t damaged = 0;
  Status stopped;  // not all was looked at
  Status failure;  // the first one that is no verdict
};

class Worker {
 public:
  Worker(const Settings& settings, const World& world)
      : world_(world),
        engine_(settings.backup,
                {.fs = world.fs, .clock = world.clock, .has_storage = false}),
        rechecks_(world.clock) {}

  // Also removes the scratch folder of a worker that was killed; what a
  // live process uses stays.
  Status Prepare() {
    // Whoever makes backups makes the folder. Until then, or until its volume
    // is mounted, there is nothing to look at.
    Status prepared = engine_.ListRecentEntries().status();
    if (prepared.code() == StatusCode::kNotFound) return prepared;
    prepared = engine_.Prepare();
    if (prepared.ok()) prepared = engine_.CheckBackupFolder();
    if (!prepared.ok()) return prepared;
    const auto swept = engine_.Sweep();
    if (!swept.ok()) return swept.status();
    for (const std::string& name : *swept) {
      LogInfo(kWorkerTag, name + ": left-over removed");
    }
    return Status::Ok();
  }

  // What it is at, for whoever asks meanwhile.
  std::string State() {
    MutexLock lock(&mutex_);
    return (at_.empty() ? "waiting" : "checking " + at_) +
           ", checked since the start: " + std::to_string(checked_);
  }

  // `all`: also what is to rest after a check that could not be done.
  Round RunOnce(bool all) {
    Round round;
    auto pending = engine_.PendingVerification();
    if (!pending.ok()) {
      round.failure = pending.status();
      return round;
    }
    for (const std::string& name : *pending) {
      if (world_.stop.stop_requested()) round.stopped = Stopped(name);
      if (!round.stopped.ok()) break;
      const auto backup = engine_.Find(name);
      if (!backup.ok()) continue;  // rotated away meanwhile
      if (WasDone(*backup) || (!all && !rechecks_.IsDue(*backup))) continue;
      VerifyOne(*backup, &round);
    }
    return round;
  }

 private:
  static Status Stopped(const std::string& name) {
    return Status(StatusCode::kCancelled,
                  name + " was not verified to its end");
  }

  using Key = std::pair<int64_t, std::string>;
  static Key KeyOf(const FoundBackup& backup) {
    return {backup.mtime_ns, backup.sha256};
  }

  // By this process. The record of it may not count, where the file system has
  // its own idea of owners: nobody is helped if it is done for ever.
  bool WasDone(const FoundBackup& backup) const {
    const auto done = done_.find(backup.name);
    return done != done_.end() && done->second == KeyOf(backup);
  }

  void IsAt(const std::string& name, uint64_t checked) {
    MutexLock lock(&mutex_);
    at_ = name;
    checked_ += checked;
  }

  void VerifyOne(const FoundBackup& backup, Round* round) {
    const std::string& name = backup.name;
    LogInfo(kWorkerTag, name + ": processing");
    IsAt(name, 0);
    const auto report =
        engine_.Verify(backup, VerifyDepth::kFull, {world_.stop, nullptr});
    const bool judged =
        report.ok() || report.status().code() == StatusCode::kCorruption;
    IsAt("", judged ? 1 : 0);
    if (report.ok()) {
      ++round->completed;
      done_[name] = KeyOf(backup);
      LogInfo(kWorkerTag, name + ": completed");
      return;
    }
    const Status& status = report.status();
    if (status.code() == StatusCode::kCorruption) {
      ++round->damaged;
      done_[name] = KeyOf(backup);
      LogError(kWorkerTag, name + ": failed: " + status.message());
    } else if (status.code() == StatusCode::kCancelled) {
      round->stopped = Stopped(name);
      LogInfo(kWorkerTag, name + ": postponed: " + status.message());
    } else if (status.code() == StatusCode::kBusy) {
      // The server verifies it: the next round looks.
      LogInfo(kWorkerTag, name + ": postponed: " + status.message());
    } else {
      rechecks_.Failed(backup);
      LogWarn(kWorkerTag, name + ": not checked: " + status.ToString());
      if (round->failure.ok()) round->failure = status;
    }
  }

  const World& world_;
  Engine engine_;
  Rechecks rechecks_;
  std::map<std::string, Key> done_;

  Mutex mutex_;
  std::string at_ GUARDED_BY(mutex_);  // empty: at none
  uint64_t checked_ GUARDED_BY(mutex_) = 0;
};

Status RunOneRound(Session* session, Worker* worker) {
  const Round round = worker->RunOnce(/*all=*/true);
  session->result["completed"] = round.completed;
  session->result["damaged"] = round.damaged;
  session->console->Print(std::to_string(round.completed) + " verified, " +
                          std::to_string(round.damaged) + " damaged\n");
  if (round.damaged > 0) {
    return Status(StatusCode::kCorruption,
                  std::to_string(round.damaged) + " backups are damaged",
                  "see levelkeep list, and make a new one: levelkeep create");
  }
  return round.stopped.ok() ? round.failure : round.stopped;
}

Status RunWorker(Session* session) {
  const Settings& settings = session->settings();
  const std::stop_token stop = session->world.stop;
  const auto sleep = [&](std::chrono::milliseconds duration) {
    session->world.clock->SleepFor(duration, stop);
  };
  if (!settings.worker_enabled) {
    LogInfo(kWorkerTag, "disabled by BACKUP_WORKER_ENABLED");
    return Status::Ok();
  }
  LowerThreadPriority(ThreadPriority::kLow);
  Worker worker(settings, session->world);
  Status prepared = worker.Prepare();
  const bool once = session->arguments().once;
  const bool waits = !once && prepared.code() == StatusCode::kNotFound;
  if (!prepared.ok() && !waits) return prepared;
  if (once) return RunOneRound(session, &worker);
  LogInfo(kWorkerTag, "Starting with poll interval " +
                          std::to_string(settings.worker_poll.count()) +
                          "ms. Storage root: " + settings.backup.backup_dir);
  // Also in the middle of a check, which may take hours.
  const std::jthread answers([&](std::stop_token ended) {
    Questions* const questions = session->world.questions;
    while (questions != nullptr && questions->Wait(ended)) {
      LogInfo(kWorkerTag, "state: " + worker.State());
    }
  });
  std::string told;  // the failure that the log named last
  while (!stop.stop_requested()) {
    if (!prepared.ok()) prepared = worker.Prepare();
    Round round;
    if (prepared.ok()) round = worker.RunOnce(/*all=*/false);
    const Status& failure = prepared.ok() ? round.failure : prepared;
    if (!failure.ok() && failure.message() != told) {
      LogWarn(kWorkerTag, "will try again: " + failure.ToString());
    }
    told = failure.message();
    sleep(settings.worker_poll);
  }
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
