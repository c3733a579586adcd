// The schedules of a JobRunner, and its threads.

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "base/process.h"
#include "jobs/job.h"
#include "jobs/job_runner.h"

namespace levelkeep {

namespace {

// A run later than this before now was planned by a wrong clock: schedules go
// on from now. A smaller step back of the clock repeats no run.
constexpr std::chrono::hours kLargestStepBack{24};
// The number of skipped runs that a message counts.
constexpr int kMostCounted = 1000;

DueTime DueAt(Time time, const Moment& now) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(time - now.wall);
  return DueTime(now, std::max(left, std::chrono::milliseconds(0)));
}

}  // namespace

// --- the time

void JobRunner::SetSchedule(const JobRequest& request,
                            std::shared_ptr<const Schedule> schedule,
                            Time first, std::function<void(Time)> note) {
  const Moment now = MomentOf(clock_);
  auto timer = std::make_shared<Timer>(Timer{
      request, std::move(schedule), std::move(note), first, DueAt(first, now)});
  MutexLock lock(&mutex_);
  if (closed_) return;
  std::erase_if(timers_, [&](const auto& other) {
    return other->request == timer->request;
  });
  timers_.push_back(std::move(timer));
  StartKeeper();
  WakeKeeper();
}

// Called when the present run has ended. A run that became due meanwhile is due
// now.
void JobRunner::Rearm(Timer* timer) {
  const Moment now = MomentOf(clock_);
  const bool plausible = timer->planned - now.wall <= kLargestStepBack;
  timer->run.reset();
  timer->planned =
      timer->schedule->NextAfter(plausible ? timer->planned : now.wall);
  timer->next = DueAt(timer->planned, now);
}

// The run that is due stands for all that came due since, so that no burst
// follows a pause or a long run.
void JobRunner::SkipMissedRuns(Timer* timer) const {
  const Time now = clock_->Now();
  if (timer->planned >= now) return;
  int skipped = 0;
  for (Time run = timer->schedule->NextAfter(timer->planned);
       run <= now && skipped < kMostCounted;
       run = timer->schedule->NextAfter(run)) {
    ++skipped;
  }
  timer->planned = now;
  if (skipped == 0) return;
  LogWarn(kJobLogTag, "scheduled runs of " + JobNoun(timer->request.type) +
                          " are skipped (" + std::to_string(skipped) +
                          "): they came due while the machine "
                          "slept or an earlier job ran, and one run stands "
                          "for all");
}

std::optional<Time> JobRunner::NextRun(std::optional<JobType> type) const {
  MutexLock lock(&mutex_);
  const Moment now = MomentOf(clock_);
  std::optional<Time> first;
  for (const auto& timer : timers_) {
    if (type && timer->request.type != *type) continue;
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
  for (const EntryPtr& entry : running_) {
    const auto limit = PolicyOf(*entry).quiet_limit;
    if (limit.count() == 0 || entry->timed_out) continue;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        entry->last_progress + limit - now.steady);
    first = std::min(first.value_or(DueTime::kLongestWait),
                     std::max(left, std::chrono::milliseconds(0)));
  }
  return first;
}

bool JobRunner::IsQuiet(const Entry& entry) const {
  const auto limit = PolicyOf(entry).quiet_limit;
  return limit.count() > 0 &&
         clock_->SteadyNow() >= entry.last_progress + limit;
}

std::vector<std::string> JobRunner::StuckJobs() const {
  std::vector<std::string> stuck;
  MutexLock lock(&mutex_);
  for (const EntryPtr& entry : running_) {
    if (!IsQuiet(*entry)) continue;
    const JobPolicy& policy = PolicyOf(*entry);
    const auto limit =
        std::chrono::ceil<std::chrono::seconds>(policy.quiet_limit);
    stuck.push_back("job " + entry->job.id + " (" +
                    JobNoun(entry->job.request.type) +
                    ") has made no progress for longer than " +
                    policy.quiet_setting + "=" + std::to_string(limit.count()) +
                    " and does not end: look whether the disk answers");
  }
  return stuck;
}

void JobRunner::StopQuietJobs() {
  for (const EntryPtr& entry : running_) {
    if (entry->timed_out || entry->committed || !IsQuiet(*entry)) continue;
    entry->timed_out = true;
    entry->stop.request_stop();
    LogWarn(kJobLogTag,
            "job " + entry->job.id + ": " + TimedOut(*entry).message());
  }
}

void JobRunner::StartKeeper() {
  if (!keeper_.empty()) return;
  AddThread(&keeper_, [this](std::stop_token stop) { KeepTime(stop); });
}

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
      ++turns_;
      changed_.notify_all();
      StopQuietJobs();
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
    bool is_new = false;
    Time planned;  // of this run; that of the next one follows its end
    {
      MutexLock lock(&mutex_);
      if (std::find(timers_.begin(), timers_.end(), timer) == timers_.end()) {
        continue;
      }
      SkipMissedRuns(timer.get());
      const EntryPtr same = FindSubmitted(timer->request);
      timer->run = same != nullptr ? same : entry;
      timer->run->scheduled = true;
      is_new = same == nullptr;
      planned = timer->planned;
      if (is_new && !Queue(entry).ok()) continue;
    }
    if (is_new) Announce(entry);
    if (timer->note) timer->note(planned);
  }
}

// --- threads

// False: no thread can be started now.
bool JobRunner::AddThread(std::list<std::jthread>* threads,
                          std::function<void(std::stop_token)> body) {
  std::jthread& thread = threads->emplace_back();
  if (StartThread(&thread, kJobLogTag, "jobs", std::move(body))) return true;
  threads->pop_back();
  return false;
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
