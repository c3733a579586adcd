// A job from the queue to its end. job_queue.cc has submission and cancelling.

#include "jobs/job_runner.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/work.h"
#include "jobs/job.h"

namespace levelkeep {

namespace {

// Longer than any process lives, and far below an overflow of the clock.
constexpr std::chrono::milliseconds kLongestPatience =
    std::chrono::hours(24 * 365);
// The pause before a verification that a restore stopped begins again.
constexpr std::chrono::milliseconds kDisplacedDelay{1000};
constexpr size_t kMostEnded = 100;  // ended jobs in memory

// True if the same job may succeed later.
bool RepeatMayHelp(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
    case StatusCode::kInvalidArgument:
    case StatusCode::kNotFound:
    case StatusCode::kCorruption:
    case StatusCode::kUnsupported:
    case StatusCode::kCancelled:
    case StatusCode::kOtherDatabase:
      return false;
    default:
      return true;
  }
}

}  // namespace

JobRunner::JobRunner(Clock* clock, std::map<JobType, JobHandler> handlers,
                     StoreOf store_of)
    : clock_(clock),
      handlers_(std::move(handlers)),
      store_of_(std::move(store_of)) {}

JobRunner::~JobRunner() { Close(); }

std::string JobRunner::LaneOf(const JobRequest& request) const {
  const auto handler = handlers_.find(request.type);
  if (handler == handlers_.end() || !handler->second.lane_of) return "";
  return handler->second.lane_of(request);
}

const JobPolicy& JobRunner::PolicyOf(const Entry& entry) const {
  static const JobPolicy kNone;
  const auto handler = handlers_.find(entry.job.request.type);
  return handler == handlers_.end() ? kNone : handler->second.policy;
}

JobRunner::EntryPtr JobRunner::NewEntry(const JobRequest& request,
                                        bool submitted) const {
  auto entry = std::make_shared<Entry>();
  entry->job.created = clock_->Now();
  entry->job.id = NewJobId(entry->job.created);
  entry->job.request = request;
  entry->submitted = submitted;
  entry->lane = LaneOf(request);
  if (store_of_) entry->store = store_of_(request);
  return entry;
}

// --- the queue

void JobRunner::Enqueue(const EntryPtr& entry) {
  const auto urgency = [](const EntryPtr& one) {
    const JobRequest& request = one->job.request;
    return std::pair(request.priority, RankOf(request.type));
  };
  const auto behind = std::find_if(
      waiting_.begin(), waiting_.end(),
      [&](const auto& other) { return urgency(other) < urgency(entry); });
  waiting_.insert(behind, entry);
}

// After any change, other jobs may begin or give up.
void JobRunner::Advance() {
  Admit();
  WakeKeeper();
  changed_.notify_all();
}

bool JobRunner::IsReady(const Entry& entry) const {
  if (!entry.submitted) return true;
  return entry.announced && !held_.contains(entry.job.request.type) &&
         (!entry.due || entry.due->HasCome(MomentOf(clock_)));
}

const JobRunner::Entry* JobRunner::InTheWay(const Entry& entry) const {
  const JobType type = entry.job.request.type;
  const auto excludes = [&](const Entry& other) {
    if (!entry.lane.empty() || !other.lane.empty()) {
      return entry.lane == other.lane;
    }
    return !MayRunTogether(type, other.job.request.type);
  };
  for (const EntryPtr& other : running_) {
    if (excludes(*other) && !Displaces(type, other->job.request.type)) {
      return other.get();
    }
  }
  for (const EntryPtr& other : waiting_) {
    if (other.get() == &entry) break;
    if (excludes(*other) && IsReady(*other)) return other.get();
  }
  return nullptr;
}

// Stops the jobs that `entry` displaces; true if one has to end first.
bool JobRunner::DisplaceOthers(const Entry& entry) {
  bool any = false;
  for (const EntryPtr& other : running_) {
    if (!entry.lane.empty() || !other->lane.empty() ||
        !Displaces(entry.job.request.type, other->job.request.type)) {
      continue;
    }
    any = true;
    other->displaced = true;
    other->stop.request_stop();
  }
  return any;
}

void JobRunner::Admit() {
  if (closed_) return;
  const std::list<EntryPtr> waiting = waiting_;
  for (const EntryPtr& entry : waiting) {
    if (!IsReady(*entry) || InTheWay(*entry) != nullptr) continue;
    if (!DisplaceOthers(*entry)) Begin(entry);
  }
}

