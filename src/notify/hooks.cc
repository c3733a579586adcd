#include "notify/hooks.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/process.h"
#include "base/record.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "notify/notice.h"
#include "notify/outbox.h"

namespace levelkeep {

namespace {

using std::chrono::milliseconds;

constexpr char kMarkTitle[] = "levelkeep hook 1";
constexpr std::string_view kLockSuffix = ".lock";
constexpr size_t kOutputLimitBytes = 16 << 10;
constexpr size_t kLoggedOutput = 2000;
constexpr size_t kMostValue = 4000;
constexpr char kStatusVariable[] = "LEVELKEEP_STATUS";

std::string Outcome(const ProgramOutcome& outcome) {
  if (outcome.signal != 0) {
    return "was ended by signal " + std::to_string(outcome.signal);
  }
  return "ended with code " + std::to_string(outcome.exit_code);
}

std::string NameOfVariable(const std::string& variable) {
  return variable.substr(0, variable.find('='));
}

}  // namespace

Hooks::Hooks(const NotifyOptions::Hooks& options, FileSystem* fs, Clock* clock,
             std::vector<std::string> withheld)
    : options_(options),
      fs_(fs),
      clock_(clock),
      withheld_(std::move(withheld)),
      timeout_(std::chrono::seconds(options.timeout_seconds)) {}

// --- marks

void Hooks::Open(const std::string& folder) {
  folder_ = folder;
  if (folder.empty() || options_.post.empty()) return;
  const auto names = fs_->List(folder);
  if (!names.ok()) return;  // there was no hook yet
  for (const std::string& name : *names) TakeUp(name);
}

// A lock file without a mark is of a process that was killed between the two.
void Hooks::TakeUp(const std::string& name) {
  if (name.ends_with(kLockSuffix)) {
    const std::string job_id = name.substr(0, name.size() - kLockSuffix.size());
    if (!PathExists(fs_, PathOf(job_id)) && Claim(job_id) != nullptr) {
      (void)fs_->RemoveFile(PathOf(name));
    }
    return;
  }
  if (IsTemporaryName(name)) return;
  std::shared_ptr<FileLock> lock = Claim(name);
  if (lock == nullptr) return;  // a living process will run it
  const auto mark = LoadRecord(fs_, PathOf(name), kMarkTitle);
  Task task;
  task.job_id = name;
  task.lock = std::move(lock);
  if (mark.ok()) task.facts = mark->fields();
  task.facts[kStatusVariable] = "interrupted";
  task.facts["LEVELKEEP_MESSAGE"] =
      "the process ended before the backup or its post hook did";
  LogWarn(kNotifyLogTag,
          "the post hook of the interrupted job " + name + " runs now");
  Enqueue(std::move(task));
}

std::shared_ptr<FileLock> Hooks::Claim(const std::string& job_id) {
  auto lock = fs_->Lock(PathOf(job_id) + std::string(kLockSuffix));
  if (!lock.ok()) return nullptr;
  return std::shared_ptr<FileLock>(std::move(*lock));
}

// Best effort: a backup is worth more than the mark of its hook.
Status Hooks::Mark(const std::string& job_id, const HookFacts& facts) {
  if (folder_.empty() || options_.post.empty()) return Status::Ok();
  LEVELKEEP_RETURN_IF_ERROR(MakeNotifyFolder(fs_, folder_));
  std::shared_ptr<FileLock> lock = Claim(job_id);
  if (lock != nullptr) {
    MutexLock guard(&mutex_);
    locks_[job_id] = std::move(lock);
  }
  Record record;
  for (const auto& [name, value] : facts) {
    record.Set(name, std::string_view(value).substr(0, kMostValue));
  }
  return StoreRecord(fs_, PathOf(job_id), kMarkTitle, record);
}

std::shared_ptr<FileLock> Hooks::TakeLock(const std::string& job_id) {
  MutexLock lock(&mutex_);
  const auto found = locks_.find(job_id);
  if (found == locks_.end()) return nullptr;
  std::shared_ptr<FileLock> taken = std::move(found->second);
  locks_.erase(found);
  return taken;
}

void Hooks::Unmark(const std::string& job_id) {
  if (folder_.empty()) return;
  const Status removed = RemoveRecord(fs_, PathOf(job_id));
  if (removed.ok()) {
    (void)fs_->RemoveFile(PathOf(job_id) + std::string(kLockSuffix));
  } else if (removed.code() != StatusCode::kNotFound) {
    LogWarn(kNotifyLogTag, "the post hook will run again at the next start: " +
                               removed.ToString());
  }
}

// --- the commands

Status Hooks::Before(const std::string& job_id, const HookFacts& facts,
                     const std::stop_token& stop) {
  if (const Status marked = Mark(job_id, facts); !marked.ok()) {
    LogWarn(kNotifyLogTag,
            "if this process is killed, the post hook will not run: " +
                marked.ToString());
  }
  if (options_.pre.empty()) return Status::Ok();
  const auto begin = std::chrono::steady_clock::now();
  if (!AwaitPosts(timeout_, stop)) {
    return stop.stop_requested()
               ? Status(StatusCode::kCancelled, "the pre hook was stopped")
               : Status(StatusCode::kBusy,
                        "the pre hook did not run: the post hook of the last "
                        "backup has not ended");
  }
  const auto waited = std::chrono::floor<milliseconds>(
      std::chrono::steady_clock::now() - begin);
  return RunCommand("pre", options_.pre, facts, timeout_ - waited, stop);
}

void Hooks::After(const std::string& job_id, const HookFacts& facts) {
  if (options_.post.empty()) return;
  Task task{job_id, facts, TakeLock(job_id)};
  if (task.lock == nullptr) {  // the backup failed before its pre hook
    (void)Mark(job_id, facts);
    task.lock = TakeLock(job_id);
  }
  Enqueue(std::move(task));
}

void Hooks::Enqueue(Task task) {
  MutexLock lock(&mutex_);
  if (closed_) return;  // its mark stays
  tasks_.push_back(std::move(task));
  if (running_) return;
  running_ = StartThread(&thread_, kNotifyLogTag, "the post hook",
                         [this](const std::stop_token&) { Run(); });
}

// The thread lives only while a post hook runs.
void Hooks::Run() {
  for (;;) {
    Task task;
    {
      MutexLock lock(&mutex_);
      if (tasks_.empty() || stop_.stop_requested()) {
        running_ = false;
        changed_.notify_all();
        return;
      }
      task = tasks_.front();
    }
    RunPost(task);
    MutexLock lock(&mutex_);
    tasks_.pop_front();
    changed_.notify_all();
  }
}

void Hooks::RunPost(const Task& task) {
  const Status done = RunCommand("post", options_.post, task.facts, timeout_,
                                 stop_.get_token());
  if (done.code() == StatusCode::kCancelled) return;  // the mark stays
  Unmark(task.job_id);
}

Status Hooks::RunCommand(const char* which, const std::string& command,
                         const HookFacts& facts, milliseconds timeout,
                         const std::stop_token& stop) const {
  const std::string hook = std::string("the ") + which + " hook";
  const auto outcome =
      RunProgram({.arguments = {"/bin/sh", "-c", command},
                  .timeout = timeout,
                  .output_limit_bytes = kOutputLimitBytes,
                  .stop = stop,
                  .with_errors = true,
                  .environment = EnvironmentFor(which, facts)});
  Status status = outcome.status();
  std::string output;
  if (outcome.ok()) {
    output = Printable(outcome->output, kLoggedOutput);
    if (outcome->timed_out) {
      status = Status(StatusCode::kIoError,
                      hook + " did not end within " +
                          std::to_string(timeout.count()) + " ms",
                      "raise BACKUP_HOOK_TIMEOUT if it needs longer");
    } else if (outcome->exit_code != 0) {
      status = Status(StatusCode::kIoError, hook + " " + Outcome(*outcome));
    }
  }
  if (!output.empty()) output = "; its output: " + output;
  if (status.code() == StatusCode::kCancelled) {
    return Status(StatusCode::kCancelled, hook + " was stopped");
  }
  if (status.ok()) {
    LogDebug(kNotifyLogTag, hook + " succeeded" + output);
  } else {
    LogWarn(kNotifyLogTag, status.message() + output);
  }
  return status;
}

std::vector<std::string> Hooks::EnvironmentFor(const char* which,
                                               const HookFacts& facts) const {
  std::vector<std::string> variables;
  for (std::string& variable : OwnEnvironment()) {
    const std::string name = NameOfVariable(variable);
    if (std::ranges::count(withheld_, name) == 0 && !facts.contains(name)) {
      variables.push_back(std::move(variable));
    }
  }
  variables.push_back(std::string("LEVELKEEP_HOOK=") + which);
  for (const auto& [name, value] : facts) {
    variables.push_back(name + "=" + Printable(value, kMostValue));
  }
  return variables;
}

// --- waiting

// True: no post hook runs or waits.
bool Hooks::AwaitPosts(milliseconds patience, const std::stop_token& stop) {
  const auto end = std::chrono::steady_clock::now() + patience;
  const std::stop_callback wake(stop, [this] {
    MutexLock lock(&mutex_);
    changed_.notify_all();
  });
  MutexLock lock(&mutex_);
  while (running_ && !stop.stop_requested()) {
    if (changed_.wait_until(mutex_, end) == std::cv_status::timeout) break;
  }
  return !running_ && !stop.stop_requested();
}

void Hooks::Close(milliseconds patience) {
  (void)AwaitPosts(patience, {});
  std::jthread thread;
  {
    MutexLock lock(&mutex_);
    closed_ = true;
    stop_.request_stop();
    thread.swap(thread_);
  }
  if (thread.joinable()) thread.join();
}

}  // namespace levelkeep
