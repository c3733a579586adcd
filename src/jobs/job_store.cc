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
constexpr char kKeyTitle[] = "levelkeep key 1";
constexpr std::chrono::hours kKeyAge{24};
constexpr uint64_t kKeysBetweenSweeps = 100;

// The names in a folder that may not exist yet.
Result<std::vector<std::string>> NamesIn(FileSystem* fs,
                                         const std::string& folder) {
  auto names = fs->List(folder);
  if (names.status().code() == StatusCode::kNotFound) {
    return std::vector<std::string>();
  }
  return names;
}

// The id in the name of a record.
std::string IdOf(const std::string& name) {
  return name.substr(0, name.find('.'));
}

// A name that RandomId gave to a runner.
bool IsToken(const std::string& name) { return IsLowerHex(name, 32); }

// False if the record of an ended job need not be read for the filter.
bool MayMatch(const JobFilter& filter, const EndedJob& job) {
  return (!filter.type || job.type() == JobTypeName(*filter.type)) &&
         (!filter.status || job.status() == JobStatusName(*filter.status)) &&
         (filter.after.empty() || job.name < filter.after);
}

}  // namespace

JobStore::JobStore(FileSystem* fs, Clock* clock, std::string folder,
                   JobLimits limits)
    : fs_(fs),
      clock_(clock),
      folder_(std::move(folder)),
      token_(RandomId()),
      history_(fs, clock, folder_, limits) {}

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
  return JoinPath(folder_, EndedJob::NameOf(job));
}

std::string JobStore::KeyPath(const std::string& key) const {
  return JoinPath(KeysFolder(), Sha256Hex(key));
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
  open_.insert(id);
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

// The lock keeps others from sweeping the temporary file of the record.
Status JobStore::Offer(const Job& job) {
  LEVELKEEP_RETURN_IF_ERROR(MakeFolders());
  LEVELKEEP_ASSIGN_OR_RETURN(const auto lock, LockFolder());
  return StoreRecord(fs_, OpenPath(job.id), kTitle, JobToRecord(job));
}

Result<std::unique_ptr<FolderWatch>> JobStore::OpenWatch() {
  LEVELKEEP_RETURN_IF_ERROR(MakeFolders());
  return FolderWatch::Open(OpenFolder());
}

bool JobStore::HasClaimed(const std::string& id) {
  MutexLock guard(&mutex_);
  return open_.contains(id);
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
  {
    MutexLock guard(&mutex_);
    if (ended_++ % kEndsBetweenTrims != 0) return Status::Ok();
  }
  const Status trimmed = TrimHistory();
  if (!trimmed.ok()) {
    LogWarn(kJobLogTag,
            "records of old jobs were not removed: " + trimmed.ToString());
  }
  return Status::Ok();
}

Status JobStore::TrimHistory() {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto lock, LockFolder());
  return history_.Trim();
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
  // The name of no job keeps our claim alive while other jobs end.
  MutexLock one_at_a_time(&take_up_mutex_);
  LEVELKEEP_RETURN_IF_ERROR(Register(""));
  auto taken = ClaimAll(wanted);
  Forget("");
  return taken;
}

Result<std::vector<Job>> JobStore::ClaimAll(
    const std::function<bool(JobType)>& wanted) {
  std::vector<Job> jobs;
  LEVELKEEP_ASSIGN_OR_RETURN(const auto ids, fs_->List(OpenFolder()));
  LEVELKEEP_ASSIGN_OR_RETURN(const auto view, history_.Look());
  for (const std::string& id : ids) {
    if (!IsJobId(id)) continue;
    // Others want the lock, too; each claim is written durably.
    const auto lock = LockFolder();
    if (!lock.ok() && jobs.empty()) return lock.status();
    if (!lock.ok()) break;
    auto job =
        view->Find(id) != nullptr ? RemoveOpen(id) : ClaimOne(id, wanted);
    if (!job.ok()) {
      LogWarn(kJobLogTag, "job " + id + " of the last process was not taken " +
                              "up: " + job.status().ToString());
    } else if (*job) {
      jobs.push_back(std::move(**job));
    }
  }
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

// The record of an ended job counts, if there are two: see PutEnded.
Result<Job> JobStore::Find(const std::string& id) {
  const Status missing(StatusCode::kNotFound,
                       "there is no job " + Printable(id, 60));
  if (!IsJobId(id)) return missing;
  LEVELKEEP_ASSIGN_OR_RETURN(const auto view, history_.Look());
  if (const EndedJob* const ended = view->Find(id); ended != nullptr) {
    return Load(JoinPath(folder_, ended->name), nullptr);
  }
  auto open = Load(OpenPath(id), nullptr);
  return open.status().code() == StatusCode::kNotFound ? missing : open;
}

// 1. open jobs, which are few   2. ended ones, until the list is full
Result<std::vector<Job>> JobStore::List(const JobFilter& filter) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto open, NamesIn(fs_, OpenFolder()));
  LEVELKEEP_ASSIGN_OR_RETURN(const auto view, history_.Look());
  std::map<std::string, Job, std::greater<>> jobs;
  // Another process may have ended or removed a job meanwhile.
  const auto add = [&](const std::string& id, const std::string& path) {
    auto job = Load(path, nullptr);
    if (job.ok() && Matches(filter, *job)) jobs[id] = std::move(*job);
  };
  for (const std::string& id : open) {
    if (IsJobId(id)) add(id, OpenPath(id));
  }
  size_t found = 0;
  for (const EndedJob& job : view->jobs) {
    if (found == filter.limit) break;
    jobs.erase(job.id());
    if (!MayMatch(filter, job)) continue;
    add(job.id(), JoinPath(folder_, job.name));
    ++found;
  }
  std::vector<Job> list;
  for (auto& [id, job] : jobs) {
    if (list.size() == filter.limit) break;
    list.push_back(std::move(job));
  }
  return list;
}