void JobRunner::Begin(const EntryPtr& entry) {
  waiting_.remove(entry);
  running_.push_back(entry);
  entry->job.status = JobStatus::kInProgress;
  entry->job.started = clock_->Now();
  entry->last_progress = clock_->SteadyNow();
  entry->job.not_before.reset();
  entry->due.reset();
  changed_.notify_all();
  if (!entry->submitted ||
      AddThread(&threads_, [this, entry](const std::stop_token&) {
        RunInBackground(entry);
      })) {
    return;
  }
  running_.remove(entry);
  entry->job.status = JobStatus::kPending;
  entry->due.emplace(MomentOf(clock_), kDisplacedDelay);
  Enqueue(entry);
}

Status JobRunner::JudgeLocked(const Entry& entry) const {
  if (closed_) return ShuttingDown();
  const Entry* const other = InTheWay(entry);
  if (other == nullptr) return Status::Ok();
  const std::string noun = JobNoun(other->job.request.type);
  const bool runs = other->job.status == JobStatus::kInProgress;
  return Status(
      StatusCode::kBusy,
      runs ? noun + " has been running since " + FormatTime(*other->job.started)
           : noun + " is waiting to run",
      "try again when it has ended");
}

Status JobRunner::Judge(JobType type) const {
  Entry entry;
  entry.job.request.type = type;
  MutexLock lock(&mutex_);
  return JudgeLocked(entry);
}

// Waits until the job has begun or the caller gives up: 1. during the caller's
// patience   2. without limit, for jobs that this one displaces
Status JobRunner::AwaitTurn(const EntryPtr& entry, const JobTerms& terms) {
  const auto callers = std::count_if(
      waiting_.begin(), waiting_.end(),
      [&](const auto& other) { return !other->submitted && other != entry; });
  const bool waits = terms.places <= 0 || callers < terms.places;
  const auto patience = std::clamp(terms.patience, std::chrono::milliseconds(0),
                                   kLongestPatience);
  const auto begun_or_over = [&]() REQUIRES_LOCK(mutex_) {
    return closed_ || entry->wait_ended ||
           entry->job.status == JobStatus::kInProgress;
  };
  if (waits && patience.count() > 0) {
    changed_.wait_until(mutex_, terms.stop,
                        std::chrono::steady_clock::now() + patience,
                        [&]() REQUIRES_LOCK(mutex_) {
                          return begun_or_over() || InTheWay(*entry) == nullptr;
                        });
  }
  changed_.wait(mutex_, terms.stop, [&]() REQUIRES_LOCK(mutex_) {
    return begun_or_over() || InTheWay(*entry) != nullptr;
  });
  if (entry->job.status == JobStatus::kInProgress) return Status::Ok();
  if (!closed_ && (entry->wait_ended || terms.stop.stop_requested())) {
    return Status(StatusCode::kCancelled,
                  "stopped while waiting for another job");
  }
  return JudgeLocked(*entry);
}

// --- a job

JobOutcome JobRunner::Run(const JobRequest& request, const JobTerms& terms) {
  JoinEnded();
  const EntryPtr entry = NewEntry(request, /*submitted=*/false);
  const auto called = clock_->SteadyNow();
  Status turn;
  {
    MutexLock lock(&mutex_);
    if (closed_) return {ShuttingDown()};
    ++callers_;
    Enqueue(entry);
    Admit();
    turn = AwaitTurn(entry, terms);
    waiting_.remove(entry);
  }
  JobOutcome outcome{turn};
  if (turn.ok()) {
    JobTerms left = terms;
    left.patience -= std::chrono::duration_cast<std::chrono::milliseconds>(
        clock_->SteadyNow() - called);
    outcome = Attempt(entry, left);
    Settle(entry, outcome);
  }
  MutexLock lock(&mutex_);
  --callers_;
  Advance();
  return outcome;
}

std::function<bool()> JobRunner::LookAt(const EntryPtr& entry,
                                        bool Entry::*flag) {
  return [this, entry, flag] {
    MutexLock lock(&mutex_);
    return *entry.*flag;
  };
}

