#include "jobs/job_store.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <thread>
#include <utility>

#include "base/hash.h"
#include "base/log.h"
#include "base/record.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "jobs/job.h"

namespace levelkeep {

namespace {

constexpr char kTitle[] = "levelkeep job 1";
constexpr char kRunner[] = "runner";
// The lock is held for milliseconds; two seconds are a hung process or disk.
constexpr std::chrono::seconds kLongestLockWait{2};
constexpr std::chrono::minutes kPauseAfterBusyLock{1};
constexpr std::chrono::milliseconds kLockDelay{10};
constexpr uint64_t kEndsBetweenTrims = 100;

// The names in a folder that may not exist yet.
Result<std::vector<std::string>> NamesIn(FileSystem* fs,
                                         const std::string& folder) {
  auto names = fs->List(folder);
  if (names.status().code() == StatusCode::kNotFound) {
    return std::vector<std::string>();
  }
  return names;
}

// "ID.TYPE.STATUS"
std::string IdOf(const std::string& name) {
  return name.substr(0, name.find('.'));
}

// A name that RandomId gave to a runner.
bool IsToken(const std::string& name) { return IsLowerHex(name, 32); }

bool IsFailed(const std::string& name) {
  return name.ends_with("." + JobStatusName(JobStatus::kFailed));
}

}  // namespace

JobStore::JobStore(FileSystem* fs, Clock* clock, std::string folder)
    : JobStore(fs, clock, std::move(folder), Limits()) {}

JobStore::JobStore(FileSystem* fs, Clock* clock, std::string folder,
                   Limits limits)
    : fs_(fs),
      clock_(clock),
      folder_(std::move(folder)),
      limits_(limits),
      token_(RandomId()) {}

JobStore::~JobStore() {
  MutexLock guard(&mutex_);
  if (runner_ != nullptr) (void)fs_->RemoveFile(RunnerPath(token_));
}

// Without open jobs, the process gives up its claim.
void JobStore::Forget(const std::string& id) {
  MutexLock guard(&mutex_);
  open_.erase(id);
  if (!open_.empty() || runner_ == nullptr) return;
  (void)fs_->RemoveFile(RunnerPath(token_));
  runner_.reset();
}

std::string JobStore::OpenPath(const std::string& id) const {
  return JoinPath(OpenFolder(), id);
}

std::string JobStore::EndedPath(const Job& job) const {
  return JoinPath(folder_, job.id + "." + JobTypeName(job.request.type) + "." +
                               JobStatusName(job.status));
}

std::string JobStore::RunnerPath(const std::string& token) const {
  return JoinPath(RunnersFolder(), token);
}

// A hung process costs the wait once, not for each record.
Result<std::unique_ptr<FileLock>> JobStore::LockFolder() {
  const auto started = clock_->SteadyNow();
  const Status gave_up(StatusCode::kBusy,
                       JoinPath(folder_, "jobs.lock") +
                           " is held by another process for too long");
  if (started < no_lock_before_.load()) return gave_up;
  const auto end = std::chrono::steady_clock::now() + kLongestLockWait;
  for (;;) {
    auto lock = fs_->Lock(JoinPath(folder_, "jobs.lock"));
    if (lock.status().code() != StatusCode::kBusy) return lock;
    if (std::chrono::steady_clock::now() >= end) break;
    std::this_thread::sleep_for(kLockDelay);
  }
  no_lock_before_ = started + kPauseAfterBusyLock;
  return gave_up;
}

Status JobStore::MakeFolders() const {
  for (const std::string& folder : {folder_, OpenFolder(), RunnersFolder()}) {
    const Status made = fs_->CreateDirectory(folder);
    if (made.code() == StatusCode::kAlreadyExists) continue;
    LEVELKEEP_RETURN_IF_ERROR(made);
    LEVELKEEP_RETURN_IF_ERROR(fs_->SyncDirectory(ParentPath(folder)));
  }
  return Status::Ok();
}

// 1. folders   2. our runner's lock, while nobody removes such locks   3.
// remove the files of dead runners
Status JobStore::Register(const std::string& id) {
  MutexLock guard(&mutex_);
  if (runner_ == nullptr) {
    LEVELKEEP_RETURN_IF_ERROR(LockRunner());
  }
  if (!id.empty()) open_.insert(id);
  return Status::Ok();
}

Status JobStore::LockRunner() {
  LEVELKEEP_RETURN_IF_ERROR(MakeFolders());
  LEVELKEEP_ASSIGN_OR_RETURN(const auto lock, LockFolder());
  LEVELKEEP_ASSIGN_OR_RETURN(auto runner, fs_->Lock(RunnerPath(token_)));
  SweepWhatDeadRunnersLeft();
  runner_ = std::move(runner);
  return Status::Ok();
}

// Best effort. Temporary files belong to a registered process: while another
// one lives, they may be in use. REQUIRES: jobs.lock is held.
void JobStore::SweepWhatDeadRunnersLeft() {
  const auto tokens = NamesIn(fs_, RunnersFolder());
  if (!tokens.ok()) return;
  bool alone = true;
  for (const std::string& token : *tokens) {
    if (token == token_ || !IsToken(token)) continue;
    const auto alive = IsAlive(token);
    if (!alive.ok() || *alive) {
      alone = false;
    } else {
      (void)fs_->RemoveFile(RunnerPath(token));
    }
  }
  if (!alone) return;
  for (const std::string& folder : {folder_, OpenFolder()}) {
    const auto names = NamesIn(fs_, folder);
    for (const std::string& name :
         names.ok() ? *names : std::vector<std::string>()) {
      if (IsTemporaryName(name)) (void)fs_->RemoveFile(JoinPath(folder, name));
    }
  }
}

Result<bool> JobStore::IsAlive(const std::string& token) const {
  if (token == token_ || !IsToken(token)) return false;
  const std::string path = RunnerPath(token);
  const auto info = fs_->Stat(path);
  if (info.status().code() == StatusCode::kNotFound) return false;
  const auto lock = fs_->Lock(path);
  if (lock.status().code() == StatusCode::kBusy) return true;
  LEVELKEEP_RETURN_IF_ERROR(lock.status());
  return false;
}

Status JobStore::Put(const Job& job) {
  LEVELKEEP_RETURN_IF_ERROR(Register(job.id));
  if (!job.has_ended()) return PutOpen(job);
  const Status ended = PutEnded(job);
  Forget(job.id);
  return ended;
}

Status JobStore::PutOpen(const Job& job) {
  Record record = JobToRecord(job);
  record.Set(kRunner, token_);
  return StoreRecord(fs_, OpenPath(job.id), kTitle, record);
}

// A crash may bring back the removed file: then TakeUp removes it again.
Status JobStore::PutEnded(const Job& job) {
  LEVELKEEP_RETURN_IF_ERROR(
      StoreRecord(fs_, EndedPath(job), kTitle, JobToRecord(job)));
  const Status removed = fs_->RemoveFile(OpenPath(job.id));
  if (!removed.ok() && removed.code() != StatusCode::kNotFound) return removed;
  MutexLock guard(&mutex_);
  if (ended_++ % kEndsBetweenTrims != 0) return Status::Ok();
  const Status trimmed = Trim();
  if (!trimmed.ok()) {
    LogWarn(kJobLogTag,
            "records of old jobs were not removed: " + trimmed.ToString());
  }
  return Status::Ok();
}

Result<Job> JobStore::Load(const std::string& path, std::string* runner) const {
  LEVELKEEP_ASSIGN_OR_RETURN(const Record record,
                             LoadRecord(fs_, path, kTitle));
  if (runner != nullptr) *runner = record.Get(kRunner);
  if (record.Get("id") != IdOf(BaseName(path))) {
    return Status(StatusCode::kCorruption, path + " is of another job");
  }
  return JobFromRecord(record);
}

Result<bool> JobStore::IsTidy() const {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto top, NamesIn(fs_, folder_));
  LEVELKEEP_ASSIGN_OR_RETURN(const auto open, NamesIn(fs_, OpenFolder()));
  LEVELKEEP_ASSIGN_OR_RETURN(const auto runners, NamesIn(fs_, RunnersFolder()));
  return std::none_of(top.begin(), top.end(), IsTemporaryName) &&
         open.empty() &&
         std::all_of(runners.begin(), runners.end(),
                     [&](const auto& name) { return name == token_; });
}

