// Work around the jobs of a JobRunner: submission, cancelling, schedules,
// restarts, and the threads.

#include <algorithm>
#include <functional>
#include <iterator>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "base/process.h"
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
  if (submission.must_be_recorded && entry->store == nullptr) {
    return Status(StatusCode::kRefused,
                  "the job can't be remembered: no database is known yet",
                  "submit the job when the database is attached");
  }
  if (submission.delay.count() > 0) {
    entry->due.emplace(MomentOf(clock_), submission.delay);
    entry->job.not_before = clock_->Now() + submission.delay;
  }
  {
    MutexLock lock(&mutex_);
    const EntryPtr same =
        submission.joins ? FindSubmitted(submission.request) : nullptr;
    if (same != nullptr) return same->job.id;
    LEVELKEEP_RETURN_IF_ERROR(Queue(entry));
  }
  LEVELKEEP_RETURN_IF_ERROR(Announce(entry, submission.must_be_recorded));
  return entry->job.id;
}

Status JobRunner::Queue(const EntryPtr& entry) {
  if (closed_) return ShuttingDown();
  entry->announced = false;
  Enqueue(entry);
  StartKeeper();
  return Status::Ok();
}

// 1. tell the listeners   2. the job begins, or is recorded as waiting
Status JobRunner::Announce(const EntryPtr& entry, bool must_be_recorded) {
  Tell(entry);
  {
    MutexLock lock(&mutex_);
    entry->announced = true;
    Advance();
    if (entry->job.status != JobStatus::kPending) return Status::Ok();
  }
  if (!must_be_recorded) {
    RecordOrWarn(entry);
    return Status::Ok();
  }
  const Status recorded = Record(entry);
  if (recorded.ok()) return recorded;
  {
    MutexLock lock(&mutex_);
    if (entry->job.status != JobStatus::kPending) return Status::Ok();
    waiting_.remove(entry);
    End(entry, {recorded});
    entry->settled = true;
    Advance();
  }
  Tell(entry);
  return recorded;
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

Result<std::vector<Job>> JobRunner::List(size_t limit) {
  std::map<std::string, Job, std::greater<>> jobs;
  const auto store = store_of_ ? store_of_(JobRequest()) : nullptr;
  if (store != nullptr) {
    LEVELKEEP_ASSIGN_OR_RETURN(auto recorded, store->List(limit));
    for (Job& job : recorded) jobs.emplace(job.id, std::move(job));
  }
  MutexLock lock(&mutex_);
  const auto add = [&](const EntryPtr& entry) {
    jobs.insert_or_assign(entry->job.id, entry->job);
  };
  std::for_each(ended_.begin(), ended_.end(), add);
  std::for_each(waiting_.begin(), waiting_.end(), add);
  std::for_each(running_.begin(), running_.end(), add);
  std::vector<Job> list;
  for (auto& [id, job] : jobs) {
    if (list.size() == limit) break;
    list.push_back(std::move(job));
  }
  return list;
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

std::vector<Job> JobRunner::TakeUp(const std::shared_ptr<JobStore>& store) {
  std::vector<Job> interrupted;
  auto jobs =
      store->TakeUp([this](JobType type) { return handlers_.contains(type); });
  if (!jobs.ok()) {
    LogWarn(kJobLogTag, "jobs of the last process were not taken up: " +
                            jobs.status().ToString());
    return interrupted;
  }
  for (const Job& job : *jobs) {
    if (job.status == JobStatus::kInProgress) interrupted.push_back(job);
    TakeUpOne(job, store);
  }
  return interrupted;
}

void JobRunner::TakeUpOne(Job job, const std::shared_ptr<JobStore>& store) {
  const auto entry = std::make_shared<Entry>();
  entry->submitted = true;
  entry->lane = LaneOf(job.request);
  entry->store = store;
  entry->recorded = true;
  entry->job = std::move(job);
  const JobType type = entry->job.request.type;
  const bool interrupted = entry->job.status == JobStatus::kInProgress;
  if (interrupted || !SurvivesRestart(type)) {
    const std::string why =
        interrupted
            ? "interrupted: the process ended before the job's end was recorded"
            : JobNoun(type) +
                  " that waits does not survive a restart: ask for it "
                  "again if it is still wanted";
    {
      MutexLock lock(&mutex_);
      End(entry, {Status(StatusCode::kCancelled, why)});
      entry->job.status = JobStatus::kFailed;
    }
    LogWarn(kJobLogTag, JobTypeName(type) + " job " + entry->job.id +
                            " has failed: " + entry->job.message);
    PublishEnd(entry);
    return;
  }
  const Moment now = MomentOf(clock_);
  if (entry->job.not_before) {
    using std::chrono::milliseconds;
    const auto left =
        std::chrono::ceil<milliseconds>(*entry->job.not_before - now.wall);
    entry->due.emplace(now, std::clamp(left, milliseconds(0), kLongestPause));
  }
  {
    MutexLock lock(&mutex_);
    if (!Queue(entry).ok()) return;  // the record stays for the next process
  }
  (void)Announce(entry, /*must_be_recorded=*/false);
}

// --- the time

void JobRunner::SetSchedule(const JobRequest& request,
                            std::unique_ptr<const Schedule> schedule,
                            std::chrono::milliseconds delay) {
  auto timer = std::make_shared<Timer>(
      Timer{request, std::move(schedule), DueTime(MomentOf(clock_), delay)});
  MutexLock lock(&mutex_);
  if (closed_) return;
  timers_.push_back(std::move(timer));
  StartKeeper();
  WakeKeeper();
}

std::optional<Time> JobRunner::NextRun() const {
  MutexLock lock(&mutex_);
  const Moment now = MomentOf(clock_);
  std::optional<Time> first;
  for (const auto& timer : timers_) {
    Time next = now.wall + timer->next.LeftAt(now);
    if (timer->run != nullptr) {
      next = timer->run->job.not_before.value_or(now.wall);
    }
    first = std::min(first.value_or(next), next);
  }
  return first;
}

std::optional<std::chrono::milliseconds> JobRunner::NextDue() const {
  const Moment now = MomentOf(clock_);
  std::optional<std::chrono::milliseconds> first;
  const auto add = [&](const DueTime& due) {
    first = std::min(first.value_or(DueTime::kLongestWait), due.LeftAt(now));
  };
  for (const auto& timer : timers_) {
    if (timer->run == nullptr) add(timer->next);
  }
  for (const EntryPtr& entry : waiting_) {
    if (entry->due && !entry->due->HasCome(now)) add(*entry->due);
  }
  return first;
}

void JobRunner::StartKeeper() {
  if (!keeper_.empty()) return;
  StartThread(&keeper_, [this](std::stop_token stop) { KeepTime(stop); });
}

void JobRunner::WakeKeeper() { wake_.request_stop(); }

// Not idle priority: other threads may wait for a lock that this thread holds.
void JobRunner::KeepTime(const std::stop_token& stop) {
  LowerThreadPriority(ThreadPriority::kLow);
  while (!stop.stop_requested()) {
    RunTimers();
    JoinEnded();
    std::optional<std::chrono::milliseconds> left;
    std::stop_token wake;
    {
      MutexLock lock(&mutex_);
      if (stop.stop_requested()) return;
      wake_ = std::stop_source();
      wake = wake_.get_token();
      Admit();
      left = NextDue();
      if (!left) {
        changed_.wait(mutex_, wake, [] { return false; });
        continue;
      }
    }
    if (left->count() > 0) clock_->SleepFor(*left, wake);
  }
}

void JobRunner::RunTimers() {
  std::vector<std::shared_ptr<Timer>> due;
  {
    MutexLock lock(&mutex_);
    const Moment now = MomentOf(clock_);
    std::copy_if(timers_.begin(), timers_.end(), std::back_inserter(due),
                 [&](const auto& timer) {
                   return timer->run == nullptr && timer->next.HasCome(now);
                 });
  }
  for (const auto& timer : due) {
    const EntryPtr entry = NewEntry(timer->request, /*submitted=*/true);
    {
      MutexLock lock(&mutex_);
      if (std::find(timers_.begin(), timers_.end(), timer) == timers_.end()) {
        continue;
      }
      const EntryPtr same = FindSubmitted(timer->request);
      timer->run = same != nullptr ? same : entry;
      timer->run->scheduled = true;
      if (same != nullptr || !Queue(entry).ok()) continue;
    }
    (void)Announce(entry, /*must_be_recorded=*/false);
  }
}

// --- threads

// False: no thread can be started now.
bool JobRunner::StartThread(std::list<std::jthread>* threads,
                            std::function<void(std::stop_token)> body) {
  try {
    threads->emplace_back(std::move(body));
    return true;
  } catch (const std::system_error& error) {
    LogWarn(kJobLogTag,
            std::string("no thread can be started: ") + error.what());
    return false;
  }
}

void JobRunner::RunInBackground(const EntryPtr& entry) {
  if (RankOf(entry->job.request.type) < RankOf(JobType::kRestore)) {
    LowerThreadPriority(ThreadPriority::kLow);
  }
  const JobOutcome outcome = Attempt(entry, JobTerms());
  Settle(entry, outcome);
  MutexLock lock(&mutex_);
  const auto self = std::find_if(
      threads_.begin(), threads_.end(), [](const std::jthread& thread) {
        return thread.get_id() == std::this_thread::get_id();
      });
  ended_threads_.splice(ended_threads_.end(), threads_, self);
  Advance();
}

// A thread can't join itself, so the next thread joins the ended ones.
void JobRunner::JoinEnded() {
  std::list<std::jthread> ended;
  MutexLock lock(&mutex_);
  ended.splice(ended.end(), ended_threads_);
}

}  // namespace levelkeep
