// Runs jobs: as many at once as the table in job.h allows, the others in a
// queue. Tells listeners; keeps records in a JobStore.
//
// There are two ways to run a job. Run works on the caller's thread and returns
// the outcome, for a caller that waits. Submit returns at once; a thread of the
// runner does the work, and the job survives a restart (SurvivesRestart).
//
// A record is written when a job begins and when it ends, and also when a
// submitted job has to wait. A job that was refused before it began leaves no
// record.

#ifndef LEVELKEEP_JOBS_JOB_RUNNER_H_
#define LEVELKEEP_JOBS_JOB_RUNNER_H_

#include <any>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/work.h"
#include "jobs/job_store.h"
#include "jobs/schedule.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"

namespace levelkeep {

// The arguments of a handler.
struct JobRun {
  const std::string& id;
  const JobRequest& request;
  Time created = {};  // of the job
  uint64_t attempt = 1;
  // Has a `commit` function, which a restore calls before it exchanges the
  // database: from then on the job can't be cancelled.
  Work work;
  // The rest of the caller's patience, for waiting on other processes.
  std::chrono::milliseconds patience{0};
  // True if another job stopped this one, which will run again later.
  std::function<bool()> is_displaced;
  // True if this job was stopped because it reported no progress.
  std::function<bool()> is_timed_out;
};

// The outcome of one attempt.
struct JobOutcome {
  Status status;
  std::string message = {};  // the work done, if it succeeded
  std::map<std::string, std::string> result = {};  // see Job
  std::any value = {};                             // for the caller of Run
  // The job shall be tried again after this time (only a submitted job).
  std::optional<std::chrono::milliseconds> again = {};
  // The attempt does not count: another process was in the way.
  bool postponed = false;
};

// What happens to a job that does not succeed at once.
struct JobPolicy {
  // A submitted job that failed is tried again so often, after such a pause. It
  // is not if a repeat can't help: wrong input, a missing or damaged backup.
  uint64_t retries = 0;
  std::chrono::milliseconds retry_delay{30'000};
  // A job that reported no progress for this long is stopped: it has failed. 0:
  // no limit. The time of the job does not matter, large databases need hours.
  std::chrono::milliseconds quiet_limit{0};
  // The setting of quiet_limit, for messages.
  std::string quiet_setting = {};
  // A job that nobody waits for (`if_needed`) and that was interrupted, by a
  // crash of its process, is begun again so often; then it has failed.
  uint64_t interruptions = 0;
};

// Does the jobs of one type.
// Thread safety: several threads call the functions, as the table allows.
struct JobHandler {
  std::function<JobOutcome(const JobRun& run)> run;
  // Called before a submitted job begins whose request says `if_needed`; false:
  // the job ends without a record. Empty: every job is needed.
  std::function<bool(const JobRequest& request)> is_needed = {};
  // The lane of a job. Jobs of one lane run one after the other, and beside all
  // other jobs: one lane per destination and one for notifications, so that a
  // dead destination blocks nothing. Empty, or an empty name: the table
  // decides.
  std::function<std::string(const JobRequest& request)> lane_of = {};
  JobPolicy policy = {};
};

// How long and where the caller of Run waits.
struct JobTerms {
  std::stop_token stop = {};
  std::function<void(double)> progress = {};  // throws nothing
  // The patience for jobs in the way. Jobs that this one displaces do not
  // count: Run always waits for them.
  std::chrono::milliseconds patience{0};
  // Run does not wait if this many callers wait already; 0: no limit.
  int places = 0;
};

// Thread safety: all methods may be called concurrently.
class JobRunner {
 public:
  // Returns the store for a job's record; null: the job has no record.
  using StoreOf =
      std::function<std::shared_ptr<JobStore>(const JobRequest& request)>;