Result<std::vector<Job>> JobStore::TakeUp(
    const std::function<bool(JobType)>& wanted) {
  std::vector<Job> jobs;
  LEVELKEEP_ASSIGN_OR_RETURN(const bool tidy, IsTidy());
  if (tidy) return jobs;
  LEVELKEEP_RETURN_IF_ERROR(Register(""));
  LEVELKEEP_ASSIGN_OR_RETURN(const auto lock, LockFolder());
  LEVELKEEP_ASSIGN_OR_RETURN(const auto ids, fs_->List(OpenFolder()));
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, ListEnded());
  std::set<std::string> ended;
  for (const std::string& name : names) ended.insert(IdOf(name));
  for (const std::string& id : ids) {
    if (!IsJobId(id)) continue;
    auto job = ended.contains(id) ? RemoveOpen(id) : ClaimOne(id, wanted);
    if (!job.ok()) {
      LogWarn(kJobLogTag, "job " + id + " of the last process was not taken " +
                              "up: " + job.status().ToString());
    } else if (*job) {
      jobs.push_back(std::move(**job));
    }
  }
  Forget("");
  return jobs;
}

Result<std::optional<Job>> JobStore::RemoveOpen(const std::string& id) {
  LEVELKEEP_RETURN_IF_ERROR(fs_->RemoveFile(OpenPath(id)));
  return std::optional<Job>();
}