// 1. is the job needed?   2. count and record the attempt   3. do the work
JobOutcome JobRunner::Attempt(const EntryPtr& entry, const JobTerms& terms) {
  const LogJobScope scope(entry->job.id);
  const JobRequest request = entry->job.request;
  const auto handler = handlers_.find(request.type);
  if (handler == handlers_.end()) {
    return {Status(StatusCode::kUnsupported,
                   "this process has no handler for jobs of type " +
                       JobTypeName(request.type))};
  }
  const auto& is_needed = handler->second.is_needed;
  const bool needed = !entry->submitted || !request.if_needed || !is_needed ||
                      is_needed(request);
  uint64_t attempt = 0;
  std::stop_token stop;
  {
    MutexLock lock(&mutex_);
    entry->needed = needed;
    entry->job.progress = 0;
    entry->job.bytes = entry->job.total_bytes = 0;
    // The caller's patience is for waits in which nothing is reported.
    entry->last_progress =
        clock_->SteadyNow() + std::clamp(terms.patience,
                                         std::chrono::milliseconds(0),
                                         kLongestPatience);
    if (needed) attempt = ++entry->job.attempts;
    if (PolicyOf(*entry).quiet_limit.count() > 0) StartKeeper();
    WakeKeeper();
    stop = entry->stop.get_token();
  }
  if (!needed) return {Status::Ok(), "there was nothing to do"};
  Publish(entry);
  const std::stop_callback forward(
      terms.stop, [source = entry->stop]() mutable { source.request_stop(); });
  const JobRun run = {
      .id = entry->job.id,
      .request = request,
      .created = entry->job.created,
      .attempt = attempt,
      .work = {.stop = stop,
               .progress =
                   [&](double fraction) {
                     if (terms.progress) terms.progress(fraction);
                     Report(entry, fraction);
                   },
               .bytes = [&](uint64_t done,
                            uint64_t total) { CountBytes(entry, done, total); },
               .commit = [this, entry] { return Commit(entry); }},
      .patience = terms.patience,
      .is_displaced = LookAt(entry, &Entry::displaced),
      .is_timed_out = LookAt(entry, &Entry::timed_out)};
  JobOutcome outcome = handler->second.run(run);
  MutexLock lock(&mutex_);
  if (entry->timed_out && outcome.status.code() == StatusCode::kCancelled) {
    outcome = {TimedOut(*entry), "", std::move(outcome.result)};
  }
  return outcome;
}

// A job that failed for now waits for another try; all other jobs have ended.
void JobRunner::Settle(const EntryPtr& entry, JobOutcome outcome) {
  bool again = false;
  {
    MutexLock lock(&mutex_);
    running_.remove(entry);
    again = ComesAgain(entry.get(), &outcome);
    if (!again) End(entry, outcome);
    entry->announced = !again;
    if (again && !closed_) Enqueue(entry);
    Advance();
  }
  Publish(entry);
  MutexLock lock(&mutex_);
  entry->announced = true;
  if (!again) entry->settled = true;
  Advance();
}

bool JobRunner::ComesAgain(Entry* entry, JobOutcome* outcome) {
  if (!entry->submitted || entry->cancelled) return false;
  if (entry->displaced && outcome->status.code() == StatusCode::kCancelled) {
    outcome->again = kDisplacedDelay;
    outcome->postponed = true;
  }
  const JobPolicy& policy = PolicyOf(*entry);
  if (!outcome->again && RepeatMayHelp(outcome->status.code()) &&
      entry->job.attempts <= policy.retries) {
    outcome->again = policy.retry_delay;
  }
  if (!outcome->again) return false;
  const Moment now = MomentOf(clock_);
  entry->due.emplace(now, *outcome->again);
  entry->stop = std::stop_source();
  entry->displaced = entry->timed_out = false;
  Job& job = entry->job;
  job.status = JobStatus::kPending;
  job.not_before = now.wall + *outcome->again;
  job.code = outcome->status.code();
  job.message = outcome->status.message();
  job.hint = outcome->status.hint();
  if (outcome->postponed) --job.attempts;
  return true;
}