  // `clock` and the objects that the functions use must outlive this object.
  JobRunner(Clock* clock, std::map<JobType, JobHandler> handlers,
            StoreOf store_of);
  ~JobRunner();  // Close
  JobRunner(const JobRunner&) = delete;
  JobRunner& operator=(const JobRunner&) = delete;

  // Returns the outcome with the job's value. kBusy names the job in the way
  // and the time since when it runs. kCancelled: closed, stopped, or Suspend.
  JobOutcome Run(const JobRequest& request, const JobTerms& terms);
  template <typename Value>
  Result<Value> RunFor(const JobRequest& request, const JobTerms& terms) {
    JobOutcome outcome = Run(request, terms);
    if (!outcome.status.ok()) return outcome.status;
    return std::any_cast<Value>(std::move(outcome.value));
  }

  struct Submission {
    JobRequest request = {};
    // If a submitted job with an equal request has not ended, Submit returns
    // its id. Not for a job that must be recorded.
    bool joins = false;
    // Submit fails if the record can't be written; false: the job runs without
    // one.
    bool must_be_recorded = false;
    std::chrono::milliseconds delay{0};
    // If a request with this key made a job within the last 24 h, Submit
    // returns its id (JobStore::ClaimKey). Empty: no key.
    std::string key = {};
    std::string key_content = {};
  };
  Result<std::string> Submit(const Submission& submission);
  // The job of a key that was used within the last 24 h, if it is known still.
  // kInvalidArgument: the key was used with other content.
  Result<std::optional<std::string>> FindKey(const std::string& key,
                                             const std::string& content);

  // Takes up the jobs of this runner's types that dead processes, or processes
  // that only submit, left in the store: a job that waited is queued; a job
  // that was interrupted is begun again as often as its policy allows, then it
  // has failed; so has a job that does not survive a restart. Returns the
  // interrupted jobs that have failed.
  // `wanted`: of these types only; empty: of all. An error: nothing was taken
  // up.
  Result<std::vector<Job>> TakeUp(
      const std::shared_ptr<JobStore>& store,
      const std::function<bool(JobType)>& wanted = {});

  // Finds a job of this runner, or of `store_of(JobRequest())`. kNotFound.
  Result<Job> Find(const std::string& id);
  // The jobs that Find finds and the filter has, newest first.
  Result<std::vector<Job>> List(const JobFilter& filter);
  // Of `store_of(JobRequest())`.
  Result<std::vector<JobTotal>> Totals();
  // Returns when the job has ended; kCancelled after a stop.
  Result<Job> Wait(const std::string& id, const std::stop_token& stop);
  // Ends a waiting job; asks a running job to stop. kBusy: the job has
  // exchanged the database, has ended already, or another process runs it.
  Status Cancel(const std::string& id);

  // Stops the running jobs of that type for good and waits for their end,
  // removes the schedules of that type and their jobs, and keeps submitted jobs
  // of the type from beginning until Resume. Callers of Run that wait for a job
  // of the type get kCancelled, unless they wait for a restore: a restore stops
  // the jobs that use the database, and later they begin again.
  void Suspend(JobType type);
  void Resume(JobType type);
  // Lets no more jobs begin, and asks running jobs to stop. Jobs that wait to
  // run again stay in the store.
  void StopAll();
  // As StopAll, and waits until all jobs have ended.
  void Close();

  // Ok, or the error that Run would return now.
  Status Judge(JobType type) const;
  // The running job with the strongest effect: kRestore (also for an undo),
  // kCreate, kRotate (also for a deletion), kVerify or kDrill.
  std::optional<JobType> Running() const;
  // A sentence for each running job that has made no progress for longer than
  // its limit and has not ended, though it was asked to stop, or can't be
  // stopped any more.
  std::vector<std::string> StuckJobs() const;