Result<std::optional<Job>> JobStore::ClaimOne(
    const std::string& id, const std::function<bool(JobType)>& wanted) {
  std::string runner;
  auto job = Load(OpenPath(id), &runner);
  const StatusCode code = job.status().code();
  if (code == StatusCode::kCorruption) {
    LogWarn(kJobLogTag, "job " + id + " was removed: its record is damaged");
    return RemoveOpen(id);
  }
  if (code == StatusCode::kNotFound || code == StatusCode::kUnsupported) {
    return std::optional<Job>();
  }
  LEVELKEEP_RETURN_IF_ERROR(job.status());
  if (runner == token_ || !wanted(job->request.type)) {
    return std::optional<Job>();
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const bool alive, IsAlive(runner));
  if (alive) return std::optional<Job>();
  LEVELKEEP_RETURN_IF_ERROR(Register(id));
  LEVELKEEP_RETURN_IF_ERROR(PutOpen(*job));
  return std::optional<Job>(std::move(*job));
}

Result<std::vector<std::string>> JobStore::ListEnded() const {
  LEVELKEEP_ASSIGN_OR_RETURN(auto names, NamesIn(fs_, folder_));
  std::erase_if(names,
                [](const std::string& name) { return !IsJobId(IdOf(name)); });
  return names;
}

// The paths by id, newest first. If a job has two records, the one of the ended
// job counts: see PutEnded.
Result<std::map<std::string, std::string, std::greater<>>> JobStore::Paths()
    const {
  std::map<std::string, std::string, std::greater<>> paths;
  LEVELKEEP_ASSIGN_OR_RETURN(const auto open, NamesIn(fs_, OpenFolder()));
  for (const std::string& id : open) {
    if (IsJobId(id)) paths[id] = OpenPath(id);
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const auto ended, ListEnded());
  for (const std::string& name : ended) {
    paths[IdOf(name)] = JoinPath(folder_, name);
  }
  return paths;
}

Result<Job> JobStore::Find(const std::string& id) const {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto paths, Paths());
  const auto found = paths.find(id);
  if (found != paths.end()) return Load(found->second, nullptr);
  return Status(StatusCode::kNotFound, "there is no job " + Printable(id, 60));
}

Result<std::vector<Job>> JobStore::List(size_t limit) const {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto paths, Paths());
  std::vector<Job> jobs;
  for (const auto& [id, path] : paths) {
    if (jobs.size() == limit) break;
    auto job = Load(path, nullptr);
    // Another process may have ended or removed the job meanwhile.
    if (job.ok()) jobs.push_back(std::move(*job));
  }
  return jobs;
}

// Sorting the names sorts the jobs by age.
Status JobStore::Trim() {
  LEVELKEEP_ASSIGN_OR_RETURN(auto names, ListEnded());
  const std::string oldest = JobIdPrefix(clock_->Now() - limits_.age);
  const auto newest = names.end() - static_cast<ptrdiff_t>(
                                        std::min(names.size(), limits_.always));
  const auto first_kept =
      std::min(std::lower_bound(names.begin(), names.end(), oldest), newest);
  std::vector<std::string> removed(names.begin(), first_kept);
  names.erase(names.begin(), first_kept);
  std::stable_partition(names.begin(), names.end(),
                        [](const auto& name) { return !IsFailed(name); });
  if (names.size() > limits_.count) {
    removed.insert(removed.end(), names.begin(),
                   names.end() - static_cast<ptrdiff_t>(limits_.count));
  }
  for (const std::string& name : removed) {
    const Status status = fs_->RemoveFile(JoinPath(folder_, name));
    if (!status.ok() && status.code() != StatusCode::kNotFound) return status;
  }
  return Status::Ok();
}

}  // namespace levelkeep