void JobRunner::End(const EntryPtr& entry, const JobOutcome& outcome) {
  const StatusCode code = outcome.status.code();
  Job& job = entry->job;
  job.status = code == StatusCode::kOk          ? JobStatus::kCompleted
               : code == StatusCode::kCancelled ? JobStatus::kCancelled
                                                : JobStatus::kFailed;
  if (code == StatusCode::kOk) job.progress = 1;
  job.ended = clock_->Now();
  job.not_before.reset();
  job.code = code;
  job.message =
      code == StatusCode::kOk ? outcome.message : outcome.status.message();
  job.hint = outcome.status.hint();
  job.result = outcome.result;
  ended_.push_back(entry);
  if (ended_.size() > kMostEnded) ended_.pop_front();
  for (const auto& timer : timers_) {
    if (timer->run == entry) Rearm(timer.get());
  }
}

// --- listeners and records

void JobRunner::Publish(const EntryPtr& entry) {
  RecordOrWarn(entry);
  Tell(entry);
}

Status JobRunner::Record(const EntryPtr& entry) {
  if (entry->store == nullptr) return Status::Ok();
  MutexLock record_lock(&entry->record_mutex);
  Job job;
  {
    MutexLock lock(&mutex_);
    if (!entry->needed && !entry->recorded) return Status::Ok();
    entry->recorded = true;
    job = entry->job;
  }
  return entry->store->Put(job);
}

// The job itself matters more than the record of it. The end of a job is
// recorded later, when that works again.
void JobRunner::RecordOrWarn(const EntryPtr& entry) {
  const Status recorded = Record(entry);
  std::list<EntryPtr> again;
  {
    MutexLock lock(&mutex_);
    if (!recorded.ok() && !warned_) {
      LogWarn(kJobLogTag,
              "jobs continue without records: " + recorded.ToString());
    }
    warned_ = !recorded.ok();
    if (recorded.ok()) {
      again.swap(unrecorded_);
    } else if (entry->job.has_ended() && unrecorded_.size() < kMostEnded) {
      unrecorded_.push_back(entry);
    }
  }
  for (const EntryPtr& late : again) (void)Record(late);
}

void JobRunner::Tell(const EntryPtr& entry) {
  Job job;
  std::vector<JobListener> listeners;
  {
    MutexLock lock(&mutex_);
    job = entry->job;
    listeners = listeners_;
  }
  for (const JobListener& listener : listeners) {
    const Status told = CallHost("a listener of jobs", [&] {
      listener(job);
      return Status::Ok();
    });
    if (!told.ok()) LogWarn(kJobLogTag, told.ToString());
  }
}

void JobRunner::Report(const EntryPtr& entry, double fraction) {
  {
    MutexLock lock(&mutex_);
    const auto steps = [](double part) { return static_cast<int>(part * 100); };
    const bool same = steps(fraction) == steps(entry->job.progress);
    entry->job.progress = fraction;
    entry->last_progress = clock_->SteadyNow();
    if (same || listeners_.empty()) return;
  }
  Tell(entry);
}

void JobRunner::CountBytes(const EntryPtr& entry, uint64_t done,
                           uint64_t total) {
  MutexLock lock(&mutex_);
  entry->job.bytes = done;
  entry->job.total_bytes = total;
  entry->last_progress = clock_->SteadyNow();
}

Status JobRunner::TimedOut(const Entry& entry) const {
  const JobPolicy& policy = PolicyOf(entry);
  const auto seconds =
      std::chrono::ceil<std::chrono::seconds>(policy.quiet_limit);
  return Status(StatusCode::kIoError,
                JobNoun(entry.job.request.type) + " made no progress for " +
                    std::to_string(seconds.count()) + " s and was stopped",
                "look whether the disk answers; " + policy.quiet_setting +
                    " sets the limit");
}

bool JobRunner::Commit(const EntryPtr& entry) {
  MutexLock lock(&mutex_);
  if (entry->stop.stop_requested()) return false;
  entry->committed = true;
  return true;
}

bool JobRunner::Turns(std::chrono::milliseconds patience,
                      const std::stop_token& stop) {
  MutexLock lock(&mutex_);
  if (keeper_.empty() || closed_) return true;
  const uint64_t before = turns_;
  WakeKeeper();
  return changed_.wait_until(
      mutex_, stop, std::chrono::steady_clock::now() + patience,
      [&]() REQUIRES_LOCK(mutex_) { return turns_ != before; });
}

void JobRunner::RemoveSchedules(JobType type) {
  MutexLock lock(&mutex_);
  std::erase_if(timers_,
                [&](const auto& timer) { return timer->request.type == type; });
  WakeKeeper();
}

}  // namespace levelkeep