  // Submits the request at each run of the schedule, first at `first`, or at
  // once if that has passed. Later runs count from the time when the last one
  // was due, so a run that takes long does not move them. Of the runs that
  // become due meanwhile, one begins when it has ended; the others are skipped.
  // `note`, if set, is called with the time of each run once it is queued. An
  // earlier schedule of the same request ends.
  void SetSchedule(const JobRequest& request,
                   std::shared_ptr<const Schedule> schedule, Time first,
                   std::function<void(Time)> note = {});
  // Removes the schedules of that type. Their jobs go on.
  void RemoveSchedules(JobType type);
  // The time of the next scheduled job, of any type or of one.
  std::optional<Time> NextRun(std::optional<JobType> type = {}) const;

  // True if the thread that begins jobs turns within `patience`, or if there is
  // no such thread. False also after `stop`. For a watchdog: a caller that
  // hangs here shows that this object hangs.
  bool Turns(std::chrono::milliseconds patience, const std::stop_token& stop);

  // `listener` is called for all jobs from now on, and may call this object.
  void AddListener(JobListener listener);

 private:
  // What is known of one job. Guarded by the runner's mutex, but for the
  // constants and `record_mutex`.
  struct Entry {
    Job job;
    bool submitted = false;           // constant; else the caller of Run waits
    std::string lane;                 // constant
    std::shared_ptr<JobStore> store;  // constant; may be null
    Mutex record_mutex;               // one writer of the record at a time

    std::optional<DueTime> due;  // not before
    bool announced = true;       // the listeners know that it waits
    bool scheduled = false;      // a timer submitted it
    std::stop_source stop;
    std::chrono::steady_clock::time_point last_progress;
    bool displaced = false;   // stopped by another job, comes again
    bool cancelled = false;   // stopped by a person, or for good
    bool committed = false;   // can't be stopped any more
    bool wait_ended = false;  // the caller of Run is to give up
    bool timed_out = false;   // stopped, because it reported no progress
    bool needed = true;       // else no record is written
    bool recorded = false;
    bool settled = false;  // ended, and the record of it is written
  };
  using EntryPtr = std::shared_ptr<Entry>;
  struct Timer {
    JobRequest request;
    std::shared_ptr<const Schedule> schedule;
    std::function<void(Time)> note;
    Time planned;  // of the present run, else of the next one
    DueTime next;
    EntryPtr run = nullptr;  // the present one
  };

  static Status ShuttingDown() {
    return Status(StatusCode::kCancelled,
                  "the backup manager is shutting down");
  }

  // --- job_runner.cc
  const JobPolicy& PolicyOf(const Entry& entry) const;
  EntryPtr NewEntry(const JobRequest& request, bool submitted) const;
  std::string LaneOf(const JobRequest& request) const;
  void Enqueue(const EntryPtr& entry) REQUIRES_LOCK(mutex_);
  bool IsReady(const Entry& entry) const REQUIRES_LOCK(mutex_);
  // The job that `entry` must wait for: a running or earlier waiting one that
  // may not run beside it. Running jobs that `entry` displaces do not count.
  const Entry* InTheWay(const Entry& entry) const REQUIRES_LOCK(mutex_);
  bool DisplaceOthers(const Entry& entry) REQUIRES_LOCK(mutex_);
  void Admit() REQUIRES_LOCK(mutex_);
  void Begin(const EntryPtr& entry) REQUIRES_LOCK(mutex_);
  void Advance() REQUIRES_LOCK(mutex_);
  Status AwaitTurn(const EntryPtr& entry, const JobTerms& terms)
      REQUIRES_LOCK(mutex_);
  Status JudgeLocked(const Entry& entry) const REQUIRES_LOCK(mutex_);
  JobOutcome Attempt(const EntryPtr& entry, const JobTerms& terms);
  // A function that returns the flag's value at the time of its call.
  std::function<bool()> LookAt(const EntryPtr& entry, bool Entry::*flag);
  void Settle(const EntryPtr& entry, JobOutcome outcome);
  bool ComesAgain(Entry* entry, JobOutcome* outcome) REQUIRES_LOCK(mutex_);
  void End(const EntryPtr& entry, const JobOutcome& outcome)
      REQUIRES_LOCK(mutex_);
  void Publish(const EntryPtr& entry);
  Status Record(const EntryPtr& entry);
  void RecordOrWarn(const EntryPtr& entry);
  void Tell(const EntryPtr& entry);
  void Report(const EntryPtr& entry, double fraction);
  void CountBytes(const EntryPtr& entry, uint64_t done, uint64_t total);
  Status TimedOut(const Entry& entry) const;
  bool Commit(const EntryPtr& entry);

