// Work around the jobs of a JobRunner: submission, lookup, cancelling,
// restarts. job_time.cc has the schedules and the threads.

#include <algorithm>
#include <functional>
#include <utility>

#include "base/log.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "jobs/job.h"
#include "jobs/job_runner.h"

namespace levelkeep {

namespace {

// The limit of a pause from before a restart: if the wall clock was set back,
// the rest of a pause would be too long.
constexpr std::chrono::milliseconds kLongestPause = std::chrono::hours(24);

Status NoSuchJob(const std::string& id) {
  return Status(StatusCode::kNotFound, "there is no job " + Printable(id, 60),
                "jobs are remembered for 90 days");
}

Status Cancelled() {
  return Status(StatusCode::kCancelled, "cancelled before it began");
}

}  // namespace

// --- submission

Result<std::string> JobRunner::Submit(const Submission& submission) {
  JoinEnded();
  const EntryPtr entry = NewEntry(submission.request, /*submitted=*/true);
  if (entry->store == nullptr &&
      (submission.must_be_recorded || !submission.key.empty())) {
    return Status(StatusCode::kRefused,
                  "the job can't be remembered: no database is known yet",
                  "submit the job when the database is attached");
  }
  if (submission.delay.count() > 0) {
    entry->due.emplace(MomentOf(clock_), submission.delay);
    entry->job.not_before = clock_->Now() + submission.delay;
  }
  if (submission.key.empty()) {
    LEVELKEEP_RETURN_IF_ERROR(Enter(entry, submission));
    return entry->job.id;
  }
  MutexLock one_at_a_time(&key_mutex_);
  LEVELKEEP_ASSIGN_OR_RETURN(
      const std::string id,
      entry->store->ClaimKey(submission.key, submission.key_content,
                             entry->job.id));
  // Without a record, a process died between the claim and the record.
  if (Find(id).ok()) return id;
  entry->job.id = id;
  LEVELKEEP_RETURN_IF_ERROR(Enter(entry, submission));
  return id;
}

Result<std::optional<std::string>> JobRunner::FindKey(
    const std::string& key, const std::string& content) {
  std::optional<std::string> known;
  const auto store = store_of_ ? store_of_(JobRequest()) : nullptr;
  if (store == nullptr) return known;
  LEVELKEEP_ASSIGN_OR_RETURN(known, store->FindKey(key, content));
  if (known && !Find(*known).ok()) known.reset();
  return known;
}

// 1. record that the job waits   2. queue it   3. tell the listeners; it begins
Status JobRunner::Enter(const EntryPtr& entry, const Submission& submission) {
  if (submission.must_be_recorded) {
    LEVELKEEP_RETURN_IF_ERROR(Record(entry));
  }
  Status queued;
  {
    MutexLock lock(&mutex_);
    const EntryPtr same =
        submission.joins ? FindSubmitted(submission.request) : nullptr;
    if (same != nullptr) {
      entry->job.id = same->job.id;
      return Status::Ok();
    }
    queued = Queue(entry);
    if (!queued.ok()) End(entry, {queued});
  }
  if (!queued.ok()) {
    if (submission.must_be_recorded) RecordOrWarn(entry);
    return queued;
  }
  Announce(entry);
  return Status::Ok();
}

Status JobRunner::Queue(const EntryPtr& entry) {
  if (closed_) return ShuttingDown();
  entry->announced = false;
  Enqueue(entry);
  StartKeeper();
  return Status::Ok();
}

// 1. tell the listeners   2. the job begins, or is recorded as waiting
void JobRunner::Announce(const EntryPtr& entry) {
  Tell(entry);
  {
    MutexLock lock(&mutex_);
    entry->announced = true;
    Advance();
    if (entry->job.status != JobStatus::kPending || entry->recorded) return;
  }
  RecordOrWarn(entry);
}

JobRunner::EntryPtr JobRunner::FindSubmitted(const JobRequest& request) const {
  for (const auto* list : {&running_, &waiting_}) {
    for (const EntryPtr& entry : *list) {
      if (entry->submitted && entry->job.request == request) return entry;
    }
  }
  return nullptr;
}

// --- one job, by its id

JobRunner::EntryPtr JobRunner::FindEntry(const std::string& id) const {
  const auto is_it = [&](const EntryPtr& entry) { return entry->job.id == id; };
  for (const auto* list : {&running_, &waiting_}) {
    const auto found = std::find_if(list->begin(), list->end(), is_it);
    if (found != list->end()) return *found;
  }
  const auto found = std::find_if(ended_.begin(), ended_.end(), is_it);
  return found == ended_.end() ? nullptr : *found;
}

Result<Job> JobRunner::Find(const std::string& id) {
  {
    MutexLock lock(&mutex_);
    const EntryPtr entry = FindEntry(id);
    if (entry != nullptr) return entry->job;
  }
  const auto store = store_of_ ? store_of_(JobRequest()) : nullptr;
  if (store == nullptr) return NoSuchJob(id);
  auto job = store->Find(id);
  if (job.status().code() == StatusCode::kNotFound) return NoSuchJob(id);
  return job;
}

// The record of a job may be older than the job, so the store is asked for as
// many more as may have another status by now.
Result<std::vector<Job>> JobRunner::List(const JobFilter& filter) {
  std::map<std::string, Job, std::greater<>> jobs;
  std::vector<Job> here;
  JobFilter recorded = filter;
  {
    MutexLock lock(&mutex_);
    recorded.limit += waiting_.size() + running_.size() + unrecorded_.size();
    for (const EntryPtr& entry : ended_) {
      if (entry->needed) here.push_back(entry->job);
    }
    for (const auto* list : {&waiting_, &running_}) {
      for (const EntryPtr& entry : *list) here.push_back(entry->job);
    }
  }
  if (const auto store = store_of_ ? store_of_(JobRequest()) : nullptr) {
    LEVELKEEP_ASSIGN_OR_RETURN(auto found, store->List(recorded));
    for (Job& job : found) jobs.emplace(job.id, std::move(job));
  }
  for (Job& job : here) {
    jobs.erase(job.id);
    if (Matches(filter, job)) jobs.emplace(job.id, std::move(job));
  }
  std::vector<Job> list;
  for (auto& [id, job] : jobs) {
    if (list.size() == filter.limit) break;
    list.push_back(std::move(job));
  }
  return list;
}

Result<std::vector<JobTotal>> JobRunner::Totals() {
  const auto store = store_of_ ? store_of_(JobRequest()) : nullptr;
  if (store == nullptr) return std::vector<JobTotal>();
  return store->Totals();
}

Result<Job> JobRunner::Wait(const std::string& id,
                            const std::stop_token& stop) {
  {
    MutexLock lock(&mutex_);
    const EntryPtr entry = FindEntry(id);
    if (entry != nullptr) {
      changed_.wait(mutex_, stop, [&]() REQUIRES_LOCK(mutex_) {
        return entry->settled || closed_;
      });
      if (entry->job.has_ended()) return entry->job;
      return Status(StatusCode::kCancelled,
                    "stopped while waiting for job " + id);
    }
  }
  LEVELKEEP_ASSIGN_OR_RETURN(Job job, Find(id));
  if (job.has_ended()) return job;
  return Status(StatusCode::kBusy, "another process runs job " + id,
                "try again later");
}

Status JobRunner::Cancel(const std::string& id) {
  EntryPtr withdrawn;
  {
    MutexLock lock(&mutex_);
    const EntryPtr entry = FindEntry(id);
    if (entry != nullptr && entry->committed && !entry->job.has_ended()) {
      return Status(StatusCode::kBusy,
                    JobNoun(entry->job.request.type) +
                        " can't be cancelled any more: it exchanges the "
                        "database",
                    "undo it when it has ended");
    }
    if (entry != nullptr && entry->job.status == JobStatus::kInProgress) {
      entry->cancelled = true;
      entry->stop.request_stop();
      return Status::Ok();
    }
    if (entry != nullptr && !entry->job.has_ended()) {
      withdrawn = entry;
      Withdraw(entry);
    }
  }
  if (withdrawn != nullptr) {
    PublishEnd(withdrawn);
    return Status::Ok();
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const Job job, Find(id));
  return Status(StatusCode::kBusy, job.has_ended()
                                       ? "job " + id + " has ended already"
                                       : "another process runs job " + id);
}

// A waiting job does not begin any more. A caller of Run notices it by itself,
// and its job leaves no record.
void JobRunner::Withdraw(const EntryPtr& entry) {
  entry->wait_ended = true;
  waiting_.remove(entry);
  if (entry->submitted) End(entry, {Cancelled()});
  Advance();
}

void JobRunner::PublishEnd(const EntryPtr& entry) {
  if (!entry->submitted) return;
  Publish(entry);
  MutexLock lock(&mutex_);
  entry->settled = true;
  Advance();
}

// --- all jobs of a type, or all jobs

void JobRunner::Resume(JobType type) {
  MutexLock lock(&mutex_);
  held_.erase(type);
  Advance();
}

void JobRunner::Suspend(JobType type) {
  std::vector<EntryPtr> withdrawn;
  {
    MutexLock lock(&mutex_);
    held_.insert(type);
    std::erase_if(timers_, [&](const auto& timer) {
      return timer->request.type == type;
    });
    // A live restore ends the jobs that use the database and begins them again,
    // so callers that wait for its end continue to wait.
    const bool restores = std::any_of(
        running_.begin(), running_.end(), [&](const EntryPtr& entry) {
          return Displaces(entry->job.request.type, JobType::kVerify);
        });
    const std::list<EntryPtr> waiting = waiting_;
    for (const EntryPtr& entry : waiting) {
      if (entry->job.request.type != type) continue;
      if (entry->submitted ? !entry->scheduled : restores) continue;
      Withdraw(entry);
      withdrawn.push_back(entry);
    }
    const auto runs = [&](const EntryPtr& entry) {
      return entry->job.request.type == type;
    };
    for (const EntryPtr& entry : running_) {
      if (!runs(entry)) continue;
      entry->cancelled = true;
      entry->stop.request_stop();
    }
    changed_.wait(mutex_, [&]() REQUIRES_LOCK(mutex_) {
      return std::none_of(running_.begin(), running_.end(), runs);
    });
  }
  for (const EntryPtr& entry : withdrawn) PublishEnd(entry);
}

void JobRunner::StopAll() {
  MutexLock lock(&mutex_);
  closed_ = true;
  for (const EntryPtr& entry : running_) {
    if (!entry->committed) entry->stop.request_stop();
  }
  Advance();
}

void JobRunner::Close() {
  StopAll();
  std::list<std::jthread> threads;
  {
    MutexLock lock(&mutex_);
    for (std::jthread& keeper : keeper_) keeper.request_stop();
    WakeKeeper();
    changed_.wait(mutex_, [&]() REQUIRES_LOCK(mutex_) {
      return callers_ == 0 && threads_.empty();
    });
    threads.splice(threads.end(), keeper_);
  }
  threads.clear();  // joins the threads
  JoinEnded();
}

std::optional<JobType> JobRunner::Running() const {
  MutexLock lock(&mutex_);
  const auto first = std::max_element(
      running_.begin(), running_.end(), [](const auto& a, const auto& b) {
        return RankOf(a->job.request.type) < RankOf(b->job.request.type);
      });
  if (first == running_.end()) return std::nullopt;
  return KindOf((*first)->job.request.type);
}

void JobRunner::AddListener(JobListener listener) {
  MutexLock lock(&mutex_);
  listeners_.push_back(std::move(listener));
}

// --- restarts

Result<std::vector<Job>> JobRunner::TakeUp(
    const std::shared_ptr<JobStore>& store,
    const std::function<bool(JobType)>& wanted) {
  std::vector<Job> interrupted;
  auto jobs = store->TakeUp([&](JobType type) {
    return handlers_.contains(type) && (!wanted || wanted(type));
  });
  LEVELKEEP_RETURN_IF_ERROR(jobs.status());
  for (const Job& job : *jobs) {
    const bool failed = !TakeUpOne(job, store);
    if (failed && job.status == JobStatus::kInProgress) {
      interrupted.push_back(job);
    }
  }
  return interrupted;
}

// False: the job has failed.
bool JobRunner::TakeUpOne(Job job, const std::shared_ptr<JobStore>& store) {
  const auto entry = std::make_shared<Entry>();
  entry->submitted = true;
  entry->lane = LaneOf(job.request);
  entry->store = store;
  entry->recorded = true;
  entry->job = std::move(job);
  const std::string why = WhyNotAgain(*entry);
  if (!why.empty()) {
    {
      MutexLock lock(&mutex_);
      End(entry, {Status(StatusCode::kCancelled, why)});
      entry->job.status = JobStatus::kFailed;
    }
    LogWarn(kJobLogTag, JobTypeName(entry->job.request.type) + " job " +
                            entry->job.id +
                            " has failed: " + entry->job.message);
    PublishEnd(entry);
    return false;
  }
  entry->job.status = JobStatus::kPending;
  const Moment now = MomentOf(clock_);
  if (entry->job.not_before) {
    using std::chrono::milliseconds;
    const auto left =
        std::chrono::ceil<milliseconds>(*entry->job.not_before - now.wall);
    entry->due.emplace(now, std::clamp(left, milliseconds(0), kLongestPause));
  }
  {
    MutexLock lock(&mutex_);
    if (!Queue(entry).ok()) return true;  // its record is for the next process
  }
  Announce(entry);
  return true;
}

// Why a job of another process is not begun again; empty: it is.
std::string JobRunner::WhyNotAgain(const Entry& entry) const {
  const Job& job = entry.job;
  const std::string noun = JobNoun(job.request.type);
  if (job.status != JobStatus::kInProgress) {
    if (SurvivesRestart(job.request.type)) return "";
    return noun +
           " that waits does not survive a restart: ask for it again if it is "
           "still wanted";
  }
  // A person who asked for a job sees that it failed, and may ask again.
  const uint64_t times =
      job.request.if_needed ? PolicyOf(entry).interruptions : 0;
  if (job.attempts <= times) return "";
  const std::string what =
      "interrupted: the process ended before the job's end was recorded";
  if (times == 0) return what;
  return what + ", " + std::to_string(job.attempts) +
         " times; the job is not begun again";
}

}  // namespace levelkeep