Result<std::vector<JobTotal>> JobStore::Totals() {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto view, history_.Look());
  std::vector<JobTotal> totals;
  for (const auto& [key, count] : view->counts) {
    const auto type = ParseJobType(key.first);
    const auto status = ParseJobStatus(key.second);
    if (!type || !status) continue;  // of a later version
    totals.push_back({*type, *status, count.jobs,
                      static_cast<double>(count.milliseconds) / 1000.0,
                      count.at_most});
  }
  return totals;
}

// --- keys

// A damaged record counts as none.
Result<std::optional<std::string>> JobStore::FindKey(
    const std::string& key, const std::string& content) {
  std::optional<std::string> id;
  const auto known = LoadRecord(fs_, KeyPath(key), kKeyTitle);
  const StatusCode code = known.status().code();
  if (code == StatusCode::kNotFound || code == StatusCode::kCorruption) {
    return id;
  }
  LEVELKEEP_RETURN_IF_ERROR(known.status());
  const auto created = ParseTime(known->Get("created"));
  if (!created.ok() || clock_->Now() - *created >= kKeyAge) return id;
  if (known->Get("content") == Sha256Hex(content)) {
    id = known->Get("id");
    return id;
  }
  return Status(StatusCode::kInvalidArgument,
                "the idempotency key " + Printable(key, 60) +
                    " was used for another request",
                "use a new key for each request");
}

// 1. let no other process claim keys   2. a known key has a job   3. else the
// key is of this one
Result<std::string> JobStore::ClaimKey(const std::string& key,
                                       const std::string& content,
                                       const std::string& id) {
  LEVELKEEP_RETURN_IF_ERROR(Register(id));
  LEVELKEEP_ASSIGN_OR_RETURN(const auto lock, LockFolder());
  LEVELKEEP_RETURN_IF_ERROR(SweepKeys());
  LEVELKEEP_ASSIGN_OR_RETURN(const auto known, FindKey(key, content));
  if (known) {
    Forget(id);
    return *known;
  }
  Record record;
  record.Set("id", id);
  record.Set("content", Sha256Hex(content));
  record.Set("created", FormatTime(clock_->Now()));
  LEVELKEEP_RETURN_IF_ERROR(StoreRecord(fs_, KeyPath(key), kKeyTitle, record));
  return id;
}

// REQUIRES: jobs.lock is held.
Status JobStore::SweepKeys() {
  {
    MutexLock guard(&mutex_);
    if (keys_++ % kKeysBetweenSweeps != 0) return Status::Ok();
  }
  const Status made = fs_->CreateDirectory(KeysFolder());
  if (made.ok()) return fs_->SyncDirectory(folder_);
  if (made.code() != StatusCode::kAlreadyExists) return made;
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, fs_->List(KeysFolder()));
  for (const std::string& name : names) {
    const std::string path = JoinPath(KeysFolder(), name);
    const auto info = fs_->Stat(path);
    if (!info.ok()) continue;
    const Time written{std::chrono::duration_cast<Time::duration>(
        std::chrono::nanoseconds(info->mtime_ns))};
    if (clock_->Now() - written > kKeyAge) (void)fs_->RemoveFile(path);
  }
  return Status::Ok();
}

}  // namespace levelkeep