  // --- job_queue.cc
  Status Queue(const EntryPtr& entry) REQUIRES_LOCK(mutex_);
  void Announce(const EntryPtr& entry);
  Status Enter(const EntryPtr& entry, const Submission& submission);
  EntryPtr FindSubmitted(const JobRequest& request) const REQUIRES_LOCK(mutex_);
  EntryPtr FindEntry(const std::string& id) const REQUIRES_LOCK(mutex_);
  void Withdraw(const EntryPtr& entry) REQUIRES_LOCK(mutex_);
  void PublishEnd(const EntryPtr& entry);
  bool TakeUpOne(Job job, const std::shared_ptr<JobStore>& store);
  std::string WhyNotAgain(const Entry& entry) const;

  // --- job_time.cc
  bool AddThread(std::list<std::jthread>* threads,
                 std::function<void(std::stop_token)> body)
      REQUIRES_LOCK(mutex_);
  void RunInBackground(const EntryPtr& entry);

  // --- job_time.cc
  void KeepTime(const std::stop_token& stop);
  // True if the job has a limit and made no progress for longer than that.
  bool IsQuiet(const Entry& entry) const;
  void StopQuietJobs() REQUIRES_LOCK(mutex_);
  void Rearm(Timer* timer) REQUIRES_LOCK(mutex_);
  void SkipMissedRuns(Timer* timer) const REQUIRES_LOCK(mutex_);
  void RunTimers();
  std::optional<std::chrono::milliseconds> NextDue() const
      REQUIRES_LOCK(mutex_);
  void StartKeeper() REQUIRES_LOCK(mutex_);
  void WakeKeeper() REQUIRES_LOCK(mutex_) { wake_.request_stop(); }
  void JoinEnded();

  Clock* const clock_;
  const std::map<JobType, JobHandler> handlers_;
  const StoreOf store_of_;

  Mutex key_mutex_;  // one submission with a key at a time
  mutable Mutex mutex_;
  CondVar changed_;
  bool closed_ GUARDED_BY(mutex_) = false;
  std::list<EntryPtr> waiting_ GUARDED_BY(mutex_);  // in the order of running
  std::list<EntryPtr> running_ GUARDED_BY(mutex_);
  std::deque<EntryPtr> ended_ GUARDED_BY(mutex_);  // the last ones, for Find
  std::set<JobType> held_ GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Timer>> timers_ GUARDED_BY(mutex_);
  std::vector<JobListener> listeners_ GUARDED_BY(mutex_);
  int callers_ GUARDED_BY(mutex_) = 0;  // of Run
  // Ended jobs whose end could not be recorded yet.
  std::list<EntryPtr> unrecorded_ GUARDED_BY(mutex_);
  bool warned_ GUARDED_BY(mutex_) = false;  // a failed record was logged
  std::stop_source wake_ GUARDED_BY(mutex_);
  uint64_t turns_ GUARDED_BY(mutex_) = 0;               // of the timer's thread
  std::list<std::jthread> keeper_ GUARDED_BY(mutex_);   // the timer
  std::list<std::jthread> threads_ GUARDED_BY(mutex_);  // run jobs
  std::list<std::jthread> ended_threads_ GUARDED_BY(mutex_);
};

}  // namespace levelkeep

#endif  // LEVELKEEP_JOBS_JOB_RUNNER_H_
